"""What pages and other slices read of complaints: columns, not objects, where it has to be fast."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, union
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from callcenter.customers.models import Customer
from callcenter.errors import NotFound
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets import timekeeping
from callcenter.tickets.models import Clock, Notice, Promise, Ticket, TicketEntry
from callcenter.tickets.rules import OPEN, SEVERE
from callcenter.tickets.timekeeping import Reading


@dataclass(frozen=True, slots=True)
class Open:
    """An open complaint in the pop. `due_at` empty: its clock stands still."""

    id: int
    number: str
    state: str
    type: str
    severity: int
    wants: str
    owner: str
    owner_name: str
    due_at: datetime | None
    received_at: datetime
    level: int


@dataclass(frozen=True, slots=True)
class Mine:
    """A complaint in somebody's list."""

    id: int
    number: str
    state: str
    kind: str
    type: str
    severity: int
    wants: str
    customer_id: int | None
    customer_name: str
    contact_number: str
    owner: str
    due_at: datetime | None
    level: int
    overdue: bool
    wake_at: datetime | None
    received_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class ClockView:
    """A clock with what it shows now."""

    clock: Clock
    reading: Reading


@dataclass(frozen=True, slots=True)
class View:
    """Everything of one complaint, for its page."""

    ticket: Ticket
    customer: Customer | None
    owner: User
    first_responder: User
    acting: User | None
    entries: Sequence[TicketEntry]
    clocks: Sequence[ClockView]
    promises: Sequence[Promise]
    linked: Ticket | None


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """A notice in somebody's page."""

    id: int
    ticket: int
    number: str
    wants: str
    kind: str
    clock: str
    level: int
    state: str
    at: datetime
    late_by: float


def find(session: Session, key: str | int) -> Ticket:
    """By id or by number (`C-1042`, case does not matter). Raises NotFound."""
    if isinstance(key, int) or key.isdecimal():
        # 19 digits and more fit no column; there is no such complaint.
        ticket = session.get(Ticket, int(key)) if len(str(key)) < 19 else None
    else:
        ticket = session.exec(select(Ticket).where(Ticket.number == key.upper())).first()
    if ticket is None:
        raise NotFound
    return ticket


def view(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> View:
    """The complaint's page. Clocks of every cycle, newest first."""
    clocks = session.exec(
        select(Clock).where(Clock.ticket_id == ticket.id).order_by(col(Clock.cycle).desc(), col(Clock.id))
    ).all()
    owner, responder = session.get(User, ticket.owner_id), session.get(User, ticket.first_responder_id)
    assert owner is not None
    assert responder is not None
    return View(
        ticket=ticket,
        customer=session.get(Customer, ticket.customer_id) if ticket.customer_id else None,
        owner=owner,
        first_responder=responder,
        acting=session.get(User, ticket.acting_id) if ticket.acting_id else None,
        entries=session.exec(
            select(TicketEntry).where(TicketEntry.ticket_id == ticket.id).order_by(col(TicketEntry.id))
        ).all(),
        clocks=[ClockView(clock, timekeeping.read(session, settings, clock, now)) for clock in clocks],
        promises=session.exec(
            select(Promise).where(Promise.ticket_id == ticket.id).order_by(col(Promise.due_at))
        ).all(),
        linked=session.get(Ticket, ticket.linked_to) if ticket.linked_to else None,
    )


def open_of_customer(session: Session, customer_id: int) -> list[Open]:
    """Open complaints of a customer, the most urgent first."""
    return _open(session, col(Ticket.customer_id) == customer_id)


def open_of_customers(session: Session, customer_ids: Sequence[int]) -> dict[int, list[Open]]:
    """The same for several at once (a number that several customers share)."""
    found: dict[int, list[Open]] = defaultdict(list)
    for customer_id in customer_ids:
        found[customer_id] = open_of_customer(session, customer_id)
    return dict(found)


def open_of_number(session: Session, number: str) -> list[Open]:
    """Open complaints that this number (E.164) was left for, whoever the customer is."""
    return _open(session, col(Ticket.contact_number) == number) if number else []


def owner_of_open(session: Session, customer_id: int) -> str | None:
    """User name of the owner of a customer's most urgent open complaint: the agent to be tried first."""
    owner, _ = owner_and_ticket(session, customer_id)
    return owner or None


def owner_and_ticket(session: Session, customer_id: int) -> tuple[str, int]:
    """Owner's name and id of that complaint; ("", 0) when none is open."""
    row = session.execute(
        select(User.name, Ticket.id)
        .join(User, col(User.id) == Ticket.owner_id)
        .where(col(Ticket.customer_id) == customer_id, col(Ticket.state).in_(OPEN), col(User.active))
        .order_by(Ticket.severity, Ticket.received_at)  # type: ignore[arg-type]
        .limit(1)
    ).first()
    return (row[0], row[1]) if row else ("", 0)


def mine(session: Session, user_id: int, now: datetime) -> list[Mine]:
    """Open complaints that a user owns or serves as deputy, the next due first."""
    owned = select(Ticket.id).where(Ticket.owner_id == user_id, col(Ticket.state).in_(OPEN))
    acts = select(Ticket.id).where(Ticket.acting_id == user_id, col(Ticket.acting_until) > now)
    # Each on its index; one condition with OR makes SQLite walk every complaint, for each open desk.
    return _listed(session, col(Ticket.id).in_(union(owned, acts)), now)


def to_cosign(session: Session, now: datetime) -> list[Mine]:
    """Severe complaints whose answer waits for a supervisor."""
    waits = (
        (col(Ticket.state) == "proposed")
        & (col(Ticket.severity) <= SEVERE)
        & col(Ticket.cosigned_by_id).is_(None)
    )
    return _listed(session, waits, now)


def escalated(session: Session, now: datetime, limit: int = 50) -> list[Mine]:
    """Open complaints that a level was reached for, or that are late: what the wallboard shows."""
    return _listed(session, (col(Ticket.level) > 0) | (col(Ticket.due_at) <= now), now, limit)


def counts(session: Session, now: datetime) -> dict[str, int]:
    """Open, overdue and escalated complaints: three figures of the wallboard."""
    is_open = col(Ticket.state).in_(OPEN)
    row = session.execute(
        select(
            func.count(),
            func.count().filter(col(Ticket.due_at) <= now),
            func.count().filter(col(Ticket.level) > 0),
        ).where(is_open)
    ).one()
    return {"open": row[0], "overdue": row[1], "escalated": row[2]}


def notices(session: Session, user_id: int, limit: int = 50) -> list[NoticeRow]:
    """Notices in a user's page that were not read yet, newest first."""
    rows = session.execute(
        select(Notice, Ticket.number, Ticket.wants, Clock.kind)
        .join(Ticket, col(Ticket.id) == Notice.ticket_id)
        .outerjoin(Clock, col(Clock.id) == Notice.clock_id)
        .where(Notice.recipient_id == user_id, Notice.channel == "page", Notice.state == "sent")
        .order_by(col(Notice.id).desc())
        .limit(limit)
    )
    return [
        NoticeRow(
            id=notice.id,
            ticket=notice.ticket_id,
            number=number,
            wants=wants,
            kind=notice.kind,
            clock=clock or "",
            level=notice.level,
            state=notice.state,
            at=notice.sent_at or notice.detected_at,
            late_by=notice.late_by,
        )
        for notice, number, wants, clock in rows
    ]


def read_notice(session: Session, notice_id: int, user_id: int) -> None:
    """The recipient saw it. Raises NotFound, also for somebody else's."""
    notice = session.get(Notice, notice_id)
    if notice is None or notice.recipient_id != user_id:
        raise NotFound
    if notice.state == "sent":
        notice.state = "read"
        session.add(notice)


def open_promises(session: Session, customer_id: int) -> list[tuple[Promise, str]]:
    """What a customer was promised and did not get yet, with the complaint's number: the pop shows it."""
    rows = session.execute(
        select(Promise, Ticket.number)
        .join(Ticket, col(Ticket.id) == Promise.ticket_id)
        .where(col(Ticket.customer_id) == customer_id, Promise.state == "open")
        .order_by(col(Promise.due_at))
    )
    return [(promise, number) for promise, number in rows]


def _open(session: Session, which: ColumnElement[bool]) -> list[Open]:
    rows = session.execute(
        select(  # type: ignore[call-overload]
            Ticket.id,
            Ticket.number,
            Ticket.state,
            Ticket.type,
            Ticket.severity,
            Ticket.wants,
            User.name,
            User.display_name,
            Ticket.due_at,
            Ticket.received_at,
            Ticket.level,
        )
        .join(User, col(User.id) == Ticket.owner_id)
        .where(which, col(Ticket.state).in_(OPEN))
        .order_by(Ticket.severity, Ticket.received_at)
        .limit(50)
    )
    return [Open(*row) for row in rows]


def _listed(session: Session, which: ColumnElement[bool], now: datetime, limit: int = 500) -> list[Mine]:
    owner = aliased(User)
    rows = session.execute(
        select(Ticket, Customer.name, owner.name)
        .outerjoin(Customer, col(Customer.id) == Ticket.customer_id)
        .join(owner, owner.id == Ticket.owner_id)  # type: ignore[arg-type]
        .where(which, col(Ticket.state).in_(OPEN))
        .order_by(col(Ticket.due_at).is_(None), col(Ticket.due_at), col(Ticket.severity), col(Ticket.id))
        .limit(limit)
    )
    return [_mine(ticket, customer or "", name, now) for ticket, customer, name in rows]


def _mine(ticket: Any, customer: str, owner: str, now: datetime) -> Mine:
    return Mine(
        id=ticket.id,
        number=ticket.number,
        state=ticket.state,
        kind=ticket.kind,
        type=ticket.type,
        severity=ticket.severity,
        wants=ticket.wants,
        customer_id=ticket.customer_id,
        customer_name=customer,
        contact_number=ticket.contact_number,
        owner=owner,
        due_at=ticket.due_at,
        level=ticket.level,
        overdue=ticket.due_at is not None and ticket.due_at <= now,
        wake_at=ticket.wake_at,
        received_at=ticket.received_at,
        version=ticket.version,
    )
