"""Callbacks in lists: who has to call whom, and what came of it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from callcenter.callbacks import rules
from callcenter.callbacks.models import Callback
from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput, NotFound
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


def page(
    session: Session, owner_id: int = 0, state: str = "open", after: str = "", limit: int = 50
) -> tuple[list[CallbackRow], str]:
    """One page, found by key, and what to give as `after` for the next one; empty on the last.

    `owner_id` 0: everybody's. `state`: one of the states, `open` (somebody still has something to do; the next due
    first) or `any` (the latest due first). Raises InvalidInput.
    """
    if state not in ("open", "any", *rules.STATES):
        raise InvalidInput(state=", ".join(("open", "any", *rules.STATES)))
    newest_first = state != "open" and state not in rules.WAITING
    which: list[Any] = [col(Callback.owner_id) == owner_id] if owner_id else []
    if state != "any":
        which.append(col(Callback.state).in_(rules.WAITING if state == "open" else (state,)))
    if after:
        here, there = tuple_(col(Callback.due_at), col(Callback.id)), tuple_(*_key(after))
        which.append(here < there if newest_first else here > there)
    rows = _rows(session, *which, limit=limit + 1, newest_first=newest_first)
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last.due_at.isoformat()}~{last.id}" if last else ""


def find(session: Session, callback_id: int) -> CallbackRow:
    """One callback as lists show it. Raises NotFound."""
    found = _rows(session, col(Callback.id) == callback_id, limit=1)
    if not found:
        raise NotFound
    return found[0]


def _key(after: str) -> tuple[datetime, int]:
    """The end of a page: due time and id."""
    try:
        due, _, id_ = after.replace(" ", "+").rpartition("~")
        at = datetime.fromisoformat(due)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)), int(id_)
    except ValueError:
        raise InvalidInput(after="is no end of a page") from None


def _rows(session: Session, *which: Any, limit: int, newest_first: bool = False) -> list[CallbackRow]:
    owner = aliased(User)
    order: Any = (col(Callback.due_at), col(Callback.id))
    columns: Any = select(Callback, Ticket.number, Customer.name, owner.name)
    rows = session.execute(
        columns.outerjoin(Ticket, col(Ticket.id) == Callback.ticket_id)
        .outerjoin(Customer, col(Customer.id) == Callback.customer_id)
        .outerjoin(owner, owner.id == Callback.owner_id)
        .where(*which)
        .order_by(*((key.desc() for key in order) if newest_first else order))
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
