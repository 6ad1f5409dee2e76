"""Callers who are owed a callback: we lost them, or they keep a place in a queue. One is open for a customer and queue.

All functions take a write session; times are aware.
"""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from callcenter import events
from callcenter.callbacks import states
from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.customers import numbers
from callcenter.customers.desk import customer_of
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets import queries
from callcenter.tickets.models import Ticket


def owe(session: Session, settings: Settings, call_id: str, now: datetime) -> Callback | None:
    """A caller whom we lost, or who chose to be rung back, is called by the owner of the open complaint, else by the agent
    who was cut off from the caller, else by whoever serves the queue, at the place that the caller had.

    None when nobody can be called (no number), and when this call or this customer is owed one in this queue already:
    then a number that the customer has chosen since counts.
    """
    call = session.get(Call, call_id, with_for_update=True)
    number = _number_of(call, settings) if call is not None else ""
    if call is None or not number:
        return None
    # A call that we lost before anybody looked at it does not say who rang.
    customer = call.customer_id or customer_of(session, number)
    queue = call.last_queue or call.queue or "default"
    known = _owed(session, call, number, customer, queue)
    if known is not None:
        if call.call_back and known.state == "due" and known.number != number:
            known.number, known.version = number, known.version + 1
            session.add(known)
            states.tell(session, known, now)
        return None
    name = (queries.owner_of_open(session, customer) if customer else None) or call.agent
    user = session.exec(select(User).where(User.name == name, User.active)).first() if name else None
    callback = Callback(
        reason="owed",
        call_id=call_id,
        customer_id=customer,
        number=number,
        owner_id=user.id if user else None,
        queue=queue,
        place_at=call.queued_at or call.started_at,
        mode=settings.callback_mode,
        due_at=now,
        counts_from=now,
        created_at=now,
    )
    states.arm(session, callback, now)
    return callback


def rang_in(session: Session, event: Any) -> None:
    """A follower of the ledger: who rang in again and was served is not called back for a call before."""
    if not isinstance(event, events.CallFinished) or event.outcome != "answered" or event.kind != "inbound":
        return
    if (
        not (event.caller or event.customer)
        or not event.talk
        or event.owed
        or event.ended_by == event.fault == "us"
    ):
        return
    found = session.exec(
        select(Callback).where(
            _whose(event.caller, event.customer),
            Callback.reason == "owed",
            Callback.state == "due",
            Callback.created_at <= datetime.fromtimestamp(event.answered, UTC),
        )
    )
    for callback in found.all():
        callback.evidence_call = event.call
        states.end(session, callback, "fulfilled", datetime.fromtimestamp(event.at, UTC))


def give(session: Session, call_id: str, user: User, now: datetime) -> None:
    """The callback that is owed for a call is this user's to make, while nobody makes it."""
    callback = _owed_for(session, call_id)
    if callback is not None:
        callback.owner_id, callback.version = user.id, callback.version + 1
        session.add(callback)
        states.tell(session, callback, now)


def fulfil(session: Session, call_id: str, now: datetime) -> None:
    """What the caller wanted is settled: nobody needs to call any more."""
    callback = _owed_for(session, call_id)
    if callback is not None:
        states.end(session, callback, "fulfilled", now)


def heard(session: Session, ticket: Ticket, now: datetime) -> None:
    """Who rang in and was heard need not be called back."""
    found = session.exec(
        select(Callback).where(
            Callback.reason == "owed", Callback.state == "due", Callback.number == ticket.contact_number
        )
    )
    for callback in found.all():
        states.end(session, callback, "fulfilled", now)


def served_since(session: Session, callback: Callback) -> bool:
    """Whether the customer has rung in since, and was spoken with."""
    whose: Any = col(Call.caller).in_([one for one in (callback.number, rang_from(session, callback)) if one])
    if callback.customer_id:
        whose |= col(Call.customer_id) == callback.customer_id
    found = session.exec(
        select(Call.id).where(
            whose,
            Call.kind == "inbound",
            col(Call.evidence),
            col(Call.answered_at) >= callback.created_at,
            ~((col(Call.ended_by) == "us") & (col(Call.fault) == "us")),
        )
    )
    return found.first() is not None


def rang_from(session: Session, callback: Callback) -> str:
    """The number of the call that it is owed for; empty when it was withheld."""
    call = session.get(Call, callback.call_id) if callback.call_id else None
    return call.caller if call is not None and not call.withheld else ""


def _owed_for(session: Session, call_id: str) -> Callback | None:
    return session.exec(
        select(Callback)
        .where(Callback.reason == "owed", Callback.call_id == call_id, Callback.state == "due")
        .with_for_update()
    ).first()


def _number_of(call: Call, settings: Settings) -> str:
    """Where the caller is rung back, E.164; empty when that is not known."""
    own = "" if call.withheld else numbers.e164(call.caller, settings.country) or ""
    return call.call_back or own


def _whose(caller: str, customer: int | None, *numbers: str) -> Any:
    """Callbacks of who rang from this number, or is this customer; zero and empty when unknown."""
    found: Any = col(Callback.number).in_([one for one in (caller, *numbers) if one])
    if caller:
        found |= col(Callback.call_id).in_(select(Call.id).where(Call.caller == caller))
    return found | (col(Callback.customer_id) == customer) if customer else found


def _owed(session: Session, call: Call, number: str, customer: int | None, queue: str) -> Callback | None:
    """The callback that is open for this customer in this queue, or was made for this call."""
    whose = _whose("" if call.withheld else call.caller, customer, number)
    waiting = col(Callback.state).in_(("due", "dialling")) & (col(Callback.queue) == queue) & whose
    return session.exec(
        select(Callback)
        .where(Callback.reason == "owed", waiting | (col(Callback.call_id) == call.id))
        .with_for_update()
    ).first()
