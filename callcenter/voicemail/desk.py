"""What happens to a message: it comes with the end of its call, somebody takes it, it is done.

All functions take a write session; times are aware.
"""

from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, select

from callcenter import db, events
from callcenter.callbacks import owed
from callcenter.customers.models import Customer
from callcenter.errors import NotFound, Stale, WrongState
from callcenter.people import rights
from callcenter.people.models import User
from callcenter.tickets.rules import NotYours
from callcenter.voicemail.models import Message


def follow(session: Session, event: Any) -> None:
    """The message of a call that ended with one; the same event twice makes one."""
    if not isinstance(event, events.CallFinished) or not event.message:
        return
    if session.exec(select(Message.id).where(Message.call_id == event.call)).first() is not None:
        return
    known = session.get(Customer, event.customer) if event.customer else None
    message = Message(
        call_id=event.call,
        recording_id=event.message,
        queue=event.queue,
        number=event.caller,
        customer_id=known.id if known else None,
        left_at=datetime.fromtimestamp(event.at, UTC),
    )
    session.add(message)
    session.flush()
    _tell(session, message, "", event.at)


def take(session: Session, message_id: int, by: User, version: int, now: datetime) -> Message:
    """I am responsible for it, and for the callback that is owed. Raises NotFound, Stale when another was first,
    WrongState when it is done."""
    message = _hold(session, message_id, version)
    if message.state == "done":
        raise WrongState
    message.state, message.owner_id, message.taken_at = "taken", by.id, now
    owed.give(session, message.call_id, by, now)
    return _changed(session, message, by.name, now)


def finish(session: Session, message_id: int, by: User, note: str, version: int, now: datetime) -> Message:
    """Nothing is left to do; a callback that was not made yet is not needed any more. Raises NotFound, Stale,
    WrongState when nobody took it, NotYours when another agent did."""
    message = _hold(session, message_id, version)
    if message.state != "taken":
        raise WrongState
    if message.owner_id != by.id and not rights.may(by.role, "messages.all"):
        raise NotYours
    message.state, message.done_at, message.note = "done", now, note
    owed.fulfil(session, message.call_id, now)
    return _changed(session, message, by.name, now)


def _hold(session: Session, message_id: int, version: int) -> Message:
    message = session.get(Message, message_id, populate_existing=True, with_for_update=True)
    if message is None:
        raise NotFound
    if message.version != version:
        raise Stale
    return message


def _changed(session: Session, message: Message, by: str, now: datetime) -> Message:
    message.version += 1
    session.add(message)
    session.flush()
    _tell(session, message, by, now.timestamp())
    return message


def _tell(session: Session, message: Message, by: str, at: float) -> None:
    assert message.id is not None
    db.tell(
        session,
        events.MessageChanged(
            at=at, message=message.id, queue=message.queue, state=message.state, by=by, call=message.call_id
        ),
    )
