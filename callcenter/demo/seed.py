"""The demo's record: who works there, who calls, and what happened before today."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from callcenter import ids
from callcenter.calls.models import Call
from callcenter.customers import numbers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.demo.cast import MATTERS, PEOPLE, PLAYING, PROMISE, SUPERVISOR, WORKERS, Person
from callcenter.demo.keys import Keys
from callcenter.hours.models import Calendar
from callcenter.people import desk as people
from callcenter.people.models import Department, User
from callcenter.routing.models import QueueRow
from callcenter.settings import SPOKEN, Settings
from callcenter.surveys.models import Survey
from callcenter.telephony.line import LineConfig
from callcenter.tickets.desk import Desk
from callcenter.tickets.form import TicketForm
from callcenter.tickets.models import Policy, Ticket


def seed(session: Session, settings: Settings, keys: Keys, now: datetime) -> bool:
    """Fill an empty record; false, and nothing changed, when somebody works there already."""
    if session.exec(select(User).limit(1)).first():
        return False
    _rules(session)
    workers = _workers(session, keys, now)
    customers = [_customer(session, person, now) for person in PEOPLE]
    agents = [workers[worker.name] for worker in PLAYING]
    for number, (person, customer) in enumerate(zip(PEOPLE, customers, strict=True)):
        for back in range(number % 3):
            at = now - timedelta(days=1 + number % 5 + 7 * back, minutes=37 * number)
            _past(session, settings, agents[(number + back) % len(agents)], person, customer, at, number)
    for number in (0, 4, 11):
        _open(session, settings, agents[number % len(agents)], PEOPLE[number], customers[number], now, number)
    return True


def _rules(session: Session) -> None:
    """Round the clock, and short: the demo's policies run in seconds through the setting `clock_scale`."""
    for policy in session.exec(select(Policy)):
        policy.calendar = "always"
        session.add(policy)
    for calendar in session.exec(select(Calendar).where(Calendar.name == "office")):
        calendar.windows = [[["00:00", "24:00"]]] * 7
        session.add(calendar)
    queue = session.get(QueueRow, "default") or QueueRow(name="default")
    queue.label, queue.ring_time, queue.wrap_up = "Hotline 热线", 12.0, 20.0
    queue.recording, queue.recording_days = "all", 7
    queue.callback = True
    session.add(queue)
    session.flush()


def _workers(session: Session, keys: Keys, now: datetime) -> dict[str, User]:
    made = {}
    for worker in WORKERS:
        made[worker.name] = people.add_user(
            session,
            worker.name,
            worker.role,
            now,
            # Who is played by the demo signs in nowhere.
            password="" if worker.plays else keys.passwords[worker.name],
            display_name=worker.display,
            phone=worker.phone,
            phone_ha1=_ha1(worker.phone, keys.phones[worker.name]) if worker.phone else "",
            language=worker.language,
            department="Service 客服部" if worker.role == "agent" else "",
            supervisor=SUPERVISOR.name if worker.role == "agent" else "",
            queues=("default",) if worker.role == "agent" else (),
            remote_answer=bool(worker.phone) and not worker.plays,
            by="demo",
        )
    for department in session.exec(select(Department)):
        department.head_id = made[SUPERVISOR.name].id
        session.add(department)
    return made


def _ha1(phone: str, password: str) -> str:
    return people.phone_ha1(phone, LineConfig().realm, password)


def _customer(session: Session, person: Person, now: datetime) -> int:
    today = now.date()
    row = Customer(
        name=person.name,
        tier=person.tier,
        organisation=person.organisation,
        region=person.region,
        language=person.language,
        spoken=SPOKEN[person.language],
        zone=numbers.zone(person.number) or "",
        warranty_ends=person.ends(person.warranty, today),
        contract_ends=person.ends(person.contract, today),
        note=person.note,
        created_at=now - timedelta(days=200),
    )
    session.add(row)
    session.flush()
    assert row.id is not None
    session.add(CustomerNumber(customer_id=row.id, e164=person.number, tail=numbers.tail(person.number)))
    return row.id


def _past(
    session: Session, settings: Settings, by: User, person: Person, customer: int, at: datetime, number: int
) -> None:
    """A complaint of an earlier day that was settled on the line, and how the customer rated it."""
    desk = Desk(settings, ())
    first = _call(session, by, person, customer, at)
    ticket = desk.open_ticket(
        session, by, _form(person, customer, first.id, number), at + timedelta(minutes=2)
    )
    again = at + timedelta(hours=3)
    proof = _call(session, by, person, customer, again, ticket.id)
    desk.settle_on_the_line(session, ticket, by, proof.id, again + timedelta(minutes=4), None)
    first.ticket_id = ticket.id
    session.add(first)
    assert ticket.id is not None
    ticket.score = 3 + number % 3
    session.add(ticket)
    asked = again + timedelta(minutes=10)
    session.add(
        Survey(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            closing_call=proof.id,
            agent_id=by.id,
            customer_id=customer,
            number=person.number,
            language=SPOKEN[person.language],
            due_at=asked,
            state="answered",
            score=ticket.score,
            answered_at=asked,
            created_at=asked,
        )
    )


def _open(
    session: Session, settings: Settings, by: User, person: Person, customer: int, now: datetime, number: int
) -> Ticket:
    """A complaint of a moment ago, with a promise."""
    at = now - timedelta(seconds=20)
    call = _call(session, by, person, customer, at)
    form = _form(person, customer, call.id, number)
    form.promise, form.promise_due = PROMISE[person.language], now + timedelta(minutes=5)
    ticket = Desk(settings, ()).open_ticket(session, by, form, at)
    call.ticket_id = ticket.id
    session.add(call)
    return ticket


def _form(person: Person, customer: int, call: str, number: int) -> TicketForm:
    matter = MATTERS[number % len(MATTERS)]
    return TicketForm(
        call_id=call,
        customer_id=customer,
        contact_number=person.number,
        type=matter.type,
        region=person.region or "-",
        severity=matter.severity,
        what_happened=matter.happened[person.language],
        wants=matter.wants[person.language],
    )


def _call(
    session: Session, by: User, person: Person, customer: int, at: datetime, ticket: int | None = None
) -> Call:
    row = Call(
        id=ids.new_id(),
        caller=person.number,
        called="hotline",
        queue="default",
        customer_id=customer,
        ticket_id=ticket,
        agent=by.name,
        started_at=at,
        queued_at=at + timedelta(seconds=6),
        answered_at=at + timedelta(seconds=14),
        ended_at=at + timedelta(minutes=5),
        outcome="answered",
        ended_by="customer",
        waited=8.0,
        talk=286.0,
        evidence=True,
        disposition="complaint_logged",
    )
    session.add(row)
    session.flush()
    return row
