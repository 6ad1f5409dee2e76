"""Which call proves what. A closing without a conversation does not happen (guide, "Evidence-bound callback")."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from callcenter.calls.models import Call
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets.models import Ticket
from callcenter.tickets.rules import NoEvidence

THIS_VERY_CALL = timedelta(minutes=15)
"""How long behind its end a call still counts as "this very call": wrap-up, and a slow typist."""


def of_callback(session: Session, ticket: Ticket, call_id: str) -> Call:
    """The conversation of this cycle's callback. Raises NoEvidence."""
    call = session.get(Call, call_id) if call_id else None
    reported = ticket.reported_at
    if (
        call is None
        or reported is None
        or not call.evidence
        or call.kind != "callback"
        or call.ticket_id != ticket.id
        or call.started_at < reported
    ):
        raise NoEvidence
    return call


def last_of_callback(session: Session, ticket: Ticket) -> str:
    """Id of the newest conversation that would prove a closing now; empty when there is none."""
    if ticket.reported_at is None:
        return ""
    found = session.exec(
        select(Call.id)
        .where(
            Call.ticket_id == ticket.id,
            Call.kind == "callback",
            col(Call.evidence),
            Call.started_at >= ticket.reported_at,
        )
        .order_by(col(Call.started_at).desc())
    ).first()
    return found or ""


def on_the_line(session: Session, ticket: Ticket, by: User, call_id: str, now: datetime) -> Call:
    """The call in which `by` speaks, or has just spoken, with this complaint's customer. Raises NoEvidence."""
    call = session.get(Call, call_id) if call_id else None
    if call is None or by.name not in (call.agent, call.last_agent) or call.answered_at is None:
        raise NoEvidence
    if not _belongs(call, ticket):
        raise NoEvidence
    if call.ended_at is not None and (not call.evidence or now - call.ended_at > THIS_VERY_CALL):
        raise NoEvidence
    return call


def of_customer(session: Session, ticket: Ticket, call_id: str) -> Call:
    """Any conversation with the customer since the complaint came in. Raises NoEvidence."""
    call = session.get(Call, call_id) if call_id else None
    live = call is not None and call.ended_at is None and call.answered_at is not None
    if call is None or not (call.evidence or live) or not _belongs(call, ticket):
        raise NoEvidence
    if call.started_at < ticket.received_at:
        raise NoEvidence
    return call


def attempts(session: Session, settings: Settings, ticket: Ticket) -> list[datetime]:
    """Local times at which this cycle's callback was dialled in vain."""
    if ticket.reported_at is None:
        return []
    found = session.exec(
        select(Call.started_at).where(
            Call.ticket_id == ticket.id,
            Call.kind == "callback",
            col(Call.evidence).is_(False),
            col(Call.ended_at).is_not(None),
            Call.started_at >= ticket.reported_at,
        )
    )
    return [at.astimezone(settings.home_zone) for at in found]


def customer_number(call: Call) -> str:
    """The customer's side of a call."""
    return call.caller if call.direction == "in" else call.called


def _belongs(call: Call, ticket: Ticket) -> bool:
    return (
        call.ticket_id == ticket.id
        or (ticket.call_id is not None and ticket.call_id == call.id)
        or (ticket.customer_id is not None and ticket.customer_id == call.customer_id)
        or (ticket.contact_number != "" and ticket.contact_number == customer_number(call))
    )
