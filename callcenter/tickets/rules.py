"""Who may take a complaint from which state to which: the table of the guide's "first-responder ownership". Pure."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from callcenter.errors import NotAllowed, WrongState
from callcenter.people import rights

STATES = (
    "registered",
    "in_progress",
    "waiting_customer",
    "proposed",
    "callback_due",
    "closed",
    "closed_unreached",
    "withdrawn",
    "merged",
)
OPEN = STATES[:5]
CLOSED = ("closed", "closed_unreached")
KINDS = ("complaint", "enquiry", "suggestion", "praise")
SEVERITIES = (1, 2, 3, 4)
"""1 emergency, 2 severe, 3 normal, 4 low."""
SEVERE = 2
"""From here upwards (smaller numbers) a supervisor co-signs the answer."""
TYPES = (
    "product",
    "delivery",
    "installation",
    "repair",
    "warranty",
    "refund",
    "billing",
    "service",
    "environment",
    "other",
)
"""What a complaint is about; the pages translate them."""
DISPOSITIONS = (
    "resolved",
    "complaint_logged",
    "callback_agreed",
    "transferred",
    "wrong_number",
    "no_need",
    "other",
)
"""How an agent sums a call up while wrapping up."""

REOPENS_WITHIN = timedelta(days=14)
"""Same number within; behind it a new, linked complaint (guide, "Reopen")."""
UNREACHED_ATTEMPTS, UNREACHED_DAYS, UNREACHED_HOURS = 3, 2, 2


class NotYours(NotAllowed):
    """Only the owner of the complaint does this."""


class NoEvidence(WrongState):
    """There is no conversation with the customer that proves this: ring the customer first."""


class NeedsCosign(WrongState):
    """A severe complaint's answer is reported back when a supervisor has co-signed it."""


class NotAssessed(WrongState):
    """Type, region and severity are set first."""


class NotEnoughAttempts(WrongState):
    """Closing unreached takes at least 3 attempts on 2 days at different hours."""


class NoNumber(WrongState):
    """Nobody can be called back: the complaint has no number."""


@dataclass(frozen=True, slots=True)
class Move:
    """`to` empty: the state stays. `who`: any one of these hats. `noun`: the thing that is PUT or POSTed."""

    name: str
    noun: str
    sources: tuple[str, ...]
    to: str
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What this person may do now. The page translates `action.<name>` and `consequence_key` with `values`."""

    name: str
    noun: str
    consequence_key: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Roles:
    """Who is who in one complaint."""

    owner: int
    acting: int | None = None
    acting_until: datetime | None = None


_MOVES = (
    Move("note", "notes", STATES, "", ("agent",)),
    Move("assess", "assessment", OPEN, "in_progress", ("owner", "supervisor")),
    Move("ask_customer", "question", ("in_progress",), "waiting_customer", ("owner", "acting")),
    Move(
        "resume",
        "resumption",
        ("waiting_customer",),
        "in_progress",
        ("owner", "acting", "supervisor", "system"),
    ),
    Move("propose", "proposal", ("in_progress",), "proposed", ("owner",)),
    Move("return_proposal", "proposal-return", ("proposed",), "in_progress", ("owner", "supervisor")),
    Move("cosign", "cosignature", ("proposed",), "", ("supervisor",)),
    Move("report_back", "report", ("proposed",), "callback_due", ("owner",)),
    Move("close", "closure", ("callback_due",), "closed", ("owner",)),
    Move("settle_on_the_line", "settlement", ("in_progress", "callback_due"), "closed", ("owner",)),
    Move("not_settled", "second-handling", ("callback_due",), "in_progress", ("owner",)),
    Move("close_unreached", "unreached-closure", ("callback_due",), "closed_unreached", ("supervisor",)),
    Move("withdraw", "withdrawal", OPEN, "withdrawn", ("owner",)),
    Move("reopen", "reopening", CLOSED, "in_progress", ("agent", "supervisor", "system")),
)
MOVES = {move.name: move for move in _MOVES}


def hats(person: int | None, role: str, roles: Roles, now: datetime) -> frozenset[str]:
    """What a person is to this complaint; nothing when the role only reads. `person` None is the house itself (a
    worker's job)."""
    if person is None:
        return frozenset({"system"})
    if not rights.may(role, "tickets.write"):
        return frozenset()
    worn = {"agent"}
    if person == roles.owner:
        worn.add("owner")
    if person == roles.acting and roles.acting_until is not None and now < roles.acting_until:
        worn.add("acting")
    if rights.may(role, "tickets.supervise"):
        worn.add("supervisor")
    return frozenset(worn)


def check(name: str, state: str, worn: Collection[str]) -> str:
    """The state that the move leads to. Raises WrongState, NotYours."""
    move = MOVES[name]
    if state not in move.sources:
        raise WrongState(f"This cannot be done while the complaint is {state.replace('_', ' ')}.")
    if not set(move.who) & set(worn):
        if move.who == ("supervisor",):
            raise NotAllowed("Only a supervisor does this.")
        raise NotYours
    if name == "assess" and state != "registered":
        return state
    return move.to or state


def possible(state: str, worn: Collection[str]) -> list[Move]:
    """Moves that `check` lets pass, in the order of the table."""
    return [move for move in _MOVES if state in move.sources and set(move.who) & set(worn)]


def assessed(type_: str, region: str, severity: int) -> bool:
    """Whether a complaint may be worked on."""
    return bool(type_ and region and severity in SEVERITIES)


def needs_cosign(severity: int, cosigned: bool) -> bool:
    """Whether the answer waits for a supervisor."""
    return severity <= SEVERE and not cosigned


def reopens(closed_at: datetime | None, now: datetime) -> bool:
    """Whether the same number lives on."""
    return closed_at is not None and now - closed_at <= REOPENS_WITHIN


def unreached(attempts: Collection[datetime]) -> bool:
    """Whether these attempts (local times) allow CLOSED_UNREACHED."""
    days = {at.date() for at in attempts}
    hours = {at.hour for at in attempts}
    return (
        len(attempts) >= UNREACHED_ATTEMPTS and len(days) >= UNREACHED_DAYS and len(hours) >= UNREACHED_HOURS
    )
