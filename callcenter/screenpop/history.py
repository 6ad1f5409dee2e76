"""What happened with a caller before: complaints, promises, callbacks, calls, the last survey, one timeline."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlmodel import Session

from callcenter.screenpop import queries
from callcenter.screenpop.queries import rows
from callcenter.tickets.models import OPEN

CALLS_SHOWN = 10
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
class MessageItem:
    """A message that the caller left. `state`: new | taken | done; `seconds` of sound; `owner`: who took it."""

    id: int
    call: str
    queue: str
    state: str
    at: datetime
    seconds: float
    owner: str
    owner_name: str
    note: str


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
    """`kind`: `call`, `message`, or that of the complaint's entry; `text` in the words it was written in."""

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
    messages: tuple[MessageItem, ...] = ()
    calls: tuple[CallItem, ...] = ()
    calls_7_days: int = 0
    survey: SurveyItem | None = None
    timeline: tuple[TimelineItem, ...] = field(default=())


def of(session: Session, customer: int, number: str, now: datetime) -> History:
    """By customer, and by number for what was never bound to anybody; nothing for a withheld unknown caller."""
    if not customer and not number:
        return History()
    session.flush()
    found = rows(session, queries.TICKETS, customers=[customer] if customer else [], number=number or None)
    ids = [row.id for row in found]
    opened = [row for row in found if row.state in OPEN]
    calls = _calls(session, customer, number)
    shown = tuple(CallItem(**row._mapping) for row in calls[:CALLS_SHOWN])
    due = rows(session, queries.CALLBACKS, tickets=ids, number=number or None)
    left = rows(session, queries.MESSAGES, customer=customer or None, number=number or None)
    messages = tuple(MessageItem(**row._mapping) for row in left)
    entries, surveys = (
        (rows(session, queries.ENTRIES, tickets=ids), rows(session, queries.SURVEY, tickets=ids))
        if ids
        else ((), ())
    )
    week = now - timedelta(days=7)
    return History(
        complaints=_complaints(session, opened, now),
        promises=_promises(session, opened, now),
        callbacks=tuple(CallbackItem(**row._mapping) for row in due),
        messages=tuple(one for one in messages if one.state != "done"),
        calls=shown,
        calls_7_days=sum(row.started_at > week for row in calls),
        survey=SurveyItem(**surveys[0]._mapping) if surveys else None,
        timeline=_timeline(entries, shown, messages),
    )


def open_owned(source: Session | Connection, customers: Sequence[int], number: str) -> list[Owned]:
    """Open complaints of these customers, and those of nobody that were logged for this number."""
    found = rows(source, queries.OPEN_OWNED, customers=list(customers), number=number)
    return [Owned(**row._mapping) for row in found]


def open_counts(session: Session, customers: Sequence[int]) -> dict[int, tuple[int, int]]:
    """Customer -> number of open complaints and the worst severity."""
    found = rows(session, queries.OPEN_COUNTS, customers=list(customers))
    return {row.customer_id: (row.count, row.worst) for row in found}


def _complaints(session: Session, opened: Sequence[Any], now: datetime) -> tuple[Complaint, ...]:
    """Worst first, then by the clock that runs out next."""
    if not opened:
        return ()
    dues: dict[int, tuple[datetime, str]] = {}
    for ticket, due, kind in rows(session, queries.DUES, tickets=[row.id for row in opened]):
        dues[ticket] = min(dues.get(ticket, (_NEVER, "")), (due, kind))
    found = [_complaint(row, dues.get(row.id), now) for row in opened]
    return tuple(sorted(found, key=lambda one: (one.severity, one.due or _NEVER)))


def _complaint(row: Any, next_due: tuple[datetime, str] | None, now: datetime) -> Complaint:
    due, clock = next_due or (None, "")
    return Complaint(
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
        due=due,
        clock=clock,
        overdue=due is not None and due < now,
    )


def _promises(session: Session, opened: Sequence[Any], now: datetime) -> tuple[PromiseItem, ...]:
    if not opened:
        return ()
    found = rows(session, queries.PROMISES, tickets=[row.id for row in opened])
    return tuple(PromiseItem(id_, ticket, text, due, due < now) for id_, ticket, text, due in found)


def _calls(session: Session, customer: int, number: str) -> Sequence[Any]:
    """The newest of the customer's and of the number's; one call is there once."""
    found = [*rows(session, queries.CALLS_OF_CUSTOMER, customer=customer)] if customer else []
    found += rows(session, queries.CALLS_OF_NUMBER, number=number) if number else []
    once = {row.id: row for row in found}
    newest = sorted(once.values(), key=lambda row: row.started_at, reverse=True)
    return newest[: queries.CALLS_COUNTED]


def _timeline(
    entries: Sequence[Any], calls: Sequence[CallItem], messages: Sequence[MessageItem]
) -> tuple[TimelineItem, ...]:
    items = [TimelineItem(**row._mapping) for row in entries]
    items += [
        TimelineItem(call.started_at, "call", call.note, call.agent, call.ticket, call.id) for call in calls
    ]
    items += [TimelineItem(one.at, "message", one.note, one.owner, 0, one.call) for one in messages]
    return tuple(sorted(items, key=lambda item: item.at, reverse=True)[: queries.TIMELINE_SHOWN])
