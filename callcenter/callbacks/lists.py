"""Callbacks in lists: who has to call whom, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from callcenter.callbacks import rules
from callcenter.callbacks.models import Callback
from callcenter.customers.models import Customer
from callcenter.people.models import User
from callcenter.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class CallbackRow:
    """A callback in a list."""

    id: int
    reason: str
    state: str
    ticket: int | None
    ticket_number: str
    customer_id: int | None
    customer_name: str
    number: str
    owner: str
    queue: str
    due_at: datetime
    attempts: int
    outcome: str
    evidence_call: str
    created_at: datetime
    version: int


def mine(session: Session, user_id: int) -> list[CallbackRow]:
    """What a user has to do: call, or note how a conversation went."""
    return _rows(
        session, col(Callback.owner_id) == user_id, col(Callback.state).in_(rules.WAITING), limit=200
    )


def listing(session: Session, state: str = "", limit: int = 200) -> list[CallbackRow]:
    """All callbacks, or those in one state; the next due first."""
    return _rows(session, *([col(Callback.state) == state] if state else []), limit=limit)


def _rows(session: Session, *which: Any, limit: int) -> list[CallbackRow]:
    owner = aliased(User)
    columns: Any = select(Callback, Ticket.number, Customer.name, owner.name)
    rows = session.execute(
        columns.outerjoin(Ticket, col(Ticket.id) == Callback.ticket_id)
        .outerjoin(Customer, col(Customer.id) == Callback.customer_id)
        .outerjoin(owner, owner.id == Callback.owner_id)
        .where(*which)
        .order_by(col(Callback.due_at), col(Callback.id))
        .limit(limit)
    )
    return [
        CallbackRow(
            id=callback.id,
            reason=callback.reason,
            state=callback.state,
            ticket=callback.ticket_id,
            ticket_number=number or "",
            customer_id=callback.customer_id,
            customer_name=customer or "",
            number=callback.number,
            owner=name or "",
            queue=callback.queue,
            due_at=callback.due_at,
            attempts=callback.attempts,
            outcome=callback.outcome,
            evidence_call=callback.evidence_call,
            created_at=callback.created_at,
            version=callback.version,
        )
        for callback, number, customer, name in rows
    ]
