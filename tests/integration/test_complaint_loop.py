"""A complaint all the way round in the record, on SQLite and on PostgreSQL: nothing here is scaled or faked."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import db, timers
from callcenter.callbacks import desk as callbacks
from callcenter.callbacks.models import Callback
from callcenter.outbound.models import Attempt
from callcenter.settings import Settings
from callcenter.surveys import desk as surveys
from callcenter.surveys.models import Survey
from callcenter.tickets import escalation, rules, timekeeping
from callcenter.tickets.models import Clock, Notice
from tests.complaints import MONDAY, House, house

HOUR = timedelta(hours=1)
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture
def centre(engine: Engine, settings: Settings) -> House:
    return house(engine, settings)


def test_open_escalate_propose_callback_close_survey_reopened(centre: House) -> None:
    ticket = centre.open()
    assert (ticket.number, ticket.state, ticket.owner_id) == ("C-1001", "in_progress", centre.ana.id)
    escalate(centre, ticket.id or 0)
    assert centre.ticket(ticket.id).owner_id == centre.ana.id

    callback = report(centre, ticket.id or 0)
    with pytest.raises(rules.NoEvidence), db.write(centre.engine) as session:
        centre.desk.close(session, ticket, centre.ana, "", TUESDAY, None)
    call = ring(centre, callback, "conversation")
    with db.write(centre.engine) as session:
        current = centre.ticket(ticket.id)
        closed = centre.desk.close(session, current, centre.ana, call, TUESDAY + HOUR, current.version)
    assert (closed.state, closed.evidence_call, closed.due_at) == ("closed", call, None)
    with db.read(centre.engine) as session:
        assert session.get(Callback, callback).state == "done"  # type: ignore[union-attr]

    for _ in range(2):
        answer(centre, 1)
    found = centre.ticket(ticket.id)
    assert (found.state, found.cycle, found.owner_id, found.score) == ("in_progress", 2, centre.ana.id, 1)
    assert found.first_responder_id == centre.ana.id
    with db.read(centre.engine) as session:
        clocks = session.exec(select(Clock).where(Clock.ticket_id == ticket.id, Clock.cycle == 2)).all()
        assert {clock.kind for clock in clocks} == {"keep_informed", "resolution"}
        assert next(c for c in clocks if c.kind == "resolution").elapsed_before > 0
        survey = session.exec(select(Survey)).one()
        assert (survey.state, survey.agent_id, survey.closing_call) == ("answered", centre.ana.id, call)


def escalate(centre: House, ticket: int) -> None:
    """Six working days later everything up to the written reminder is due: only that is sent."""
    late = MONDAY + timedelta(days=8)
    with db.write(centre.engine) as session:
        clock = session.exec(select(Clock).where(Clock.ticket_id == ticket, Clock.kind == "resolution")).one()
        made = escalation.fire(session, centre.settings, clock.id or 0, late)
        again = escalation.fire(session, centre.settings, clock.id or 0, late)
    assert again == []
    sent = {(notice.level, notice.recipient_id) for notice in made if notice.state == "sent"}
    assert sent == {(3, centre.ana.id), (3, centre.sam.id), (3, centre.hua.id)}
    assert {notice.level for notice in made if notice.state == "coalesced"} == {1, 2}
    assert all(notice.late_by > 0 and notice.detected_at == late for notice in made)


def report(centre: House, ticket: int) -> int:
    """Propose, report back; the id of the callback, due at the next working day's opening."""
    with db.write(centre.engine) as session:
        found = centre.ticket(ticket)
        found = centre.desk.propose(session, found, centre.ana, "全额退款", MONDAY + HOUR, found.version)
        centre.desk.report_back(session, found, centre.ana, MONDAY + HOUR, found.version)
        callback = session.exec(select(Callback)).one()
        assert callback.due_at == TUESDAY - HOUR
        return callback.id or 0


def ring(centre: House, callback: int, outcome: str) -> str:
    """Dial the callback, twice; end it, twice. The call's id."""
    with db.write(centre.engine) as session:
        assert callbacks.start(session, centre.settings, callback, MONDAY + HOUR) is None, "not due yet"
        at = session.get(Callback, callback).due_at  # type: ignore[union-attr]
        command = callbacks.start(session, centre.settings, callback, at)
        assert callbacks.start(session, centre.settings, callback, at) is None
    assert command is not None
    assert (command.agent, command.number, command.language) == ("ana", "+8613800138000", "cmn")
    call = centre.attempt_ends(command.attempt, command.ticket, at, outcome)
    with db.write(centre.engine) as session:
        assert callbacks.ended(session, centre.desk, command.attempt, at + timedelta(minutes=1))
        assert not callbacks.ended(session, centre.desk, command.attempt, at + timedelta(minutes=2))
    return call


def answer(centre: House, score: int) -> None:
    """The survey is dialled and answered; called again, nothing changes."""
    with db.write(centre.engine) as session:
        survey = session.exec(select(Survey)).one()
        command = surveys.start(session, centre.settings, survey.id or 0, survey.due_at)
        attempt = session.exec(select(Attempt).where(Attempt.kind == "survey")).one()
        assert surveys.record(session, centre.desk, attempt.id, score, TUESDAY + 2 * HOUR) == (
            command is not None
        )


def test_busy_three_times_is_given_up_and_comes_back_to_the_owner(centre: House) -> None:
    ticket = centre.open()
    callback = report(centre, ticket.id or 0)
    for _ in range(3):
        ring(centre, callback, "busy")
    with db.read(centre.engine) as session:
        found = session.get(Callback, callback)
        assert found is not None
        assert (found.state, found.attempts, found.outcome) == ("given_up", 3, "busy")
        notices = session.exec(select(Notice).where(Notice.kind == "callback")).all()
        assert [notice.recipient_id for notice in notices] == [centre.ana.id]
        tries = sorted(session.exec(select(Attempt.created_at)).all())
    assert {at.astimezone(centre.settings.home_zone).day for at in tries} == {3, 4}, "two days"
    current = centre.ticket(ticket.id)
    with pytest.raises(rules.NotAllowed), db.write(centre.engine) as session:
        centre.desk.close_unreached(
            session, current, centre.ana, "nobody", TUESDAY + 48 * HOUR, current.version
        )
    with db.write(centre.engine) as session:
        closed = centre.desk.close_unreached(
            session, current, centre.sam, "nobody", TUESDAY + 48 * HOUR, current.version
        )
        assert session.exec(select(Survey)).all() == []
    assert closed.state == "closed_unreached"


def test_an_attempt_whose_end_is_not_known_is_not_dialled_again(centre: House) -> None:
    ticket = centre.open()
    callback = report(centre, ticket.id or 0)
    with db.write(centre.engine) as session:
        at = session.get(Callback, callback).due_at  # type: ignore[union-attr]
        command = callbacks.start(session, centre.settings, callback, at)
        assert command is not None
        callbacks.lost(session, centre.desk, command.attempt, at + timedelta(minutes=2))
        callbacks.lost(session, centre.desk, command.attempt, at + timedelta(minutes=2))
        found = session.get(Callback, callback, populate_existing=True)
        assert found is not None
        assert found.state == "due"
        assert found.due_at >= at + timedelta(seconds=centre.settings.outbound_gap)
    centre.attempt_ends(command.attempt, ticket.id or 0, at, "conversation")
    with db.write(centre.engine) as session:
        assert not callbacks.ended(session, centre.desk, command.attempt, at + HOUR), "an end is written once"


def test_waiting_for_the_customer_stops_the_clock(centre: House) -> None:
    ticket = centre.open()
    due = ticket.due_at
    assert due is not None
    with db.write(centre.engine) as session:
        asked = centre.desk.ask_customer(
            session, ticket, centre.ana, "Which door?", TUESDAY, MONDAY + HOUR, ticket.version
        )
        assert (asked.state, asked.due_at) == ("waiting_customer", None)
    with db.write(centre.engine) as session:
        woken = centre.desk.resume(session, asked, None, TUESDAY + HOUR, None)
    assert woken.due_at == due + timedelta(days=1)
    with db.read(centre.engine) as session:
        armed = session.exec(
            select(timers.Timer).where(timers.Timer.kind == "clock", timers.Timer.state == "armed")
        )
        assert len(armed.all()) == 2, "keep informed and resolution"


def test_a_changed_severity_moves_the_target_and_stamps_the_breach(centre: House) -> None:
    ticket = centre.open()
    with db.write(centre.engine) as session:
        found = centre.desk.assess(
            session, ticket, centre.ana, "refund", "北京", 1, MONDAY + 9 * HOUR, ticket.version
        )
        clock = session.exec(
            select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == "resolution")
        ).one()
    assert found.due_at == MONDAY + 8 * HOUR
    assert (clock.breached_at, clock.breach_reason, clock.epoch) == (
        MONDAY + 9 * HOUR,
        "policy_change",
        2,
    )


def test_reopened_late_it_is_a_new_linked_complaint(centre: House) -> None:
    ticket = centre.open()
    with db.write(centre.engine) as session:
        call = centre.call(session, MONDAY + HOUR, agent="ana", ticket_id=ticket.id)
        closed = centre.desk.settle_on_the_line(
            session, ticket, centre.ana, call.id, MONDAY + HOUR + timedelta(minutes=2), ticket.version
        )
    with db.write(centre.engine) as session:
        again = centre.desk.reopen(session, closed, centre.ana, "came back", MONDAY + timedelta(days=20))
    assert (again.number, again.linked_to, again.state, again.cycle) == (
        "C-1002",
        ticket.id,
        "in_progress",
        1,
    )
    assert centre.ticket(ticket.id).state == "closed"


def test_an_emergency_begins_with_the_supervisor(centre: House) -> None:
    ticket = centre.open(severity=1)
    with db.write(centre.engine) as session:
        clock = session.exec(
            select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == "resolution")
        ).one()
        timer = session.exec(select(timers.Timer).where(timers.Timer.ref == str(clock.id))).one()
        assert timer.due == MONDAY
        made = escalation.fire(session, centre.settings, clock.id or 0, MONDAY)
    assert {(notice.level, notice.recipient_id) for notice in made} == {
        (2, centre.ana.id),
        (2, centre.sam.id),
    }


def test_a_severe_one_is_cosigned(centre: House) -> None:
    ticket = centre.open(severity=2)
    with db.write(centre.engine) as session:
        ticket = centre.desk.propose(session, ticket, centre.ana, "ok", MONDAY + HOUR, ticket.version)
    with pytest.raises(rules.NeedsCosign), db.write(centre.engine) as session:
        centre.desk.report_back(session, ticket, centre.ana, MONDAY + HOUR, ticket.version)
    assert "cosign" in {
        action.name for action in centre.desk.allowed(centre.ticket(ticket.id), centre.sam, MONDAY)
    }
    with db.write(centre.engine) as session:
        signed = centre.desk.cosign(session, ticket, centre.sam, MONDAY + HOUR, ticket.version)
        done = centre.desk.report_back(session, signed, centre.ana, MONDAY + HOUR, signed.version)
    assert done.state == "callback_due"


def test_finished_clocks_never_change(centre: House) -> None:
    ticket = centre.open()
    with db.write(centre.engine) as session:
        first = session.exec(
            select(Clock).where(Clock.ticket_id == ticket.id, Clock.kind == "first_response")
        ).one()
        assert first.state == "met"
        before = first.model_dump()
        timekeeping.recompute(session, centre.settings, ticket, MONDAY + HOUR)
        timekeeping.informed(session, centre.settings, ticket, MONDAY + HOUR)
        assert first.model_dump() == before
