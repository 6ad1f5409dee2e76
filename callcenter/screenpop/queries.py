"""The statements of a pop, built once: building one costs more than an index lookup does.

They are read through `rows`, as plain columns. Each stays on an index; a test asks the planners.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, inspect, or_, select, union_all
from sqlalchemy.sql import Executable
from sqlmodel import Session, SQLModel

from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.people.models import User
from callcenter.recordings.models import Recording
from callcenter.screenpop.match import MOST_CHOICES
from callcenter.surveys.models import Survey
from callcenter.tickets.models import OPEN, Clock, Promise, Ticket, TicketEntry
from callcenter.voicemail.models import Message

RECENT_TICKETS = 30
CALLS_COUNTED = 50
TIMELINE_SHOWN = 20
MESSAGES_SHOWN = 10


def rows(source: Session | Connection, statement: Executable, **values: Any) -> Sequence[Any]:
    """The rows of a statement of this module."""
    connection = source if isinstance(source, Connection) else source.connection()
    return connection.execute(statement, values).all()


def _columns(model: type[SQLModel]) -> Any:
    return inspect(model).local_table.c


def _any(name: str) -> Any:
    return bindparam(name, expanding=True)


_customer, _number, _user = _columns(Customer), _columns(CustomerNumber), _columns(User)
_ticket, _clock, _promise, _entry = (
    _columns(Ticket),
    _columns(Clock),
    _columns(Promise),
    _columns(TicketEntry),
)
_call, _callback, _survey = _columns(Call), _columns(Callback), _columns(Survey)
_message, _recording = _columns(Message), _columns(Recording)

_is_mine = _ticket.customer_id.in_(_any("customers"))
_is_nobodys = (_ticket.contact_number == bindparam("number")) & _ticket.customer_id.is_(None)
_is_open = _ticket.state.in_(OPEN)


def _customers(where: Any) -> Select[Any]:
    joined = select(*_customer, _number.e164)
    return joined.join(CustomerNumber, _number.customer_id == _customer.id).where(where).limit(MOST_CHOICES)


CUSTOMER = select(*_customer).where(_customer.id == bindparam("customer"))
EXACT = _customers(_number.e164 == bindparam("number"))
ROUTED = (
    select(_customer.id, _customer.tier, _customer.language, _customer.spoken)
    .join(CustomerNumber, _number.customer_id == _customer.id)
    .where(_number.e164 == bindparam("number"))
    .limit(MOST_CHOICES)
)
NEAR = _customers(_number.tail == bindparam("tail"))


def _owned(where: Any) -> Select[Any]:
    made = select(_ticket.id, _user.name.label("owner"), _ticket.severity, _ticket.received_at)
    return made.join(User, _user.id == _ticket.owner_id).where(where, _is_open)


OPEN_OWNED = union_all(_owned(_is_mine), _owned(_is_nobodys))

OPEN_COUNTS = (
    select(_ticket.customer_id, func.count().label("count"), func.min(_ticket.severity).label("worst"))
    .where(_is_mine, _is_open)
    .group_by(_ticket.customer_id)
)


def _tickets(where: Any) -> Select[Any]:
    made = select(
        _ticket.id,
        _ticket.number,
        _ticket.kind,
        _ticket.type,
        _ticket.severity,
        _ticket.state,
        _ticket.wants,
        _user.name.label("owner"),
        _user.display_name,
        _ticket.received_at,
        _ticket.level,
        _ticket.closed_at,
    )
    return made.join(User, _user.id == _ticket.owner_id).where(where)


_both = union_all(_tickets(_is_mine), _tickets(_is_nobodys)).subquery()
TICKETS = (
    select(_both).order_by(_both.c.closed_at.is_not(None), _both.c.received_at.desc()).limit(RECENT_TICKETS)
)
"""Open ones first, then the newest."""

DUES = (
    select(_clock.ticket_id, _clock.due_at, _clock.kind)
    .join(Ticket, (_ticket.id == _clock.ticket_id) & (_ticket.cycle == _clock.cycle))
    .where(
        _clock.ticket_id.in_(_any("tickets")),
        _clock.met_at.is_(None),
        _clock.state.in_(("running", "breached")),
    )
)
"""Finished and paused clocks do not run out."""

PROMISES = (
    select(_promise.id, _promise.ticket_id, _promise.text, _promise.due_at)
    .where(_promise.ticket_id.in_(_any("tickets")), _promise.state == "open")
    .order_by(_promise.due_at)
)

CALLBACKS = (
    select(
        _callback.id,
        func.coalesce(_callback.ticket_id, 0).label("ticket"),
        _callback.reason,
        _callback.state,
        _callback.due_at.label("due"),
    )
    .where(
        or_(_callback.ticket_id.in_(_any("tickets")), _callback.number == bindparam("number")),
        _callback.state.in_(("due", "dialling", "talked")),
    )
    .order_by(_callback.due_at)
)


def _newest_calls(where: Any) -> Select[Any]:
    made = select(
        _call.id,
        _call.kind,
        _call.direction,
        _call.started_at,
        _call.agent,
        _call.queue,
        _call.outcome,
        _call.talk,
        _call.note,
        func.coalesce(_call.ticket_id, 0).label("ticket"),
    )
    return made.where(where).order_by(_call.started_at.desc()).limit(CALLS_COUNTED)


# Two statements, not one with OR: each walks its own index backwards and stops.
CALLS_OF_CUSTOMER = _newest_calls(_call.customer_id == bindparam("customer"))
CALLS_OF_NUMBER = _newest_calls(_call.caller == bindparam("number"))
LAST_AGENT = (
    select(_call.last_agent.label("agent"))
    .where(_call.caller == bindparam("number"), _call.last_agent != "")
    .order_by(_call.started_at.desc())
    .limit(1)
)

_is_kept = (
    (_callback.reason == "owed") & _callback.state.in_(("due", "dialling")) & _callback.place_at.is_not(None)
)
_kept = select(_callback.queue, _callback.place_at.label("since"))
PLACES = union_all(
    _kept.where(_callback.number == bindparam("number"), _is_kept),
    _kept.where(_callback.customer_id == bindparam("customer"), _is_kept),
    _kept.join(Call, _call.id == _callback.call_id).where(_call.caller == bindparam("number"), _is_kept),
)
"""Places in queues that are kept for a caller who is owed a callback."""

SURVEY = (
    select(_survey.id, _survey.ticket_id.label("ticket"), _survey.score, _survey.answered_at.label("at"))
    .where(
        _survey.ticket_id.in_(_any("tickets")), _survey.state == "answered", _survey.answered_at.is_not(None)
    )
    .order_by(_survey.answered_at.desc())
    .limit(1)
)

ENTRIES = (
    select(
        _entry.at,
        _entry.kind,
        _entry.text,
        _entry.actor,
        _entry.ticket_id.label("ticket"),
        _entry.call_id.label("call"),
    )
    .where(_entry.ticket_id.in_(_any("tickets")))
    .order_by(_entry.at.desc())
    .limit(TIMELINE_SHOWN)
)

MESSAGES = (
    select(
        _message.id,
        _message.call_id.label("call"),
        _message.queue,
        _message.state,
        _message.left_at.label("at"),
        func.coalesce(_recording.seconds, 0.0).label("seconds"),
        func.coalesce(_user.display_name, "").label("owner_name"),
        func.coalesce(_user.name, "").label("owner"),
        _message.note,
    )
    .outerjoin(Recording, _recording.id == _message.recording_id)
    .outerjoin(User, _user.id == _message.owner_id)
    .where(or_(_message.customer_id == bindparam("customer"), _message.number == bindparam("number")))
    .order_by(_message.left_at.desc())
    .limit(MESSAGES_SHOWN)
)
"""What the caller said to us; a customer or a number that is None matches nothing."""
