"""Pages, workers, timers -> conductor; see `callcenter.commands`."""

from dataclasses import dataclass

from callcenter.commands.vocabulary import desk


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
    """The agent ends the call for all; while consulting it is what hanging up the phone is: the transfer is completed."""

    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class TransferCall:
    """Give the call away without asking first. `kind`: agent | queue | number | release (to a number of the system that
    the call came by, which rings it itself); `target`: user name, queue or number.

    To an agent or a number the agent stays with the call until it is answered there, and is back with the customer
    when it is not. `note` says why, to whoever takes it.
    """

    agent: str
    call: str
    kind: str
    target: str
    note: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class ConsultCall:
    """Speak with somebody first, while the customer hears music; words as in `TransferCall`."""

    agent: str
    call: str
    kind: str
    target: str
    note: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class SwapCall:
    """From the one who is consulted back to the customer, or again."""

    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class CompleteTransfer:
    """The one who is consulted gets the call, now or when the phone is answered."""

    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class JoinCall:
    """A conference: the one who is consulted, the customer and the agent hear each other."""

    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class DropParty:
    """Let go of the one who is consulted, or of the guest on leg `party`; empty means the only one there is."""

    agent: str
    call: str
    party: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class LeaveCall:
    """The agent leaves a conference, the customer and the guests go on."""

    agent: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class PauseCallRecording:
    """Silence in the recording while card data is spoken; it goes on by itself when the pause's limit is over."""

    agent: str
    call: str
    paused: bool


@desk.word
@dataclass(frozen=True, slots=True)
class RecordCall:
    """Record from now on, or no more, where the queue leaves that to the agent."""

    agent: str
    call: str
    on: bool


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
class PlaceCall:
    """The agent calls `number` (as typed, an extension, or an emergency number): the agent's phone rings first.

    `queue`: whose number is shown and whose rules of wrap-up apply; empty means those of `default`.
    """

    agent: str
    number: str
    queue: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class PlaceCallback:
    """Ring the customer and the agent for one attempt. `attempt` dials at most once, however often this is read.

    `mode` is customer_first or agent_first. With an empty `agent` the customer stands in `queue` at the place of
    `since`, ranked by `tier` as a caller is, and goes to `owner` first; at `until` (0: when it is the conductor's usual
    time) the wait is given up. `caller`: the number that the customer rang from.
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
    since: float = 0.0
    owner: str = ""
    caller: str = ""
    tier: str = ""
    until: float = 0.0


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
class Supervise:
    """The supervisor `by` joins the call by the own phone, or changes how: `mode` is listen | whisper | barge."""

    by: str
    call: str
    mode: str = "listen"


@desk.word
@dataclass(frozen=True, slots=True)
class StopSupervising:
    by: str
    call: str


@desk.word
@dataclass(frozen=True, slots=True)
class AssignCall:
    """The supervisor `by` gives a waiting call to `agent`, or pulls it out for himself."""

    by: str
    call: str
    agent: str


@desk.word
@dataclass(frozen=True, slots=True)
class MoveCall:
    """A waiting call goes to another queue and keeps its age."""

    by: str
    call: str
    queue: str


@desk.word
@dataclass(frozen=True, slots=True)
class RankCall:
    """A waiting call has this priority from now on."""

    by: str
    call: str
    priority: int


@desk.word
@dataclass(frozen=True, slots=True)
class EndWrapUp:
    """The supervisor `by` ends the wrap-up of `agent`."""

    by: str
    agent: str


@desk.word
@dataclass(frozen=True, slots=True)
class CloseQueue:
    """The queue takes no more callers, or takes them again. `send_away`: who waits leaves it too."""

    by: str
    queue: str
    closed: bool
    send_away: bool = False


@desk.word
@dataclass(frozen=True, slots=True)
class HearAgain:
    """Every line lifts its ban of this address."""

    source: str
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class ReloadDirectory:
    """Users, phones, queues or trunks changed in SQL: the conductor reads them again and sends lines a new config."""

    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class SetLineDraining:
    """Let a line run empty before it is restarted, or let it take calls again."""

    line: str
    draining: bool
    by: str = ""


@desk.word
@dataclass(frozen=True, slots=True)
class AskLadder:
    """Have the lines put the SIP messages of a call into the store."""

    call: str
