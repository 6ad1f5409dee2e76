"""The life of a call: one state machine. Pure.

A caller: arriving -> greeting -> queued -> offered -> connecting -> bridged <-> held -> ended.
A call that we place: arriving -> connecting (the customer's phone rings) -> offered (the agent's rings) -> connecting
-> bridged; agent first: arriving -> offered -> connecting -> bridged; a survey: arriving -> connecting -> survey.
`leaving`: hears a last message, then we hang up.
"""

STATES = (
    "arriving",
    "greeting",
    "queued",
    "offered",
    "connecting",
    "bridged",
    "held",
    "survey",
    "leaving",
    "ended",
)
WAITING = frozenset({"greeting", "queued", "offered", "connecting"})
"""States of a caller who entered a queue and speaks with nobody yet."""

SHORT = 5.0
"""Seconds: a caller who leaves within them is a short abandon (guide, metric definitions version 1)."""


class IllegalStep(ValueError):
    """This cannot happen to a call in that state."""


def advance(state: str, happening: str) -> str:
    """The state after `happening`: greet | queue | offer | dial | answer | bridge | hold | resume | ask | leave | end."""
    match state, happening:
        case "arriving", "greet":
            return "greeting"
        case "arriving" | "greeting" | "offered" | "connecting", "queue":
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
        case "connecting", "ask":
            return "survey"
        case "arriving" | "greeting" | "queued" | "offered" | "connecting" | "survey", "leave":
            return "leaving"
        case _, "end" if state in STATES and state != "ended":
            return "ended"
    raise IllegalStep(f"{happening} in state {state}")


def left(waited: float) -> str:
    """Outcome of a caller who hung up before an agent answered, after `waited` seconds."""
    return "short_abandon" if waited <= SHORT else "abandoned"


def is_evidence(outcome: str, talk: float) -> bool:
    """Whether an agent and the customer really spoke: what proves a callback. `talk` in seconds."""
    return outcome in ("answered", "conversation") and talk > 0


def owes_callback(kind: str, outcome: str, caller: str) -> bool:
    """Whether a caller whom we did not serve is rung back: lost by us or sent away, with a known number."""
    return kind == "inbound" and outcome in ("lost_by_us", "deflected") and caller.startswith("+")
