"""What happened: past tense, frozen, primitives.

`line` events go from a line to the conductor (stream `line:events`, all lines). Public events are what everybody
else reads (stream `events`): the conductor appends them in the same store transaction that changes the board, and the
outbox adds those that follow from a SQL commit.

`at` is seconds since 1970 (UTC) when it happened, not when it was read. Durations are seconds.
"""

from dataclasses import dataclass

from callcenter.messages import Vocabulary

line = Vocabulary()
public = Vocabulary()

# ---- line -> conductor -------------------------------------------------------------------------------------------


@line.word
@dataclass(frozen=True, slots=True)
class LineStarted:
    """A line process is up. Its `boot` differs at each start: legs of an older boot are lost, with phones kept.

    `lacks` names capabilities of the `Line` Protocol that this driver does not have.
    """

    at: float
    line: str
    boot: str
    driver: str
    address: str
    capacity: int
    lacks: tuple[str, ...] = ()


@line.word
@dataclass(frozen=True, slots=True)
class LineStopped:
    at: float
    line: str
    boot: str


@line.word
@dataclass(frozen=True, slots=True)
class CallArrived:
    """An INVITE reached us from outside or from a phone; nothing is answered yet (100 Trying was sent).

    `caller` is E.164 when the number allows it, else as received, empty when withheld. `called` is the user part of
    the Request-URI. `trunk` is the name of the trunk it came by, `phone` the agents' phone that placed it.
    """

    at: float
    line: str
    leg: str
    caller: str
    called: str
    caller_name: str = ""
    raw_caller: str = ""
    withheld: bool = False
    trunk: str = ""
    phone: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class LegRinging:
    at: float
    line: str
    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class LegAnswered:
    """Media can flow: 200 sent for an inbound leg, 200 received for an outbound one."""

    at: float
    line: str
    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class LegEnded:
    """Exactly one per leg, the last.

    `outcome`: hung_up | busy | no_answer | refused | unreachable | cancelled | failed | lost.
    `by`: remote (the other side), us (a command), line (watchdog, restart, transport).
    `fault`: nobody | caller | called | network | us. `retry`: whether trying again later can help.
    `code`: SIP status of a final answer, 0 when there was none.
    """

    at: float
    line: str
    leg: str
    outcome: str
    by: str
    fault: str = "nobody"
    retry: bool = False
    code: int = 0
    reason: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class PromptFinished:
    at: float
    line: str
    leg: str
    play: str


@line.word
@dataclass(frozen=True, slots=True)
class DigitPressed:
    """One key, once, however often its end packets were repeated. `method`: rtp | info."""

    at: float
    line: str
    leg: str
    digit: str
    method: str = "rtp"


@line.word
@dataclass(frozen=True, slots=True)
class LegsBridged:
    at: float
    line: str
    leg: str
    other: str


@line.word
@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """`phone` is the user part of the address of record; `expires` the instant its last contact expires."""

    at: float
    line: str
    phone: str
    contact: str
    expires: float
    user_agent: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class PhoneUnregistered:
    """No contact left. `why`: removed | expired | lost (its connection broke)."""

    at: float
    line: str
    phone: str
    why: str


@line.word
@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command came too late, from an older conductor, or asks for what the driver lacks.

    `code`: no_such_leg | wrong_state | stale_epoch | not_supported | not_allowed | no_capacity | no_trunk |
    no_phone | failed.
    """

    at: float
    line: str
    command: str
    leg: str
    code: str


# ---- public: calls and agents, by the conductor ------------------------------------------------------------------


@public.word
@dataclass(frozen=True, slots=True)
class CallStarted:
    """A conversation began. `kind`: inbound | callback | survey | manual. `direction`: in | out."""

    at: float
    call: str
    kind: str
    direction: str
    caller: str
    called: str
    caller_name: str = ""
    withheld: bool = False
    trunk: str = ""
    customer: int = 0
    ticket: int = 0
    attempt: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class CallQueued:
    at: float
    call: str
    queue: str
    position: int


@public.word
@dataclass(frozen=True, slots=True)
class CallOffered:
    """A lease: this agent, and nobody else, may take the call until `until`."""

    at: float
    call: str
    offer: str
    agent: str
    queue: str
    caller: str
    until: float
    withheld: bool = False
    caller_name: str = ""
    customer: int = 0
    ticket: int = 0


@public.word
@dataclass(frozen=True, slots=True)
class OfferEnded:
    """`outcome`: answered | missed | rejected | device_error | caller_gone | withdrawn."""

    at: float
    call: str
    offer: str
    agent: str
    outcome: str


@public.word
@dataclass(frozen=True, slots=True)
class CallAnswered:
    """The agent's phone answered and both sides are bridged. `waited`: seconds from queued to answered."""

    at: float
    call: str
    agent: str
    waited: float
    queue: str = ""
    customer: int = 0
    ticket: int = 0


@public.word
@dataclass(frozen=True, slots=True)
class CallHeld:
    at: float
    call: str
    agent: str


@public.word
@dataclass(frozen=True, slots=True)
class CallResumed:
    at: float
    call: str
    agent: str


@public.word
@dataclass(frozen=True, slots=True)
class CallMuted:
    at: float
    call: str
    agent: str
    muted: bool


@public.word
@dataclass(frozen=True, slots=True)
class DigitHeard:
    at: float
    call: str
    digit: str
    side: str


@public.word
@dataclass(frozen=True, slots=True)
class CustomerBound:
    at: float
    call: str
    customer: int
    by: str


@public.word
@dataclass(frozen=True, slots=True)
class CallFinished:
    """The last event of a call but its wrap-up. Durations in seconds.

    `outcome` of an inbound call is one of the guide's: answered | abandoned | short_abandon | deflected | overflowed |
    message_left | callback_taken | lost_by_us | refused; of a placed one: conversation | busy | no_answer |
    refused | unreachable | failed | cancelled | no_agent | answered (a survey that got its key) | no_score (one that
    did not) | unknown.
    `ended_by`: customer | agent | us.
    """

    at: float
    call: str
    outcome: str
    ended_by: str
    started: float
    queued: float = 0.0
    answered: float = 0.0
    waited: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    queue: str = ""
    agent: str = ""
    customer: int = 0
    ticket: int = 0
    attempt: str = ""
    kind: str = "inbound"
    caller: str = ""
    called: str = ""
    fault: str = "nobody"
    code: int = 0


@public.word
@dataclass(frozen=True, slots=True)
class WrapUpStarted:
    at: float
    call: str
    agent: str
    until: float


@public.word
@dataclass(frozen=True, slots=True)
class WrapUpExtended:
    at: float
    call: str
    agent: str
    until: float


@public.word
@dataclass(frozen=True, slots=True)
class WrapUpEnded:
    at: float
    call: str
    agent: str
    seconds: float
    disposition: str = ""
    note: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class AgentChanged:
    """The agent's three things, whenever one changed: what was chosen, what is observed, whether the phone is there.

    `status`: signed_out | available | not_ready | break. `activity`: idle | offered | talking | held | wrap_up |
    dialling. `paused`: the platform's own reason (missed_calls | phone_lost | desk_lost), which only it withdraws.
    """

    at: float
    agent: str
    status: str
    reason: str
    activity: str
    reachable: bool
    paused: str = ""
    by: str = ""
    since: float = 0.0


@public.word
@dataclass(frozen=True, slots=True)
class HelpWanted:
    at: float
    agent: str
    call: str
    wanted: bool


@public.word
@dataclass(frozen=True, slots=True)
class QueueChanged:
    """`waiting` calls now, the oldest since `oldest` (0.0 when none)."""

    at: float
    queue: str
    waiting: int
    oldest: float


@public.word
@dataclass(frozen=True, slots=True)
class SurveyDigit:
    """The customer gave `score` in this survey call."""

    at: float
    call: str
    attempt: str
    survey: int
    score: int


@public.word
@dataclass(frozen=True, slots=True)
class AttemptEnded:
    """One per attempt that was dialled. `outcome` as in CallFinished of a placed call; `talk` seconds with an agent."""

    at: float
    attempt: str
    kind: str
    ref: int
    outcome: str
    call: str
    talk: float
    fault: str = "nobody"
    retry: bool = False
    code: int = 0


@public.word
@dataclass(frozen=True, slots=True)
class DeskCommandRefused:
    """Told to the person who asked. `code` is a stable error code."""

    at: float
    agent: str
    command: str
    code: str
    call: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class Healed:
    """A sweep put something right that a crash or a lost message left wrong."""

    at: float
    what: str
    subject: str
    why: str


# ---- public: what follows from a SQL commit, by the outbox -------------------------------------------------------


@public.word
@dataclass(frozen=True, slots=True)
class TicketChanged:
    """Opened, moved, noted: anything a list or the complaint's page shows. `change` names it."""

    at: float
    ticket: int
    number: str
    change: str
    state: str
    owner: str
    by: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class NoticeSent:
    """A notice for one user in the page. `level`: 75 | 100 | written | supervision as number 1-4."""

    at: float
    notice: int
    recipient: str
    ticket: int
    number: str
    level: int
    clock: str


@public.word
@dataclass(frozen=True, slots=True)
class CallbackChanged:
    at: float
    callback: int
    ticket: int
    owner: str
    state: str
    due: float


@public.word
@dataclass(frozen=True, slots=True)
class SurveyChanged:
    at: float
    survey: int
    ticket: int
    state: str
    score: int = 0
