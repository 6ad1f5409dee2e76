"""What every change of a complaint leaves behind: a line in the timeline, an event, a word in the index."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from callcenter import db
from callcenter.db import as_json
from callcenter.errors import NotFound, Stale
from callcenter.events import NoticeSent, TicketChanged
from callcenter.people.models import User
from callcenter.tickets import search
from callcenter.tickets.models import Notice, Numbering, Ticket, TicketEntry

FIRST_NUMBER = 1001


def take(session: Session, ticket_id: int | None, version: int | None) -> Ticket:
    """The complaint, locked until the commit, its version one further. `version` None: a job, which saw no row.

    Raises Stale, NotFound. Everything that changes a complaint comes through here first, so that two never wait for
    each other's clocks.
    """
    raised = update(Ticket).where(col(Ticket.id) == ticket_id)
    if version is not None:
        raised = raised.where(col(Ticket.version) == version)
    changed: Any = session.execute(
        raised.values(version=Ticket.version + 1).execution_options(synchronize_session=False)
    )
    ticket = session.get(Ticket, ticket_id, populate_existing=True)
    if ticket is None:
        raise NotFound
    if not changed.rowcount:
        raise Stale
    return ticket


def hold(session: Session, ticket_id: int) -> Ticket | None:
    """The complaint, locked, its version as it was: for what no person typed (an escalation)."""
    session.flush()
    return session.get(Ticket, ticket_id, populate_existing=True, with_for_update=True)


def next_number(session: Session) -> str:
    """`C-1042`: unique; the row is locked until the commit."""
    raised = (
        update(Numbering)
        .where(col(Numbering.name) == "ticket")
        .values(last=Numbering.last + 1)
        .returning(col(Numbering.last))
    )
    found = session.execute(raised).scalar()
    if found is None:
        dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(
            dialect.insert(Numbering).values(name="ticket", last=FIRST_NUMBER - 1).on_conflict_do_nothing()
        )
        found = session.execute(raised).scalar_one()
    return f"C-{found}"


def write(
    session: Session,
    ticket: Ticket,
    kind: str,
    text: str,
    actor: str,
    now: datetime,
    *,
    call_id: str = "",
    data: dict[str, Any] | None = None,
) -> TicketEntry:
    """One line of the timeline, found by its words; the page is told."""
    assert ticket.id is not None
    entry = TicketEntry(
        ticket_id=ticket.id,
        at=now,
        actor=actor,
        kind=kind,
        text=text,
        call_id=call_id,
        data=as_json(data or {}),
    )
    session.add(entry)
    search.index(session, ticket.id, [text])
    tell(session, ticket, kind, actor, now)
    return entry


def tell(session: Session, ticket: Ticket, change: str, actor: str, now: datetime) -> None:
    """Say what changed to whoever watches, when the transaction is committed."""
    assert ticket.id is not None
    db.tell(
        session,
        TicketChanged(
            at=now.timestamp(),
            ticket=ticket.id,
            number=ticket.number,
            change=change,
            state=ticket.state,
            owner=name_of(session, ticket.owner_id),
            by=actor,
        ),
    )


def notify(session: Session, ticket: Ticket, kind: str, recipients: set[int], now: datetime) -> list[Notice]:
    """Notices in the page that no clock caused; unlike a level's they may come again."""
    assert ticket.id is not None
    made = [
        Notice(
            ticket_id=ticket.id,
            kind=kind,
            epoch=0,
            level=0,
            recipient_id=recipient,
            channel="page",
            state="sent",
            due_at=now,
            detected_at=now,
            sent_at=now,
        )
        for recipient in sorted(recipients)
    ]
    session.add_all(made)
    session.flush()
    for notice in made:
        tell_notice(session, ticket, notice, now)
    return made


def tell_notice(session: Session, ticket: Ticket, notice: Notice, now: datetime, clock: str = "") -> None:
    """Show a notice in the recipient's page, when the transaction is committed."""
    assert notice.id is not None
    assert ticket.id is not None
    db.tell(
        session,
        NoticeSent(
            at=now.timestamp(),
            notice=notice.id,
            recipient=name_of(session, notice.recipient_id),
            ticket=ticket.id,
            number=ticket.number,
            level=notice.level,
            clock=clock or notice.kind,
        ),
    )


def name_of(session: Session, user_id: int | None) -> str:
    """A user's name, empty for nobody."""
    user = session.get(User, user_id) if user_id is not None else None
    return user.name if user else ""


def by_token(session: Session, token: str | None) -> Ticket | None:
    """The complaint that a form opened already."""
    return session.exec(select(Ticket).where(Ticket.token == token)).first() if token else None
