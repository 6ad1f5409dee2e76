"""What is asked for: imperative messages.

`Line` commands go from the conductor to one line (stream `line:commands:<line>`). Desk commands go from
pages, workers and timers to the conductor (stream `commands`).

Times are seconds since 1970 (UTC); durations are seconds. A leg is one SIP dialog; a call is the whole conversation
and carries the id of its first leg. Every line command is idempotent: it may be read twice.
"""

from dataclasses import dataclass

from callcenter.messages import Vocabulary

line = Vocabulary()
desk = Vocabulary()

# ---- conductor -> line -------------------------------------------------------------------------------------------


@line.word
@dataclass(frozen=True, slots=True)
class AnswerLeg:
    """200 OK to an inbound INVITE. Idempotent once answered."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class RingLeg:
    """180 Ringing to an inbound INVITE."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class RefuseLeg:
    """Final answer 4xx-6xx to an inbound INVITE that is not answered yet."""

    leg: str
    code: int
    reason: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """BYE, CANCEL or 487, whichever the leg's state asks for. `cause` is written into the Reason header (RFC 3326)."""

    leg: str
    cause: str = "normal"


@line.word
@dataclass(frozen=True, slots=True)
class DialLeg:
    """Place a leg. `leg` is chosen by the conductor: the same id twice dials once.

    Exactly one of `phone` (a registered or configured agents' phone, by its user part) and `number` (E.164 or a SIP
    URI, by a trunk) is given. `trunk` names one; empty means the first that carries the number.
    `auto_answer` asks the phone to answer by itself (Call-Info / Alert-Info).
    """

    leg: str
    phone: str = ""
    number: str = ""
    trunk: str = ""
    caller: str = ""
    caller_name: str = ""
    timeout: float = 30.0
    auto_answer: bool = False
    call: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class PlayPrompts:
    """Play prompts one after another to one leg, replacing what it hears now; `PromptFinished` carries `play`.

    A prompt is a string: `say:LANG:TEXT` (LANG one of en, cmn, yue), `music:NAME`, `file:NAME` (an uploaded WAV),
    `tone:HZ:MS` or `silence:MS`. With `loop` the list starts again and never finishes.
    """

    leg: str
    play: str
    prompts: tuple[str, ...]
    loop: bool = False


@line.word
@dataclass(frozen=True, slots=True)
class StopPrompts:
    """Silence to the leg; nothing when it hears none."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class BridgeLegs:
    """Let two answered legs hear each other; each leaves its prompt or its former bridge."""

    leg: str
    other: str


@line.word
@dataclass(frozen=True, slots=True)
class UnbridgeLegs:
    """Part two bridged legs; both stay up, in silence."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class MuteLeg:
    """What the leg says is dropped in our relay (muted) or let through again."""

    leg: str
    muted: bool


@line.word
@dataclass(frozen=True, slots=True)
class SendDigits:
    """Send DTMF to the leg, RFC 4733 when negotiated, else SIP INFO."""

    leg: str
    digits: str


@line.word
@dataclass(frozen=True, slots=True)
class LoadConfig:
    """A newer `LineConfig` stands in the store under `line:config`."""

    version: int


# ---- pages, workers, timers -> conductor -------------------------------------------------------------------------


@desk.word
@dataclass(frozen=True, slots=True)
class SignIn:
    """The agent's desk is open. `name` is the user name, the agent's id on the board."""

    agent: str
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class SignOut:
    agent: str
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class SetStatus:
    """What the agent (or a supervisor, `by`) chose: available | not_ready | break, with a break reason."""

    agent: str
    status: str
    reason: str = ""
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """Answer from the page: only for a phone that declares remote answer."""

    agent: str
    offer: str


@desk.word
@dataclass(frozen=True, slots=True)
class RejectOffer:
    agent: str
    offer: str


@desk.word
@dataclass(frozen=True, slots=True)
class HoldCall:
    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class ResumeCall:
    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class MuteCall:
    """Mute (or unmute) the agent towards the customer, in our relay."""

    agent: str
    call: str
    muted: bool


@desk.word
@dataclass(frozen=True, slots=True)
class SendCallDigits:
    agent: str
    call: str
    digits: str


@desk.word
@dataclass(frozen=True, slots=True)
class HangUpCall:
    """The agent ends the call for both sides."""

    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class AskForHelp:
    agent: str
    call: str
    wanted: bool = True


@desk.word
@dataclass(frozen=True, slots=True)
class ExtendWrapUp:
    agent: str
    seconds: float = 30.0


@desk.word
@dataclass(frozen=True, slots=True)
class FinishWrapUp:
    """Disposition and note belong to the call that is wrapped up."""

    agent: str
    call: str
    disposition: str = ""
    note: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class BindCustomer:
    """The agent chose who is calling; the pop and the record follow."""

    call: str
    customer: int
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class PlaceCallback:
    """Ring the customer and the agent for one attempt. `attempt` dials at most once, however often this is read.

    `mode` is customer_first or agent_first. With an empty `agent` the conductor picks one of `queue` by its rule.
    """

    attempt: str
    callback: int
    number: str
    agent: str
    mode: str = "customer_first"
    ticket: int = 0
    customer: int = 0
    language: str = "en"
    trunk: str = ""
    queue: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class CancelAttempt:
    attempt: str
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class PlaceSurvey:
    """Ring the customer, ask, take one digit 1-5. `language` is en, cmn or yue."""

    attempt: str
    survey: int
    number: str
    language: str
    ticket: int = 0
    customer: int = 0
    trunk: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class ReloadDirectory:
    """Users, phones, queues or trunks changed in SQL: the conductor reads them again and sends lines a new config."""

    by: str = ""
