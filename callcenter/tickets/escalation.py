"""Levels: who is told that a complaint is late. A level adds watchers, never another owner.

Fired late after a down time, only the highest due level is sent; the lower ones are recorded as coalesced.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from callcenter import timers
from callcenter.hours.rules import is_open, next_opening
from callcenter.people import desk as people
from callcenter.people.models import Department, User
from callcenter.settings import Settings
from callcenter.tickets import clocks, journal, timekeeping
from callcenter.tickets.models import Clock, Notice, Ticket
from callcenter.tickets.rules import OPEN, SEVERE

MAIL_HOURS = "office"
"""Calendar of mail that is not urgent."""


def fire(session: Session, settings: Settings, clock_id: int, now: datetime) -> list[Notice]:
    """Send the highest level that is due and was not sent; arm the next. Running twice sends nothing twice."""
    found = session.get(Clock, clock_id)
    ticket = journal.hold(session, found.ticket_id) if found else None
    if found is None or ticket is None:
        return []
    clock = session.get(Clock, clock_id, populate_existing=True)
    assert clock is not None
    if clock.state != "running" or ticket.state not in OPEN:
        timers.cancel(session, timekeeping.TIMER, clock_id)
        return []
    known = timekeeping.levels(session, settings, ticket, clock)
    due = [level for level in known if clock.level < level.number and level.at <= now]
    made = _climb(session, settings, ticket, clock, due, now) if due else []
    timekeeping.schedule(session, settings, ticket, clock, now)
    return made


def recompute_open(session: Session, settings: Settings, now: datetime) -> int:
    """A policy or a calendar changed: every open complaint's clocks are computed again; how many complaints."""
    timekeeping.forget_calendars(session)
    ids = session.exec(select(Ticket.id).where(col(Ticket.state).in_(OPEN)).order_by(col(Ticket.id))).all()
    for ticket_id in ids:
        ticket = journal.hold(session, ticket_id or 0)
        if ticket is not None:
            timekeeping.recompute(session, settings, ticket, now)
    return len(ids)


def _climb(
    session: Session,
    settings: Settings,
    ticket: Ticket,
    clock: Clock,
    due: list[clocks.Level],
    now: datetime,
) -> list[Notice]:
    top = due[-1]
    if clock.due_at <= now and clock.breached_at is None:
        clock.breached_at, clock.breach_reason = clock.due_at, "late"
    made = [
        notice
        for level in due
        for notice in _notices(session, settings, ticket, clock, level, now, coalesced=level is not top)
    ]
    clock.level, ticket.level = top.number, max(ticket.level, top.number)
    session.add(ticket)
    session.flush()
    sent = [notice for notice in made if notice.state != "coalesced"]
    for notice in sent:
        if notice.channel == "page":
            journal.tell_notice(session, ticket, notice, now, clock.kind)
        else:
            timers.arm(session, "notice", notice.id or 0, _mail_at(session, settings, ticket, now))
    journal.write(
        session,
        ticket,
        "escalated",
        "",
        "system",
        now,
        data={
            "clock": clock.kind,
            "level": top.number,
            "due": top.at,
            "late_by": (now - top.at).total_seconds(),
            "told": sorted({journal.name_of(session, notice.recipient_id) for notice in sent}),
            "coalesced": [level.number for level in due[:-1]],
        },
    )
    return made


def _notices(
    session: Session,
    settings: Settings,
    ticket: Ticket,
    clock: Clock,
    level: clocks.Level,
    now: datetime,
    coalesced: bool,
) -> list[Notice]:
    """One to each recipient and channel that has none of this clock, epoch and level yet."""
    assert ticket.id is not None
    assert clock.id is not None
    known = {
        (recipient, channel)
        for recipient, channel in session.execute(
            select(Notice.recipient_id, Notice.channel).where(
                Notice.clock_id == clock.id, Notice.epoch == clock.epoch, Notice.level == level.number
            )
        )
    }
    made = []
    for user in _recipients(session, ticket, level.number, now):
        assert user.id is not None
        for channel in ("page", "mail") if settings.smtp and user.email and not coalesced else ("page",):
            if (user.id, channel) in known:
                continue
            state = "coalesced" if coalesced else "sent" if channel == "page" else "pending"
            made.append(
                Notice(
                    ticket_id=ticket.id,
                    clock_id=clock.id,
                    epoch=clock.epoch,
                    level=level.number,
                    recipient_id=user.id,
                    channel=channel,
                    state=state,
                    due_at=level.at,
                    detected_at=now,
                    late_by=max(0.0, (now - level.at).total_seconds()),
                    sent_at=now if state == "sent" else None,
                )
            )
    session.add_all(made)
    return made


def _recipients(session: Session, ticket: Ticket, level: int, now: datetime) -> list[User]:
    """1 owner and deputy; 2 also the supervisor; 3 also the head of the department; 4 also everybody in charge."""
    owner = session.get(User, ticket.owner_id)
    acting = ticket.acting_until is not None and now < ticket.acting_until
    found = [owner, session.get(User, ticket.acting_id) if acting and ticket.acting_id else None]
    if level >= 2:
        found += supervisors_of(session, owner)
    if level >= 3 and owner is not None and owner.department_id is not None:
        department = session.get(Department, owner.department_id)
        found.append(
            session.get(User, department.head_id) if department and department.head_id is not None else None
        )
    if level >= 4:
        found += people.supervisors(session)
    return _active(found)


def supervisors_of(session: Session, user: User | None) -> list[User]:
    """A user's own supervisor, else all of them: a level always reaches somebody."""
    own = session.get(User, user.supervisor_id) if user and user.supervisor_id else None
    return [own] if own is not None and own.active else people.supervisors(session)


def _active(found: Iterable[User | None]) -> list[User]:
    return list({user.id: user for user in found if user is not None and user.active}.values())


def _mail_at(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> datetime:
    """Urgent mail goes at once, other mail in working hours."""
    if ticket.severity <= SEVERE:
        return now
    hours = timekeeping.hours_of(session, settings, MAIL_HOURS)
    return now if is_open(hours, now) else next_opening(hours, now)
