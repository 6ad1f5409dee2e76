"""What each change of a callback's state does: its timer, its version, and whoever watches is told."""

from datetime import datetime

from sqlmodel import Session

from callcenter import db, timers
from callcenter.callbacks import rules
from callcenter.callbacks.models import Callback
from callcenter.events import CallbackChanged
from callcenter.tickets import journal

TIMER = "callback"
"""Which worker's job becomes due (`timers`)."""


def arm(session: Session, callback: Callback, due: datetime) -> None:
    """It is to be dialled then."""
    callback.due_at, callback.version = due, callback.version + 1
    session.add(callback)
    session.flush()
    timers.arm(session, TIMER, callback.id or 0, due)
    tell(session, callback, db.now())


def end(session: Session, callback: Callback, state: str, now: datetime) -> None:
    """Nothing is dialled for it any more; `given_up` and `talked` still ask for a person."""
    callback.state, callback.version = state, callback.version + 1
    callback.ended_at = None if state in rules.WAITING else now
    session.add(callback)
    timers.cancel(session, TIMER, callback.id or 0)
    tell(session, callback, now)


def tell(session: Session, callback: Callback, now: datetime) -> None:
    """Pages are told when this is committed."""
    assert callback.id is not None
    db.tell(
        session,
        CallbackChanged(
            at=now.timestamp(),
            callback=callback.id,
            ticket=callback.ticket_id or 0,
            owner=journal.name_of(session, callback.owner_id),
            state=callback.state,
            due=callback.due_at.timestamp(),
        ),
    )
