"""Surveys: one for each complaint and cycle, asked by phone behind the closing; a low score reopens the complaint.

`follow` is a follower of `tickets.desk.Desk`. All functions take a write session; times are aware.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from callcenter import db, timers
from callcenter.calls.models import Call
from callcenter.commands import PlaceSurvey
from callcenter.errors import InvalidInput
from callcenter.events import SurveyChanged
from callcenter.outbound import attempts
from callcenter.outbound.gate import may_call, next_try
from callcenter.outbound.models import Attempt
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.surveys import rules
from callcenter.surveys.lists import SurveyRow as SurveyRow
from callcenter.surveys.lists import listing as listing
from callcenter.surveys.models import Survey
from callcenter.tickets import escalation, journal
from callcenter.tickets.desk import Desk
from callcenter.tickets.models import Ticket

TIMER, KIND = "survey", "survey"
EARLY = timedelta(seconds=1)


def follow(session: Session, settings: Settings, ticket: Ticket, change: str, now: datetime) -> None:
    """Closed with evidence: ask how it went. Reopened: do not ask any more."""
    if change == "closed":
        plan(session, settings, ticket, now)
    elif change == "reopened":
        for survey in session.exec(
            select(Survey).where(Survey.ticket_id == ticket.id, col(Survey.state).in_(rules.WAITING))
        ).all():
            _end(session, survey, "cancelled", "reopened", now)


def plan(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> Survey | None:
    """One per complaint and cycle. None when there is no number, the customer must not be called, or one is planned."""
    assert ticket.id is not None
    if not ticket.contact_number:
        return None
    called = attempts.called(session, settings, ticket.contact_number, ticket.customer_id)
    planned = select(Survey.id).where(Survey.ticket_id == ticket.id, Survey.cycle == ticket.cycle)
    if called.do_not_call or session.exec(planned).first() is not None:
        return None
    survey = Survey(
        ticket_id=ticket.id,
        cycle=ticket.cycle,
        closing_call=ticket.evidence_call,
        agent_id=ticket.owner_id,
        customer_id=ticket.customer_id,
        number=ticket.contact_number,
        language=called.language,
        due_at=now + timedelta(seconds=settings.survey_delay),
        created_at=now,
    )
    _arm(session, survey, survey.due_at, now)
    return survey


def start(session: Session, settings: Settings, survey_id: int, now: datetime) -> PlaceSurvey | None:
    """Claim one attempt. None when there is nothing to dial now, or the gate refused (written down, tried again)."""
    survey, ticket = _hold(session, survey_id)
    if survey is None or ticket is None or survey.state != "due" or survey.due_at > now + EARLY:
        return None
    if ticket.state != "closed" or ticket.cycle != survey.cycle:
        _end(session, survey, "cancelled", "reopened", now)
        return None
    called = attempts.called(session, settings, survey.number, survey.customer_id)
    made = attempts.tries(session, KIND, survey_id, survey.created_at)
    verdict = may_call(
        survey.number,
        now,
        called.zone,
        attempts.rules(settings),
        do_not_call=called.do_not_call,
        attempts=len(made),
    )
    if not verdict.allowed:
        attempts.refuse(session, KIND, survey_id, survey.number, verdict.reason, now)
        if verdict.at is not None:
            _arm(session, survey, verdict.at, now)
        else:
            _end(session, survey, "given_up", verdict.reason, now)
        return None
    attempt = attempts.claim(session, KIND, survey_id, survey.number, now)
    survey.state, survey.attempts = "dialling", survey.attempts + 1
    _tell(session, survey, now)
    return PlaceSurvey(
        attempt=attempt.id,
        survey=survey_id,
        number=survey.number,
        language=survey.language,
        ticket=survey.ticket_id,
        customer=survey.customer_id or 0,
    )


def record(session: Session, desk: Desk, attempt_id: str, score: int, now: datetime) -> bool:
    """Keep a score, bound to call, agent and complaint; 1 and 2 reopen the complaint to its owner, all at once.

    Whether it was kept now: the same digit twice is one. The second low score in a row is told to the supervisor too.
    Raises InvalidInput.
    """
    if score not in rules.SCORES:
        raise InvalidInput(score="1 to 5")
    attempt = session.get(Attempt, attempt_id)
    survey, ticket = _hold(session, attempt.ref) if attempt and attempt.kind == KIND else (None, None)
    if attempt is None or survey is None or ticket is None or survey.state == "answered":
        return False
    survey.score, survey.answered_at = score, now
    survey.call_id = attempt.call_id or _call_of(session, attempt_id)
    _end(session, survey, "answered", "", now)
    held = desk.record(
        session,
        survey.ticket_id,
        "survey",
        now,
        call_id=survey.call_id,
        data={"score": score, "survey": survey.id},
    )
    held.score = score
    session.add(held)
    if rules.is_low(score) and held.state == "closed" and held.cycle == survey.cycle:
        _reopen(session, desk, held, survey, now)
    return True


def ended(session: Session, settings: Settings, attempt_id: str, now: datetime) -> bool:
    """Settle what an attempt led to; whether it was settled now. False while its end is not known, and behind it."""
    attempt = attempts.hold(session, attempt_id)
    end = attempts.ending(session, attempt) if attempt else None
    if attempt is None or end is None:
        return False
    attempts.finish(session, attempt, end, now)
    _settle(session, settings, attempt.ref, end, now)
    return True


def lost(session: Session, settings: Settings, attempt_id: str, now: datetime) -> None:
    """The end of an attempt was never learned: another one follows behind the gap."""
    attempt = attempts.hold(session, attempt_id)
    if attempt is not None:
        attempts.forget(session, attempt, now)
        _settle(session, settings, attempt.ref, attempts.Ending("unknown", "", 0.0, False, "us"), now)


def _settle(
    session: Session, settings: Settings, survey_id: int, end: attempts.Ending, now: datetime
) -> None:
    """Heard but not answered is an answer too: nobody is asked twice. Not reached is tried again by rule."""
    survey, _ = _hold(session, survey_id)
    if survey is None or survey.state != "dialling":
        return
    if end.outcome in ("answered", "conversation"):
        _end(session, survey, "given_up", "no_digit", now)
        return
    called = attempts.called(session, settings, survey.number, survey.customer_id)
    made = attempts.tries(session, KIND, survey_id, survey.created_at)
    at = next_try(now, called.zone, attempts.rules(settings), made)
    if at is None or attempts.placed(session, KIND, survey_id, survey.created_at) >= attempts.MOST:
        _end(session, survey, "given_up", end.outcome, now)
    else:
        survey.state, survey.outcome = "due", end.outcome
        _arm(session, survey, at, now)


def _reopen(session: Session, desk: Desk, ticket: Ticket, survey: Survey, now: datetime) -> None:
    """To the same owner; the second time in a row the supervisor hears of it too."""
    previous = session.exec(
        select(Survey.score).where(Survey.ticket_id == ticket.id, Survey.cycle == survey.cycle - 1)
    ).first()
    ticket = desk.reopen(session, ticket, None, f"survey: {survey.score}", now)
    told = {ticket.owner_id}
    if previous is not None and rules.is_low(previous):
        owner = session.get(User, ticket.owner_id)
        told |= {user.id for user in escalation.supervisors_of(session, owner) if user.id is not None}
    journal.notify(session, ticket, "survey", told, now)


def _hold(session: Session, survey_id: int) -> tuple[Survey | None, Ticket | None]:
    """The survey with its complaint, both locked: the complaint first, as everybody does who changes one."""
    found = session.get(Survey, survey_id)
    if found is None:
        return None, None
    ticket = journal.hold(session, found.ticket_id)
    return session.get(Survey, survey_id, populate_existing=True, with_for_update=True), ticket


def _call_of(session: Session, attempt_id: str) -> str:
    return session.exec(select(Call.id).where(Call.attempt == attempt_id)).first() or ""


def _arm(session: Session, survey: Survey, due: datetime, now: datetime) -> None:
    survey.due_at, survey.version = due, survey.version + 1
    session.add(survey)
    session.flush()
    timers.arm(session, TIMER, survey.id or 0, due)
    _tell(session, survey, now)


def _end(session: Session, survey: Survey, state: str, outcome: str, now: datetime) -> None:
    survey.state, survey.outcome, survey.version = state, outcome, survey.version + 1
    session.add(survey)
    timers.cancel(session, TIMER, survey.id or 0)
    _tell(session, survey, now)


def _tell(session: Session, survey: Survey, now: datetime) -> None:
    assert survey.id is not None
    db.tell(
        session,
        SurveyChanged(
            at=now.timestamp(),
            survey=survey.id,
            ticket=survey.ticket_id,
            state=survey.state,
            score=survey.score,
        ),
    )
