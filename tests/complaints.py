"""The cast of the complaint tests, and calls as the ledger writes them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from callcenter import db, defaults
from callcenter.callbacks import desk as callbacks
from callcenter.calls.models import Call
from callcenter.customers.models import Customer
from callcenter.ids import new_id
from callcenter.people import desk as people
from callcenter.people.models import Department, User
from callcenter.settings import Settings
from callcenter.surveys import desk as surveys
from callcenter.tickets.desk import Desk
from callcenter.tickets.form import TicketForm
from callcenter.tickets.models import Ticket

MONDAY = datetime(2026, 3, 2, 2, tzinfo=UTC)
"""10:00 in Shanghai."""
NUMBER = "+8613800138000"


@dataclass
class House:
    """A small centre: Ana answers, Sam supervises, Hua heads the department, Wang Fang complains."""

    engine: Engine
    settings: Settings
    desk: Desk
    ana: User
    sam: User
    hua: User
    customer: int

    def open(self, now: datetime = MONDAY, severity: int = 3, **form: object) -> Ticket:
        """A complaint that Ana logs in a call which she has answered."""
        with db.write(self.engine) as session:
            call = self.call(session, now, agent="ana")
            values = {"call_id": call.id, "type": "refund", "region": "北京", "wants": "要求退款", **form}
            return self.desk.open_ticket(session, self.ana, TicketForm(severity=severity, **values), now)  # type: ignore[arg-type]

    def call(self, session: Session, at: datetime, **fields: object) -> Call:
        """A conversation of a minute, over."""
        values = {
            "caller": NUMBER,
            "customer_id": self.customer,
            "started_at": at,
            "answered_at": at,
            "ended_at": at + timedelta(minutes=1),
            "talk": 60.0,
            "outcome": "answered",
            "evidence": True,
            **fields,
        }
        call = Call(id=new_id(), **values)
        session.add(call)
        session.flush()
        return call

    def attempt_ends(
        self, attempt: str, ticket: int, at: datetime, outcome: str, kind: str = "callback"
    ) -> str:
        """What the ledger writes when a placed call is over."""
        talked = outcome == "conversation"
        with db.write(self.engine) as session:
            return self.call(
                session,
                at,
                kind=kind,
                direction="out",
                caller="",
                called=NUMBER,
                agent="ana" if talked else "",
                ticket_id=ticket,
                attempt=attempt,
                outcome=outcome,
                evidence=talked,
                talk=60.0 if talked else 0.0,
                answered_at=at if talked else None,
            ).id

    def ticket(self, ticket_id: int | None) -> Ticket:
        """As it stands now."""
        with db.read(self.engine) as session:
            found = session.get(Ticket, ticket_id)
            assert found is not None
            return found


def house(engine: Engine, settings: Settings) -> House:
    """The cast in an empty record."""
    defaults.ensure(engine, settings)
    with db.write(engine) as session:
        sam = people.add_user(session, "sam", "supervisor", MONDAY, email="sam@example.com")
        hua = people.add_user(session, "hua", "agent", MONDAY, email="hua@example.com")
        ana = people.add_user(
            session,
            "ana",
            "agent",
            MONDAY,
            email="ana@example.com",
            department="Service",
            supervisor="sam",
        )
        department = session.get(Department, ana.department_id)
        assert department is not None
        department.head_id = hua.id
        customer = Customer(name="王芳", language="zh_Hans", created_at=MONDAY)
        session.add(customer)
        session.flush()
        assert customer.id is not None
        number = customer.id
    desk = Desk(settings, (callbacks.follow, surveys.follow))
    return House(engine, settings, desk, ana, sam, hua, number)
