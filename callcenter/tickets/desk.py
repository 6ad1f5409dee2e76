"""What people do with a complaint: each act checks who and when, moves the state, and leaves clocks, timers, timeline
and events right, in the caller's write transaction.

All acts take the row's `version` as the person saw it and raise Stale when it moved, WrongState and NotYours as
`rules.check` says; `by` None is the house itself (a job).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from callcenter import timers
from callcenter.errors import InvalidInput, NotFound
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.tickets import evidence, journal, opening, rules, timekeeping
from callcenter.tickets.form import TicketForm, check_type, later, wanted
from callcenter.tickets.models import Promise, Ticket
from callcenter.tickets.rules import Action, Roles

Follower = Callable[[Session, Settings, Ticket, str, datetime], None]
"""Told of each change, in its transaction: (session, settings, ticket, change, now). Callbacks and surveys lie above
this slice and follow from here."""

WAKE = "wake"


@dataclass(frozen=True)
class Desk:
    """Made once by each door that changes complaints: `Desk(settings, (callbacks.desk.follow, surveys.desk.follow))`."""

    settings: Settings
    followers: tuple[Follower, ...]
    """Without these a reported answer owes no callback and a closing plans no survey."""

    def allowed(self, ticket: Ticket, by: User, now: datetime) -> list[Action]:
        """What this person may do with the complaint as it stands."""
        moves = rules.possible(ticket.state, rules.hats(by.id, by.role, _roles(ticket), now))
        waits = rules.needs_cosign(ticket.severity, ticket.cosigned_by_id is not None)
        hidden = "report_back" if waits else "cosign"
        return [
            Action(move.name, move.noun, f"consequence.{move.name}", {"to": move.to, "number": ticket.number})
            for move in moves
            if move.name != hidden
        ]

    def open_ticket(self, session: Session, by: User, form: TicketForm, now: datetime) -> Ticket:
        """Log a complaint; who answered the call is first responder for ever, and owner. Raises InvalidInput."""
        ticket = opening.open_ticket(session, self.settings, by, form, now)
        self._follow(session, ticket, "opened", now)
        return ticket

    def note(
        self,
        session: Session,
        ticket: Ticket,
        by: User,
        text: str,
        now: datetime,
        version: int | None,
        informed: bool = False,
        call_id: str = "",
    ) -> Ticket:
        """Write something down. `informed`: the customer was told, so first response and keep-informed are served."""
        ticket = self._take(session, ticket, by, "note", now, version)
        journal.write(
            session,
            ticket,
            "note",
            wanted("text", text),
            by.name,
            now,
            call_id=call_id,
            data={"informed": informed},
        )
        if informed and ticket.state in rules.OPEN:
            timekeeping.informed(session, self.settings, ticket, now)
        return ticket

    def assess(
        self,
        session: Session,
        ticket: Ticket,
        by: User,
        type: str,  # noqa: A002  # the field's name
        region: str,
        severity: int,
        now: datetime,
        version: int | None,
    ) -> Ticket:
        """Set type, region and severity; a registered complaint goes into progress. Targets follow the severity."""
        try:
            check_type(type)
        except ValueError as error:
            raise InvalidInput(type=str(error)) from None
        if severity not in rules.SEVERITIES:
            raise InvalidInput(severity="1 to 4")
        if not rules.assessed(type, region, severity):
            raise rules.NotAssessed
        ticket = self._take(session, ticket, by, "assess", now, version)
        before = {"type": ticket.type, "region": ticket.region, "severity": ticket.severity}
        moved = ticket.severity != severity
        ticket.type, ticket.region, ticket.severity = type, region, severity
        if moved:
            timekeeping.recompute(session, self.settings, ticket, now)
        return self._done(session, ticket, by, "assessed", "", now, data={"before": before})

    def ask_customer(
        self,
        session: Session,
        ticket: Ticket,
        by: User,
        question: str,
        wake_at: datetime,
        now: datetime,
        version: int | None,
    ) -> Ticket:
        """Wait for the customer until `wake_at`: resolution and keep-informed stand still meanwhile."""
        ticket = self._take(session, ticket, by, "ask_customer", now, version)
        question = wanted("question", question)
        ticket.wake_at = later("wake_at", wake_at, now)
        timekeeping.informed(session, self.settings, ticket, now)
        timekeeping.pause(session, self.settings, ticket, f"asked: {question}"[:200], now)
        timers.arm(session, WAKE, ticket.id or 0, ticket.wake_at)
        return self._done(session, ticket, by, "asked", question, now, data={"wake_at": ticket.wake_at})

    def resume(
        self,
        session: Session,
        ticket: Ticket,
        by: User | None,
        now: datetime,
        version: int | None,
        text: str = "",
    ) -> Ticket:
        """The customer answered, or the waiting is over: the clocks run again."""
        ticket = self._take(session, ticket, by, "resume", now, version)
        return self._done(session, ticket, by, "resumed", text, now)

    def propose(
        self, session: Session, ticket: Ticket, by: User, answer: str, now: datetime, version: int | None
    ) -> Ticket:
        """The answer is written; the owner reports it back next."""
        ticket = self._take(session, ticket, by, "propose", now, version)
        ticket.answer, ticket.cosigned_by_id = wanted("answer", answer), None
        return self._done(session, ticket, by, "proposed", ticket.answer, now)

    def return_proposal(
        self, session: Session, ticket: Ticket, by: User, reason: str, now: datetime, version: int | None
    ) -> Ticket:
        """Not good enough yet: back to work."""
        ticket = self._take(session, ticket, by, "return_proposal", now, version)
        return self._done(session, ticket, by, "returned", wanted("reason", reason), now)

    def cosign(
        self, session: Session, ticket: Ticket, by: User, now: datetime, version: int | None
    ) -> Ticket:
        """A supervisor agrees to the answer of a severe complaint."""
        ticket = self._take(session, ticket, by, "cosign", now, version)
        ticket.cosigned_by_id = by.id
        return self._done(session, ticket, by, "cosigned", "", now)

    def report_back(
        self, session: Session, ticket: Ticket, by: User, now: datetime, version: int | None
    ) -> Ticket:
        """The customer is to be called with the answer: a callback becomes due. Raises NeedsCosign, NoNumber."""
        ticket = self._take(session, ticket, by, "report_back", now, version)
        if rules.needs_cosign(ticket.severity, ticket.cosigned_by_id is not None):
            raise rules.NeedsCosign
        if not ticket.contact_number:
            raise rules.NoNumber
        ticket.reported_at = now
        return self._done(session, ticket, by, "reported", "", now)

    def close(
        self, session: Session, ticket: Ticket, by: User, call_id: str, now: datetime, version: int | None
    ) -> Ticket:
        """Settled, with the callback's conversation as evidence; `call_id` empty takes the newest. Raises NoEvidence."""
        ticket = self._take(session, ticket, by, "close", now, version)
        proof = evidence.of_callback(session, ticket, call_id or evidence.last_of_callback(session, ticket))
        return self._end(session, ticket, by, "closed", "", now, proof.id)

    def settle_on_the_line(
        self, session: Session, ticket: Ticket, by: User, call_id: str, now: datetime, version: int | None
    ) -> Ticket:
        """The customer said yes in this very call. Raises NoEvidence."""
        ticket = self._take(session, ticket, by, "settle_on_the_line", now, version)
        proof = evidence.on_the_line(session, ticket, by, call_id, now)
        return self._end(session, ticket, by, "closed", "settled on the line", now, proof.id)

    def not_settled(
        self, session: Session, ticket: Ticket, by: User, reason: str, now: datetime, version: int | None
    ) -> Ticket:
        """The customer did not accept: second handling."""
        ticket = self._take(session, ticket, by, "not_settled", now, version)
        ticket.reported_at = None
        return self._done(session, ticket, by, "not_settled", wanted("reason", reason), now)

    def close_unreached(
        self, session: Session, ticket: Ticket, by: User, reason: str, now: datetime, version: int | None
    ) -> Ticket:
        """Nobody was reached by at least 3 attempts on 2 days at different hours. Raises NotEnoughAttempts."""
        ticket = self._take(session, ticket, by, "close_unreached", now, version)
        if not rules.unreached(evidence.attempts(session, self.settings, ticket)):
            raise rules.NotEnoughAttempts
        return self._end(session, ticket, by, "closed_unreached", wanted("reason", reason), now, "")

    def withdraw(
        self,
        session: Session,
        ticket: Ticket,
        by: User,
        reason: str,
        call_id: str,
        now: datetime,
        version: int | None,
    ) -> Ticket:
        """The customer takes the complaint back, in a call of record. Raises NoEvidence."""
        ticket = self._take(session, ticket, by, "withdraw", now, version)
        proof = evidence.of_customer(session, ticket, call_id or ticket.call_id or "")
        return self._end(session, ticket, by, "withdrawn", wanted("reason", reason), now, proof.id)

    def reopen(
        self,
        session: Session,
        ticket: Ticket,
        by: User | None,
        reason: str,
        now: datetime,
        version: int | None = None,
    ) -> Ticket:
        """Cycle + 1 with the same owner if active; more than 14 days after closing a new, linked complaint.

        The time that earlier cycles took is carried over; the time in between is not counted. First response stays met.
        """
        ticket = self._take(session, ticket, by, "reopen", now, version, move=False)
        owner, reason = self._owner_again(session, ticket), wanted("reason", reason)
        if not rules.reopens(ticket.closed_at, now):
            new = opening.again(session, self.settings, ticket, owner, reason, now)
            journal.write(session, ticket, "continued", reason, _name(by), now, data={"number": new.number})
            return new
        before = sum(
            timekeeping.elapsed(session, self.settings, clock, clock.met_at or now)
            for clock in timekeeping.of_ticket(session, ticket, ("resolution",))
        )
        ticket.state, ticket.cycle, ticket.level = "in_progress", ticket.cycle + 1, 0
        ticket.owner_id = owner.id or ticket.owner_id
        ticket.closed_at = ticket.reported_at = ticket.cosigned_by_id = None
        ticket.evidence_call = ""
        timekeeping.arm(session, self.settings, ticket, "keep_informed", now, now)
        timekeeping.arm(session, self.settings, ticket, "resolution", now, now, before)
        return self._done(session, ticket, by, "reopened", reason, now, data={"cycle": ticket.cycle})

    def record(
        self,
        session: Session,
        ticket_id: int,
        kind: str,
        now: datetime,
        *,
        call_id: str = "",
        data: dict[str, Any] | None = None,
        informed: bool = False,
    ) -> Ticket:
        """A job tells what it did for this complaint. `informed`: in a conversation the customer heard from us.

        The version stays: who is just deciding about the complaint is not disturbed by a line in its timeline.
        """
        ticket = journal.hold(session, ticket_id)
        if ticket is None:
            raise NotFound
        journal.write(session, ticket, kind, "", "system", now, call_id=call_id, data=data)
        if informed and ticket.state in rules.OPEN:
            timekeeping.informed(session, self.settings, ticket, now)
        return ticket

    def keep_promise(self, session: Session, promise_id: int, by: User, now: datetime) -> Promise:
        """What was promised is done. Raises NotFound."""
        promise = session.get(Promise, promise_id)
        ticket = session.get(Ticket, promise.ticket_id) if promise else None
        if promise is None or ticket is None:
            raise NotFound
        if promise.state == "open":
            ticket = self._take(session, ticket, by, "note", now, None)
            promise.state = "kept" if now <= promise.due_at else "broken"
            session.add(promise)
            journal.write(session, ticket, "promise_kept", promise.text, by.name, now)
        return promise

    def _take(
        self,
        session: Session,
        ticket: Ticket,
        by: User | None,
        name: str,
        now: datetime,
        version: int | None,
        move: bool = True,
    ) -> Ticket:
        """Lock the complaint, check the act, and move the state."""
        held = journal.take(session, ticket.id, version)
        worn = rules.hats(by.id if by else None, by.role if by else "", _roles(held), now)
        state = rules.check(name, held.state, worn)
        if held.state == "waiting_customer" and state != held.state:
            timekeeping.resume(session, self.settings, held, name, now)
            timers.cancel(session, WAKE, held.id or 0)
            held.wake_at = None
        if move:
            held.state = state
        return held

    def _done(
        self,
        session: Session,
        ticket: Ticket,
        by: User | None,
        change: str,
        text: str,
        now: datetime,
        *,
        call_id: str = "",
        data: dict[str, Any] | None = None,
    ) -> Ticket:
        session.add(ticket)
        journal.write(
            session,
            ticket,
            change,
            text,
            _name(by),
            now,
            call_id=call_id,
            data={"state": ticket.state, **(data or {})},
        )
        self._follow(session, ticket, change, now)
        session.flush()
        return ticket

    def _end(
        self, session: Session, ticket: Ticket, by: User, change: str, text: str, now: datetime, call_id: str
    ) -> Ticket:
        """An end: clocks finish, the evidence is bound."""
        ticket.closed_at, ticket.evidence_call = now, call_id
        timekeeping.finish(session, ticket, now, "cancelled" if change == "withdrawn" else "met")
        return self._done(session, ticket, by, change, text, now, call_id=call_id)

    def _follow(self, session: Session, ticket: Ticket, change: str, now: datetime) -> None:
        for follower in self.followers:
            follower(session, self.settings, ticket, change, now)

    def _owner_again(self, session: Session, ticket: Ticket) -> User:
        """The same owner if active, else the supervisor; never a pool."""
        owner = session.get(User, ticket.owner_id)
        if owner is not None and owner.active:
            return owner
        above = session.get(User, owner.supervisor_id) if owner and owner.supervisor_id else None
        if above is not None and above.active:
            return above
        found = people.supervisors(session) or list(
            session.exec(select(User).where(col(User.active)).order_by(col(User.id)).limit(1))
        )
        if not found:
            raise NotFound("Nobody is left to own this complaint.")
        return found[0]


def _roles(ticket: Ticket) -> Roles:
    return Roles(ticket.owner_id, ticket.acting_id, ticket.acting_until)


def _name(by: User | None) -> str:
    return by.name if by else "system"
