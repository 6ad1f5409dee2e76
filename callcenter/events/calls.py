"""Public: calls, by the conductor; see `callcenter.events`."""

from dataclasses import dataclass

from callcenter.events.vocabulary import public


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
class PlanStep:
    """A step of a caller through a plan: at `node` (of `kind`) this was `chosen`, which led `to` the next one.

    `chosen` is a key; no_key | wrong_key; of hours open | closed | holiday | unknown; a case of the caller; told |
    not_found | proof_asked | wrong_proof | not_answered | too_many of a complaint; ringing | answered | busy |
    no_answer ... of a number outside; the queue of an end. With `to` empty the call stays at the node, or leaves the plan
    there.
    """

    at: float
    call: str
    plan: str
    version: int
    node: str
    kind: str
    chosen: str
    to: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class CallQueued:
    at: float
    call: str
    queue: str
    position: int


@public.word
@dataclass(frozen=True, slots=True)
class RoutingDecided:
    """Whom the rules chose for who waits in `queue`, told when it is something else than before: a `call`, or with
    `call` empty the `attempt` of a callback that keeps a place there.

    `why`: owner | last_agent | a strategy (`routing.rules.STRATEGIES`); without an `agent` kept_for_owner |
    kept_for_last | nobody. `considered`: in order, an agent's name, a space and why not he: empty for the chosen one,
    behind (came after him), turned_down:UNTIL, lacks:SKILL:LEVEL (asked for until `relaxes`, 0 for no end), elsewhere
    (his phone is with another line), or what kept him: not_ready | break | a reason of the platform's | unreachable | an
    activity. Instants in seconds since 1970. Who is signed out is left out. `more` are not among `considered`: then
    `everyone` names all, packed; `counts` counts all (`calls.considered`). `before` and `places`: callers, and places that
    are kept for callbacks, who stood before him in the queue.
    """

    at: float
    call: str
    queue: str
    agent: str
    why: str
    considered: tuple[str, ...] = ()
    more: int = 0
    counts: tuple[str, ...] = ()
    everyone: str = ""
    relaxes: float = 0.0
    before: int = 0
    places: int = 0
    attempt: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class QueueLeft:
    """What became of a call in a queue that counts it, once: `outcome` is one of `life.OUTCOMES`. `entered`: when it was
    offered to the queue, `waited`: seconds there; `target`: the queue's T for the service level. `agent`: who answered."""

    at: float
    call: str
    queue: str
    entered: float
    outcome: str
    waited: float
    target: float
    agent: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class CallHandled:
    """An agent had the customer, until now: seconds of talk and of hold. `queue`: the one that counts it, empty for a
    call that we placed; `offered`: when the call was offered there, or began. Wrap-up is told by `WrapUpEnded`."""

    at: float
    call: str
    agent: str
    queue: str
    offered: float
    talk: float
    hold: float
    kind: str = "inbound"


@public.word
@dataclass(frozen=True, slots=True)
class CallOffered:
    """A lease: this agent, and nobody else, may take the call until `until`.

    `sent_by`: the agent who transfers the call or asks for advice, with `note`; then `queue` is empty for an agent who
    was named. `counted_at`: when the call was offered to the queue that counts it, or began.
    """

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
    sent_by: str = ""
    note: str = ""
    counted_at: float = 0.0


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
    """The first agent's phone answered and both sides are bridged. `waited`: seconds from queued to answered."""

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
class PhoneHeld:
    """A phone put the call on hold, or took it back: the agent's, or whatever the customer has (`side`: agent |
    customer). It is another thing than `CallHeld`; each ends alone."""

    at: float
    call: str
    agent: str
    side: str
    held: bool


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
    message_left | callback_taken | lost_by_us | refused, or of a plan, before any queue, left_in_menu (hung up there) |
    passed_on (spoke with a number outside); of a placed one: conversation | busy | no_answer |
    refused | unreachable | failed | cancelled | no_agent | answered (a survey that got its key) | no_score (one that
    did not) | unknown.
    `ended_by`: customer | agent | guest | us. `agent`: who answered first, `last_agent`: who had it last.
    `owed`: after a transfer it ended because we had nobody for the caller, who is rung back. `message`: the recording of
    the message, of `message_left`. `call_back`: the number to ring, of `callback_taken`. `queue`: the first one that it
    entered, `last_queue` the one that it left from.
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
    last_agent: str = ""
    transfers: int = 0
    owed: bool = False
    message: str = ""
    call_back: str = ""
    last_queue: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class RecordingChanged:
    """A segment of a call's recording.

    `state`: recording | paused | spooled (ended; a WAV lies at `spool` of the line's machine) | failed (`why`) | stored
    (by the worker: it can be heard).
    With recording and paused: between which legs (one of a message), whose agent, which queue, and the `days` it is
    kept; `until`: when a pause for card data ends by itself. With spooled: `started`, `seconds`,
    `channels` and `paused_for` seconds.
    """

    at: float
    call: str
    recording: str
    state: str
    agent: str = ""
    queue: str = ""
    line: str = ""
    leg: str = ""
    other: str = ""
    by: str = ""
    until: float = 0.0
    days: int = 180
    spool: str = ""
    started: float = 0.0
    seconds: float = 0.0
    channels: int = 2
    paused_for: float = 0.0
    why: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """Something of a line needs a hand (`on`), or no more; `what` as in `LineAlarm`."""

    at: float
    line: str
    what: str
    on: bool
    detail: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class CallSupervised:
    """The supervisor `by` is in the call of `agent` now: `mode` is listen | whisper | barge, empty when he left."""

    at: float
    call: str
    agent: str
    by: str
    mode: str


@public.word
@dataclass(frozen=True, slots=True)
class QueueChanged:
    """`waiting` calls now, the oldest since `oldest` (0.0 when none); `kept`: callbacks that stand in it beside them."""

    at: float
    queue: str
    waiting: int
    oldest: float
    kept: int = 0


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
    """One per attempt that was dialled. `outcome` as in CallFinished of a placed call, or rang_in: the customer was
    served before it was dialled; `talk` seconds with an agent."""

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
class Healed:
    """A sweep put something right that a crash or a lost message left wrong."""

    at: float
    what: str
    subject: str
    why: str


@public.word
@dataclass(frozen=True, slots=True)
class CallQuality:
    """How a side of a call sounded, at its leg's end; the figures as in `LegQuality`. `side`: customer | agent."""

    at: float
    call: str
    side: str
    codec: str
    secure: bool
    expected: int
    lost: int
    jitter: float
    rtt: float
    mos: float
    far_lost: float = 0.0


@public.word
@dataclass(frozen=True, slots=True)
class LineChanged:
    """A line came, went, drains or takes calls again; `legs` it carries, as far as it told. `by`: who asked."""

    at: float
    line: str
    up: bool
    draining: bool
    legs: int = 0
    by: str = ""


@public.word
@dataclass(frozen=True, slots=True)
class TrunkStateChanged:
    """A trunk can be used from this line, or not, and why."""

    at: float
    line: str
    trunk: str
    up: bool
    why: str = ""
