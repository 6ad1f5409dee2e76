"""The clocks of a complaint as rows: armed, paused, resumed, finished, computed again; their timers with them.

Every function runs in the transaction that changes the complaint, behind `journal.take` or `hold`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from callcenter import timers
from callcenter.errors import WrongState
from callcenter.hours import calendars
from callcenter.hours.rules import Hours, add_working, always
from callcenter.settings import Settings
from callcenter.tickets import clocks
from callcenter.tickets.clocks import Segment, Target
from callcenter.tickets.models import Clock, ClockSegment, Policy, Ticket

TIMER = "clock"


class NoPolicy(WrongState):
    """No policy is kept for this severity."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One clock, looked at now. Seconds of working time; `left` is negative behind the target."""

    elapsed: float
    left: float
    overdue: bool


def arm(
    session: Session,
    settings: Settings,
    ticket: Ticket,
    kind: str,
    start: datetime,
    now: datetime,
    before: float = 0.0,
    met_at: datetime | None = None,
) -> Clock:
    """A clock of this cycle, running since `start`, with what earlier cycles used up; `met_at`: met already."""
    assert ticket.id is not None
    policy = policy_of(session, ticket.severity)
    seconds = _seconds(policy, kind) * settings.clock_scale
    clock = Clock(
        ticket_id=ticket.id,
        cycle=ticket.cycle,
        kind=kind,
        started_at=start,
        target=seconds,
        due_at=start,
        elapsed_before=before,
        policy=_snapshot(policy, settings),
    )
    session.add(clock)
    session.flush()
    _segment(session, clock, "running", start, "")
    if met_at is None:
        schedule(session, settings, ticket, clock, now)
    else:
        clock.due_at = add_working(hours_of(session, settings, policy.calendar), start, seconds).at
        end(session, clock, met_at)
    return clock


def of_ticket(session: Session, ticket: Ticket, kinds: Collection[str] = clocks.KINDS) -> list[Clock]:
    """Clocks of this cycle."""
    return list(
        session.exec(
            select(Clock)
            .where(Clock.ticket_id == ticket.id, Clock.cycle == ticket.cycle, col(Clock.kind).in_(kinds))
            .order_by(col(Clock.id))
        )
    )


def pause(session: Session, settings: Settings, ticket: Ticket, reason: str, now: datetime) -> None:
    """The customer has to answer: resolution and keep-informed stand still. First response never does."""
    for clock in of_ticket(session, ticket, ("keep_informed", "resolution")):
        if clock.state == "running":
            _turn(session, clock, "paused", reason, now)
            schedule(session, settings, ticket, clock, now)


def resume(session: Session, settings: Settings, ticket: Ticket, reason: str, now: datetime) -> None:
    """They run again; their targets moved."""
    for clock in of_ticket(session, ticket):
        if clock.state == "paused":
            _turn(session, clock, "running", reason, now)
            schedule(session, settings, ticket, clock, now)


def informed(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> None:
    """The customer heard from us: first response is met, keep-informed starts again."""
    for clock in of_ticket(session, ticket, ("first_response", "keep_informed")):
        if clock.kind == "first_response":
            end(session, clock, now)
        elif clock.state == "running":
            late = " late" if clock.due_at <= now else ""
            _turn(session, clock, "running", f"customer informed{late}", now)
            clock.started_at = now
            schedule(session, settings, ticket, clock, now)


def end(session: Session, clock: Clock, at: datetime, state: str = "met") -> None:
    """Finish a clock for good: `met` (or `breached` when late), `cancelled`. Nothing when it is finished."""
    if clock.state not in ("running", "paused"):
        return
    if state == "met" and clock.state == "running" and clock.breached_at is None and at > clock.due_at:
        clock.breached_at, clock.breach_reason = clock.due_at, "late"
    if state == "met":
        clock.met_at = at
    clock.state = "breached" if state == "met" and clock.breached_at else state
    for segment in _rows(session, clock):
        if segment.ended_at is None:
            segment.ended_at = max(at, segment.started_at)
            session.add(segment)
    timers.cancel(session, TIMER, clock.id or 0)
    session.add(clock)


def finish(session: Session, ticket: Ticket, now: datetime, state: str = "met") -> None:
    """The complaint ends: so do all its clocks."""
    for clock in of_ticket(session, ticket):
        end(session, clock, now, state)
    ticket.due_at = None


def recompute(session: Session, settings: Settings, ticket: Ticket, now: datetime) -> None:
    """Policy, severity or calendar changed: replay the segments from the original start, pauses kept.

    What becomes late by that is breached at this moment, reason `policy_change`. Finished clocks stay as they are.
    """
    policy = policy_of(session, ticket.severity)
    for clock in of_ticket(session, ticket):
        if clock.state not in ("running", "paused"):
            continue
        was_late = clock.state == "running" and clock.due_at <= now
        clock.target = _seconds(policy, clock.kind) * settings.clock_scale
        clock.policy = _snapshot(policy, settings)
        schedule(session, settings, ticket, clock, now)
        if clock.state == "running" and clock.due_at <= now and not was_late and clock.breached_at is None:
            clock.breached_at, clock.breach_reason = now, "policy_change"


def schedule(session: Session, settings: Settings, ticket: Ticket, clock: Clock, now: datetime) -> None:
    """Compute the due date and arm the timer of the next level. The epoch grows when the target moved."""
    segments, target = ledger(session, clock), target_of(session, settings, clock)
    known = clocks.levels(clock.kind, ticket.severity, segments, target, target.hours)
    due = clocks.reaches(segments, target, target.seconds)
    if due is not None and (due.at != clock.due_at or due.provisional != clock.provisional):
        clock.epoch += bool(clock.due_at != clock.started_at)
        clock.due_at, clock.provisional = due.at, due.provisional
        clock.level = min(clock.level, clocks.reached(known, now))
    clock.state = "paused" if clocks.paused(segments) else "running"
    level = clocks.next_level(known, clock.level)
    if level is not None and clock.state == "running":
        timers.arm(session, TIMER, clock.id or 0, level.at)
    else:
        timers.cancel(session, TIMER, clock.id or 0)
    if clock.kind == "resolution":
        ticket.due_at = clock.due_at if clock.state == "running" else None
        session.add(ticket)
    session.add(clock)


def levels(session: Session, settings: Settings, ticket: Ticket, clock: Clock) -> list[clocks.Level]:
    """Levels of a clock whose instants are known."""
    target = target_of(session, settings, clock)
    return clocks.levels(clock.kind, ticket.severity, ledger(session, clock), target, target.hours)


def read(session: Session, settings: Settings, clock: Clock, now: datetime) -> Reading:
    """What the clock shows; of a finished one, what it showed at its end."""
    target = target_of(session, settings, clock)
    used = clocks.elapsed(ledger(session, clock), target, now)
    live = clock.state == "running"
    return Reading(used, clock.target - used, clock.breached_at is not None or (live and clock.due_at <= now))


def elapsed(session: Session, settings: Settings, clock: Clock, now: datetime) -> float:
    """Working seconds, those of earlier cycles included: what a reopened complaint carries over."""
    return clocks.elapsed(ledger(session, clock), target_of(session, settings, clock), now)


def ledger(session: Session, clock: Clock) -> list[Segment]:
    """Segments since the clock's start (keep-informed starts again at each contact)."""
    return [
        Segment(row.state, row.started_at, row.ended_at)
        for row in _rows(session, clock)
        if row.started_at >= clock.started_at
    ]


def target_of(session: Session, settings: Settings, clock: Clock) -> Target:
    """The target that the clock's snapshot names, on the calendar as it is now."""
    hours = hours_of(session, settings, str(clock.policy["calendar"]))
    return Target(clock.target, hours, clock.elapsed_before, settings.clock_scale)


def hours_of(session: Session, settings: Settings, name: str) -> Hours:
    """The named calendar. Policies that are scaled (demo, tests: in seconds) run round the clock."""
    if settings.clock_scale != 1.0:
        return always(settings.home_zone)
    known: dict[str, Hours] = session.info.setdefault("calendars", {})
    if name not in known:
        known[name] = calendars.load(session, name)
    return known[name]


def forget_calendars(session: Session) -> None:
    """Read them again: a session keeps what it has read, and a transaction that edits one has to see it."""
    session.info.pop("calendars", None)


def policy_of(session: Session, severity: int) -> Policy:
    """Targets of a severity. Raises NoPolicy."""
    policy = session.get(Policy, severity)
    if policy is None:
        raise NoPolicy
    return policy


def _turn(session: Session, clock: Clock, state: str, reason: str, now: datetime) -> None:
    """End the present segment and begin another."""
    for row in _rows(session, clock):
        if row.ended_at is None:
            row.ended_at = max(now, row.started_at)
            session.add(row)
    _segment(session, clock, state, now, reason)


def _segment(session: Session, clock: Clock, state: str, start: datetime, reason: str) -> None:
    assert clock.id is not None
    session.add(ClockSegment(clock_id=clock.id, state=state, started_at=start, reason=reason))
    session.flush()


def _rows(session: Session, clock: Clock) -> list[ClockSegment]:
    return list(
        session.exec(
            select(ClockSegment).where(ClockSegment.clock_id == clock.id).order_by(col(ClockSegment.id))
        )
    )


def _seconds(policy: Policy, kind: str) -> float:
    return float(
        {
            "first_response": policy.first_response,
            "keep_informed": policy.keep_informed,
            "resolution": policy.resolution,
        }[kind]
    )


def _snapshot(policy: Policy, settings: Settings) -> dict[str, str | float | int]:
    return {
        "severity": policy.severity,
        "calendar": policy.calendar,
        "version": policy.version,
        "scale": settings.clock_scale,
    }
