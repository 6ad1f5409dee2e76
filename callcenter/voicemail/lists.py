"""Messages in lists: which queue's, whose, how long."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlmodel import Session, col, select

from callcenter.callbacks.models import Callback
from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput, NotFound
from callcenter.people.models import QueueMember, User
from callcenter.recordings.models import Recording
from callcenter.voicemail.models import STATES, Message


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as lists show it. `seconds` of sound; `stored`: it can be heard. `callback`: the one that is owed for
    it, 0 for none, and its state."""

    id: int
    state: str
    queue: str
    number: str
    customer_id: int | None
    customer_name: str
    left_at: datetime
    call: str
    recording: str
    recording_state: str
    seconds: float
    owner: str
    owner_name: str
    taken_at: datetime | None
    done_at: datetime | None
    note: str
    callback: int
    callback_state: str
    version: int


def seen_by(
    session: Session, user_id: int, every: bool, scope: Collection[str] | None = None
) -> set[str] | None:
    """The queues whose messages a user sees: None for all of them, those in `scope` when he sees everybody's there,
    else those that he serves. While no queue has a member, all serve `default`."""
    if every:
        return None if scope is None else set(scope)
    members = session.exec(select(QueueMember)).all()
    if not members:
        return {"default"}
    return {one.queue for one in members if one.user_id == user_id}


def page(
    session: Session, queues: Collection[str] | None, state: str = "open", after: str = "", limit: int = 50
) -> tuple[list[MessageRow], str]:
    """One page, the newest first, and what to give as `after` for the next one.

    `queues`: those whose messages may be seen, None for all. `state`: open (new or taken) | any | one of STATES.
    Raises InvalidInput.
    """
    if state not in ("open", "any", *STATES):
        raise InvalidInput(state=", ".join(("open", "any", *STATES)))
    if after and not (after.isascii() and after.isdecimal() and len(after) <= 18):
        raise InvalidInput(after="is no end of a page")
    which: list[Any] = []
    if queues is not None:
        which.append(col(Message.queue).in_(sorted(queues)))
    if state != "any":
        which.append(col(Message.state).in_(("new", "taken") if state == "open" else (state,)))
    if after:
        which.append(col(Message.id) < int(after))
    rows = _rows(session, *which, limit=limit + 1)
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else ""


def find(session: Session, message_id: int, queues: Collection[str] | None) -> MessageRow:
    """One message; for who may not see its queue there is none. Raises NotFound."""
    found = _rows(session, col(Message.id) == message_id, limit=1)
    if not found or (queues is not None and found[0].queue not in queues):
        raise NotFound
    return found[0]


def may_hear(
    session: Session, recording: str, user_id: int, every: bool, scope: Collection[str] | None = None
) -> bool:
    """Whether this recording is a message, and one that the user sees."""
    message = session.exec(select(Message).where(Message.recording_id == recording)).first()
    queues = seen_by(session, user_id, every, scope)
    return message is not None and (queues is None or message.queue in queues)


def _rows(session: Session, *which: Any, limit: int) -> list[MessageRow]:
    columns: Any = sqlalchemy.select(
        Message,
        Recording.state,
        Recording.seconds,
        Customer.name,
        User,
        Callback,  # type: ignore[call-overload]
    )
    rows = session.execute(
        columns.outerjoin(Recording, col(Recording.id) == Message.recording_id)
        .outerjoin(Customer, col(Customer.id) == Message.customer_id)
        .outerjoin(User, col(User.id) == Message.owner_id)
        .outerjoin(Callback, (col(Callback.call_id) == Message.call_id) & (col(Callback.reason) == "owed"))
        .where(*which)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return [_row(*row) for row in rows]


def _row(
    message: Message, state: str | None, seconds: float | None, customer: str | None, owner: User | None,
    callback: Callback | None,
) -> MessageRow:  # fmt: skip
    assert message.id is not None
    return MessageRow(
        id=message.id,
        state=message.state,
        queue=message.queue,
        number=message.number,
        customer_id=message.customer_id,
        customer_name=customer or "",
        left_at=message.left_at,
        call=message.call_id,
        recording=message.recording_id,
        recording_state=state or "recording",
        seconds=seconds or 0.0,
        owner=owner.name if owner else "",
        owner_name=(owner.display_name or owner.name) if owner else "",
        taken_at=message.taken_at,
        done_at=message.done_at,
        note=message.note,
        callback=(callback.id or 0) if callback else 0,
        callback_state=callback.state if callback else "",
        version=message.version,
    )
