"""What happened with a caller before: complaints, promises, callbacks, calls, the last survey, one timeline."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select, union_all
from sqlmodel import Session, col

from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.people.models import User
from callcenter.surveys.models import Survey
from callcenter.tickets.models import OPEN, Clock, Promise, Ticket, TicketEntry

RECENT_TICKETS = 30
CALLS_SHOWN = 10
CALLS_COUNTED = 50
TIMELINE_SHOWN = 20
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Owned:
    """An open complaint and the user name of its owner."""

    id: int
    owner: str
    severity: int
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Complaint:
    """An open complaint. `due`: when the next of its clocks runs out, `clock` which; `overdue` as of the pop."""

    id: int
    number: str
    kind: str
    type: str
    severity: int
    state: str
    wants: str
    owner: str
    owner_name: str
    received_at: datetime
    level: int
    due: datetime | None
    clock: str
    overdue: bool


@dataclass(frozen=True, slots=True)
class PromiseItem:
    id: int
    ticket: int
    text: str
    due: datetime
    overdue: bool


@dataclass(frozen=True, slots=True)
class CallbackItem:
    """A callback that we owe. `state`: due | dialling | talked."""

    id: int
    ticket: int
    reason: str
    state: str
    due: datetime


@dataclass(frozen=True, slots=True)
class CallItem:
    """An earlier call, or the one that rings (`outcome` empty). `talk` in seconds."""

    id: str
    kind: str
    direction: str
    started_at: datetime
    agent: str
    queue: str
    outcome: str
    talk: float
    note: str
    ticket: int


@dataclass(frozen=True, slots=True)
class SurveyItem:
    """The last answer. `score` 1 to 5."""

    id: int
    ticket: int
    score: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TimelineItem:
    """`kind`: `call`, or that of the complaint's entry; `text` in the words it was written in."""

    at: datetime
    kind: str
    text: str
    actor: str
    ticket: int
    call: str


@dataclass(frozen=True, slots=True)
class History:
    complaints: tuple[Complaint, ...] = ()
    promises: tuple[PromiseItem, ...] = ()
    callbacks: tuple[CallbackItem, ...] = ()
    calls: tuple[CallItem, ...] = ()
    calls_7_days: int = 0
    survey: SurveyItem | None = None
    timeline: tuple[TimelineItem, ...] = field(default=())


def of(session: Session, customer: int, number: str, now: datetime) -> History:
    """By customer, and by number for what was never bound to anybody; nothing for a withheld unknown caller."""
    if not customer and not number:
        return History()
    tickets = _tickets(session, customer, number)
    ids = [row.id for row in tickets]
    open_ids = [row.id for row in tickets if row.state in OPEN]
    calls = _calls(session, customer, number)
    shown = tuple(_call(row) for row in calls[:CALLS_SHOWN])
    week = now - timedelta(days=7)
    return History(
        complaints=_complaints([row for row in tickets if row.state in OPEN], _dues(session, open_ids), now),
        promises=_promises(session, open_ids, now),
        callbacks=_callbacks(session, open_ids, number),
        calls=shown,
        calls_7_days=sum(row.started_at > week for row in calls),
        survey=_survey(session, ids),
        timeline=_timeline(_entries(session, ids), shown),
    )


def open_owned(session: Session, customers: Sequence[int], number: str) -> list[Owned]:
    """Open complaints of these customers, and those of nobody that were logged for this number."""
    columns = (Ticket.id, User.name, Ticket.severity, Ticket.received_at)
    parts = [
        fetch(*columns).join(User, col(User.id) == Ticket.owner_id).where(where, col(Ticket.state).in_(OPEN))
        for where in _whose(customers, number)
    ]
    rows = session.execute(union_all(*parts)).all() if parts else []
    return [Owned(*row) for row in rows]


def open_counts(session: Session, customers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Customer -> number of open complaints and the worst severity."""
    rows = session.execute(
        fetch(Ticket.customer_id, func.count(), func.min(Ticket.severity))
        .where(col(Ticket.customer_id).in_(customers), col(Ticket.state).in_(OPEN))
        .group_by(col(Ticket.customer_id))
    )
    return {customer: (count, worst) for customer, count, worst in rows if customer}


def fetch(*columns: Any) -> Select[Any]:
    """A select of columns; SQLModel declares fields by their Python types, which a typed select does not take."""
    made: Select[Any] = select(*columns)
    return made


def _whose(customers: Sequence[int], number: str) -> list[Any]:
    mine = [col(Ticket.customer_id).in_(customers)] if customers else []
    nobodys = [(col(Ticket.contact_number) == number) & (col(Ticket.customer_id).is_(None))] if number else []
    return mine + nobodys


def _tickets(session: Session, customer: int, number: str) -> Sequence[Any]:
    """Open ones first, then the newest."""
    columns = (
        Ticket.id,
        Ticket.number,
        Ticket.kind,
        Ticket.type,
        Ticket.severity,
        Ticket.state,
        Ticket.wants,
        User.name.label("owner"),  # type: ignore[attr-defined]
        User.display_name,
        Ticket.received_at,
        Ticket.level,
        Ticket.closed_at,
    )
    parts = [
        fetch(*columns).join(User, col(User.id) == Ticket.owner_id).where(where)
        for where in _whose([customer] if customer else [], number)
    ]
    both = union_all(*parts).subquery()
    closed = both.c.closed_at.is_not(None)
    return session.execute(
        fetch(both).order_by(closed, both.c.received_at.desc()).limit(RECENT_TICKETS)
    ).all()


def _dues(session: Session, tickets: Sequence[int]) -> dict[int, tuple[datetime, str]]:
    """Ticket -> the clock that runs out next, and when; finished and paused clocks do not count."""
    if not tickets:
        return {}
    rows = session.execute(
        fetch(Clock.ticket_id, Clock.due_at, Clock.kind)
        .join(Ticket, (col(Ticket.id) == Clock.ticket_id) & (col(Ticket.cycle) == Clock.cycle))
        .where(
            col(Clock.ticket_id).in_(tickets),
            col(Clock.met_at).is_(None),
            col(Clock.state).in_(("running", "breached")),
        )
    )
    found: dict[int, tuple[datetime, str]] = {}
    for ticket, due, kind in rows:
        found[ticket] = min(found.get(ticket, (_NEVER, "")), (due, kind))
    return found


def _complaints(
    rows: Sequence[Any], dues: dict[int, tuple[datetime, str]], now: datetime
) -> tuple[Complaint, ...]:
    found = [
        Complaint(
            id=row.id,
            number=row.number,
            kind=row.kind,
            type=row.type,
            severity=row.severity,
            state=row.state,
            wants=row.wants,
            owner=row.owner,
            owner_name=row.display_name or row.owner,
            received_at=row.received_at,
            level=row.level,
            due=dues[row.id][0] if row.id in dues else None,
            clock=dues[row.id][1] if row.id in dues else "",
            overdue=row.id in dues and dues[row.id][0] < now,
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda one: (one.severity, one.due or _NEVER)))


def _promises(session: Session, tickets: Sequence[int], now: datetime) -> tuple[PromiseItem, ...]:
    if not tickets:
        return ()
    rows = session.execute(
        fetch(Promise.id, Promise.ticket_id, Promise.text, Promise.due_at)
        .where(col(Promise.ticket_id).in_(tickets), col(Promise.state) == "open")
        .order_by(col(Promise.due_at))
    )
    return tuple(PromiseItem(row.id, row.ticket_id, row.text, row.due_at, row.due_at < now) for row in rows)


def _callbacks(session: Session, tickets: Sequence[int], number: str) -> tuple[CallbackItem, ...]:
    columns = (Callback.id, Callback.ticket_id, Callback.reason, Callback.state, Callback.due_at)
    wanted: list[Any] = [col(Callback.ticket_id).in_(tickets)] if tickets else []
    if number:
        wanted.append(col(Callback.number) == number)
    if not wanted:
        return ()
    rows = session.execute(
        fetch(*columns)
        .where(or_(*wanted), col(Callback.state).in_(("due", "dialling", "talked")))
        .order_by(col(Callback.due_at))
    )
    return tuple(CallbackItem(row[0], row[1] or 0, *row[2:]) for row in rows)


def _calls(session: Session, customer: int, number: str) -> Sequence[Any]:
    """The newest of the customer's and of the number's, at most CALLS_COUNTED of each; one call is there once."""
    columns = (
        Call.id,
        Call.kind,
        Call.direction,
        Call.started_at,
        Call.agent,
        Call.queue,
        Call.outcome,
        Call.talk,
        Call.note,
        func.coalesce(Call.ticket_id, 0).label("ticket"),
    )
    rows: list[Any] = []
    # Two statements: each walks its own index backwards and stops.
    for key, wanted in ((Call.customer_id, customer), (Call.caller, number)):
        if wanted:
            newest = fetch(*columns).where(col(key) == wanted).order_by(col(Call.started_at).desc())
            rows += session.execute(newest.limit(CALLS_COUNTED)).all()
    once = {row.id: row for row in rows}
    return sorted(once.values(), key=lambda row: row.started_at, reverse=True)[:CALLS_COUNTED]


def _call(row: Any) -> CallItem:
    return CallItem(**row._mapping)


def _survey(session: Session, tickets: Sequence[int]) -> SurveyItem | None:
    if not tickets:
        return None
    row = session.execute(
        fetch(Survey.id, Survey.ticket_id, Survey.score, Survey.answered_at)
        .where(col(Survey.ticket_id).in_(tickets), col(Survey.state) == "answered")
        .order_by(col(Survey.answered_at).desc())
        .limit(1)
    ).first()
    return SurveyItem(*row) if row and row.answered_at else None


def _entries(session: Session, tickets: Sequence[int]) -> Sequence[Any]:
    if not tickets:
        return []
    columns = (
        TicketEntry.at,
        TicketEntry.kind,
        TicketEntry.text,
        TicketEntry.actor,
        TicketEntry.ticket_id,
        TicketEntry.call_id,
    )
    newest = (
        fetch(*columns).where(col(TicketEntry.ticket_id).in_(tickets)).order_by(col(TicketEntry.at).desc())
    )
    return session.execute(newest.limit(TIMELINE_SHOWN)).all()


def _timeline(entries: Sequence[Any], calls: Sequence[CallItem]) -> tuple[TimelineItem, ...]:
    items = [TimelineItem(*row) for row in entries]
    items += [
        TimelineItem(call.started_at, "call", call.note, call.agent, call.ticket, call.id) for call in calls
    ]
    return tuple(sorted(items, key=lambda item: item.at, reverse=True)[:TIMELINE_SHOWN])
