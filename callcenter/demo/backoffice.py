"""What the demo's agents write: complaints, notes, answers, closings; by the same desk as the pages, in SQL."""

import random
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, col, select

from callcenter import db
from callcenter.callbacks import desk as callbacks
from callcenter.demo.callers import Story
from callcenter.demo.cast import CHASE, MATTERS, PLAYING, PROMISE, QUESTION, SUPERVISOR
from callcenter.errors import DomainError
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.screenpop import pop
from callcenter.settings import Settings
from callcenter.surveys import desk as surveys
from callcenter.tickets import rules
from callcenter.tickets.desk import Desk
from callcenter.tickets.form import TicketForm
from callcenter.tickets.models import Ticket

PROMISED = timedelta(minutes=3)


class BackOffice:
    """All methods block: call them in a thread."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings, self.engine = settings, engine
        self.desk = Desk(settings, (callbacks.follow, surveys.follow))
        self.dice = random.Random()

    def write_down(self, agent: str, call: str, story: Story, customer: int) -> None:
        """What an agent notes of a call that is on the line."""
        with db.write(self.engine) as session:
            by = _user(session, agent)
            known = self._open_ticket(session, story, customer)
            if story.wish == "ask":
                self._answer(session, by, call, story, customer)
            elif known is not None:
                text = CHASE[story.person.language]
                self.desk.note(session, known, by, text, db.now(), None, informed=True, call_id=call)
            else:
                self.desk.open_ticket(session, by, self._form(call, story, customer), db.now())

    def _open_ticket(self, session: Session, story: Story, customer: int) -> Ticket | None:
        """The complaint that this caller has already; who complains twice gets no second one."""
        if customer:
            found = pop.pop(session, "", True, self.settings.country, customer)
        else:
            found = pop.pop(session, story.person.number, False, self.settings.country)
        return session.get(Ticket, found.complaints[0].id) if found.complaints else None

    def _answer(self, session: Session, by: User, call: str, story: Story, customer: int) -> None:
        language = story.person.language
        form = TicketForm(
            call_id=call,
            customer_id=customer or None,
            kind="enquiry",
            type=QUESTION.type,
            region=story.person.region or "-",
            severity=QUESTION.severity,
            what_happened=QUESTION.happened[language],
            wants=QUESTION.wants[language],
        )
        ticket = self.desk.open_ticket(session, by, form, db.now())
        self.desk.settle_on_the_line(session, ticket, by, call, db.now(), None)

    def _form(self, call: str, story: Story, customer: int) -> TicketForm:
        matter, language = self.dice.choice(MATTERS), story.person.language
        promised = self.dice.random() < 0.4
        return TicketForm(
            call_id=call,
            customer_id=customer or None,
            type=matter.type,
            region=story.person.region or "-",
            severity=matter.severity,
            what_happened=matter.happened[language],
            wants=matter.wants[language],
            promise=PROMISE[language] if promised else "",
            promise_due=db.now() + PROMISED if promised else None,
        )

    def waiting(self) -> list[tuple[int, str]]:
        """Complaints on which one of the demo's agents, or their supervisor, has to do something."""
        with db.read(self.engine) as session:
            rows: Any = session.exec(
                select(Ticket.id, Ticket.state)
                .join(User, col(User.id) == Ticket.owner_id)
                .where(
                    col(User.name).in_([worker.name for worker in PLAYING]),
                    col(Ticket.state).in_(("registered", "in_progress", "proposed")),
                )
            )
            return [(ticket, state) for ticket, state in rows]

    def go_on(self, ticket_id: int) -> None:
        """The next step of a complaint, by its owner."""
        with db.write(self.engine) as session:
            ticket = session.get(Ticket, ticket_id)
            owner = session.get(User, ticket.owner_id) if ticket else None
            if ticket is None or owner is None:
                return
            now, region = db.now(), ticket.region or "-"
            if ticket.state == "registered":
                self.desk.assess(session, ticket, owner, "other", region, ticket.severity, now, None)
            elif ticket.state == "in_progress":
                self.desk.propose(session, ticket, owner, _settlement(ticket), now, None)
            elif ticket.state == "proposed":
                if rules.needs_cosign(ticket.severity, ticket.cosigned_by_id is not None):
                    self.desk.cosign(session, ticket, _user(session, SUPERVISOR.name), now, None)
                self.desk.report_back(session, ticket, owner, now, None)

    def after_callback(self, ticket_id: int, call: str) -> bool:
        """Note how the conversation ended; false while the record of the call does not prove it yet."""
        with db.write(self.engine) as session:
            ticket = session.get(Ticket, ticket_id)
            owner = session.get(User, ticket.owner_id) if ticket else None
            if ticket is None or owner is None or ticket.state != "callback_due":
                return True
            try:
                if self.dice.random() < 0.15:
                    reason = "Not settled: the customer wants more. 客户不满意，要求再处理。"
                    self.desk.not_settled(session, ticket, owner, reason, db.now(), None)
                else:
                    self.desk.close(session, ticket, owner, call, db.now(), None)
            except rules.NoEvidence:
                return False
        return True


def _user(session: Session, name: str) -> User:
    found = people.by_name(session, name)
    if found is None:
        raise DomainError(f"{name} left the demo")
    return found


def _settlement(ticket: Ticket) -> str:
    for matter in (*MATTERS, QUESTION):
        for language, wish in matter.wants.items():
            if wish == ticket.wants:
                return matter.answer[language]
    return "Settled as agreed. 已按约定处理。"
