"""A complaint comes in, or comes back after too long: number, ownership, clocks, in one transaction."""

import re
from datetime import datetime

from sqlmodel import Session, select

from callcenter.calls.models import Call
from callcenter.customers import numbers
from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets import journal, rules, search, timekeeping
from callcenter.tickets.evidence import customer_number
from callcenter.tickets.form import TicketForm
from callcenter.tickets.models import Promise, Ticket


def open_ticket(session: Session, settings: Settings, by: User, form: TicketForm, now: datetime) -> Ticket:
    """REGISTERED, or IN_PROGRESS when type, region and severity are set already. Who answered the call owns it.

    A form that was sent twice (`token`) opens one complaint. Raises InvalidInput.
    """
    found = journal.by_token(session, form.token)
    if found is not None:
        return found
    number = journal.next_number(session)
    # The number's row is locked now: a form sent twice at once is seen here.
    found = journal.by_token(session, form.token)
    if found is not None:
        return found
    ticket = _row(session, settings, by, form, number, now)
    session.add(ticket)
    session.flush()
    _tell_of(session, settings, ticket, by, form, now)
    arm_all(session, settings, ticket, now)
    return ticket


def arm_all(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> None:
    """First response (met by an answered call), keep informed, resolution: from receipt on."""
    call = session.get(Call, ticket.call_id) if ticket.call_id else None
    heard = call.answered_at if call is not None else None
    timekeeping.arm(session, settings, ticket, "first_response", ticket.received_at, now, met_at=heard)
    timekeeping.arm(session, settings, ticket, "keep_informed", heard or ticket.received_at, now)
    timekeeping.arm(session, settings, ticket, "resolution", ticket.received_at, now)


def again(
    session: Session, settings: Settings, old: Ticket, owner: User, reason: str, now: datetime
) -> Ticket:
    """A new, linked complaint in place of one that is too old to be reopened."""
    ticket = Ticket(
        number=journal.next_number(session),
        kind=old.kind,
        type=old.type,
        region=old.region,
        severity=old.severity,
        what_happened=old.what_happened,
        wants=old.wants,
        state="in_progress" if rules.assessed(old.type, old.region, old.severity) else "registered",
        customer_id=old.customer_id,
        contact_number=old.contact_number,
        first_responder_id=old.first_responder_id,
        owner_id=owner.id or 0,
        received_at=now,
        linked_to=old.id,
        created_at=now,
    )
    session.add(ticket)
    session.flush()
    assert ticket.id is not None
    search.index(session, ticket.id, [ticket.number, ticket.what_happened, ticket.wants])
    journal.write(
        session, ticket, "opened", reason, owner.name, now, data={"linked_to": old.id, "number": old.number}
    )
    arm_all(session, settings, ticket, now)
    return ticket


def _row(
    session: Session, settings: Settings, by: User, form: TicketForm, number: str, now: datetime
) -> Ticket:
    call = session.get(Call, form.call_id) if form.call_id else None
    if form.call_id and call is None:
        raise InvalidInput(call_id="there is no such call")
    customer_id = form.customer_id or (call.customer_id if call else None)
    if customer_id is not None and session.get(Customer, customer_id) is None:
        raise InvalidInput(customer_id="there is no such customer")
    responder = _responder(session, by, call)
    assert responder.id is not None
    contact = form.contact_number or (customer_number(call) if call else "")
    return Ticket(
        number=number,
        kind=form.kind,
        type=form.type,
        region=form.region,
        severity=form.severity,
        what_happened=form.what_happened,
        wants=form.wants,
        state="in_progress" if rules.assessed(form.type, form.region, form.severity) else "registered",
        customer_id=customer_id,
        contact_number=numbers.e164(contact, settings.country) or contact,
        call_id=form.call_id or None,
        token=form.token,
        first_responder_id=responder.id,
        owner_id=responder.id,
        received_at=call.started_at if call else now,
        created_at=now,
    )


def _responder(session: Session, by: User, call: Call | None) -> User:
    """Who answered, if an active user did; else who writes it down."""
    if call is None or not call.agent or call.agent == by.name:
        return by
    return session.exec(select(User).where(User.name == call.agent, User.active)).first() or by


def _tell_of(
    session: Session, settings: Settings, ticket: Ticket, by: User, form: TicketForm, now: datetime
) -> None:
    assert ticket.id is not None
    customer = session.get(Customer, ticket.customer_id) if ticket.customer_id else None
    home = re.sub(r"\D", "", numbers.national(ticket.contact_number, settings.country))
    number = [ticket.contact_number, home, numbers.tail(ticket.contact_number)]
    texts = [ticket.number, *number, ticket.what_happened, ticket.wants]
    search.index(session, ticket.id, texts + ([customer.name, customer.organisation] if customer else []))
    journal.write(session, ticket, "opened", form.wants, by.name, now, call_id=form.call_id)
    if form.promise and form.promise_due:
        session.add(Promise(ticket_id=ticket.id, text=form.promise, due_at=form.promise_due, created_at=now))
        journal.write(session, ticket, "promise", form.promise, by.name, now, data={"due": form.promise_due})
