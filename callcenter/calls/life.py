"""The life of a call: one state machine. Pure.

A caller: arriving -> greeting -> queued -> offered -> connecting -> bridged <-> held -> ended.
A call that we place: arriving -> connecting (the customer's phone rings) -> offered (the agent's rings) -> connecting
-> bridged; agent first: arriving -> offered -> connecting -> bridged; a survey: arriving -> connecting -> survey.
menu: a caller whom a plan leads, before any queue; from there to a queue, a voicemail, a last message or outside.
`leaving`: hears a last message, then we hang up. voicemail: a caller who waits, or is sent away, leaves a message.
callback: a caller who waits says which number is to be rung back; the place is kept meanwhile.

With more than two: bridged or held -> consulting (the agent asks somebody, the customer hears music) -> bridged, with
whom it was spoken to waiting, joining, or as the new agent. transferring: the agent has left, the one who is to have
the call rings. outside: the customer speaks with a guest and no agent is in it. A transfer to a queue is `queue` again.
"""

STATES = (
    "arriving",
    "menu",
    "greeting",
    "queued",
    "offered",
    "connecting",
    "bridged",
    "held",
    "consulting",
    "transferring",
    "outside",
    "survey",
    "voicemail",
    "callback",
    "leaving",
    "ended",
)
WAITING = frozenset({"greeting", "queued", "offered", "connecting", "callback"})
"""States of a caller who entered a queue and speaks with nobody yet."""

WITH_AGENT = frozenset({"bridged", "held", "consulting"})
"""States in which an agent has the call and has spoken with the customer."""

OUTCOMES = (
    "answered",
    "abandoned",
    "short_abandon",
    "deflected",
    "overflowed",
    "message_left",
    "callback_taken",
    "lost_by_us",
)
"""What becomes of a call in a queue: offered is their sum, and who waits there now (guide, metric definitions)."""

SHORT = 5.0
"""Seconds: a caller who leaves within them is a short abandon (guide, metric definitions version 1)."""


class IllegalStep(ValueError):
    """This cannot happen to a call in that state."""


def advance(state: str, happening: str) -> str:
    """The state after `happening`: choose | greet | queue | offer | dial | answer | bridge | hold | resume | consult |
    join | hand_over | let_out | ask | record | call_back | leave | end."""
    match state, happening:
        case "arriving", "choose":
            return "menu"
        case "arriving" | "menu", "greet":
            return "greeting"
        case "arriving" | "menu" | "greeting" | "offered" | "connecting" | "callback", "queue":
            return "queued"
        case "bridged" | "held" | "consulting" | "transferring" | "outside", "queue":
            return "queued"
        case "queued" | "arriving" | "connecting", "offer":
            return "offered"
        case "arriving" | "offered", "dial":
            return "connecting"
        case "offered", "answer":
            return "connecting"
        case "connecting", "bridge":
            return "bridged"
        case "bridged", "hold":
            return "held"
        case "held", "resume":
            return "bridged"
        case "bridged" | "held", "consult":
            return "consulting"
        case "consulting" | "transferring" | "bridged" | "held", "join":
            return "bridged"
        case "consulting" | "bridged" | "held", "hand_over":
            return "transferring"
        case "consulting" | "bridged" | "held" | "transferring" | "menu", "let_out":
            return "outside"
        case "connecting", "ask":
            return "survey"
        case "arriving" | "menu" | "greeting" | "queued" | "offered", "record":
            return "voicemail"
        case "greeting" | "queued" | "offered", "call_back":
            return "callback"
        case (
            "arriving"
            | "menu"
            | "greeting"
            | "queued"
            | "offered"
            | "connecting"
            | "transferring"
            | "survey"
            | "voicemail"
            | "callback",
            "leave",
        ):
            return "leaving"
        case _, "end" if state in STATES and state != "ended":
            return "ended"
    raise IllegalStep(f"{happening} in state {state}")


def left(waited: float) -> str:
    """Outcome of a caller who hung up before an agent answered, after `waited` seconds."""
    return "short_abandon" if waited <= SHORT else "abandoned"


def counted(outcome: str) -> str:
    """What a call counts as in a queue that it entered: each in exactly one of `OUTCOMES`."""
    if outcome in OUTCOMES:
        return outcome
    return "deflected" if outcome == "refused" else "lost_by_us"


def is_evidence(outcome: str, talk: float) -> bool:
    """Whether an agent and the customer really spoke: what proves a callback. `talk` in seconds."""
    return outcome in ("answered", "conversation") and talk > 0


def owes_callback(
    kind: str, outcome: str, caller: str, ended_by: str = "", fault: str = "", queued: bool = True
) -> bool:
    """Whether a caller whom we did not serve is rung back: lost by us, sent away, with a message, or cut off by us in a
    conversation; with a known number. A plan's own message sends nobody away from a queue (`queued` false)."""
    cut_off = outcome == "answered" and ended_by == "us" and fault == "us"
    unserved = outcome in ("lost_by_us", "message_left") or (outcome == "deflected" and queued)
    return kind == "inbound" and caller.startswith("+") and (cut_off or unserved)
