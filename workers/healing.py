"""What a lost job left undone: the store was wiped, or a job failed for good. SQL is the record, so it knows.

A timer that fired a while ago, whose subject still waits, is armed again. Each job looks at its row first, so that one
which was only slow changes nothing by running twice.
"""

from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, String, cast, or_
from sqlmodel import Session, col, select

from callcenter import timers
from callcenter.callbacks.models import Callback
from callcenter.outbound.models import Attempt
from callcenter.surveys.models import Survey
from callcenter.tickets.clocks import HIGHEST
from callcenter.tickets.models import Clock, Notice, Ticket
from callcenter.timers import JOBS, Timer

log = structlog.get_logger()

EVERY = 60
"""Seconds between two looks."""
PATIENCE = timedelta(minutes=3)
"""How long a job may wait in its queue."""
MOST = 500
ROUNDS = frozenset({"recordings"})
"""Kinds whose job arms its own timer again: one that stays fired was lost."""


def heal(session: Session, queue: str, now: datetime) -> int:
    """Arm again what this queue's jobs should have done; how much."""
    healed = 0
    for kind, (served, _) in JOBS.items():
        if served != queue:
            continue
        for ref in _undone(session, kind, now):
            timers.arm(session, kind, ref, now)
            healed += 1
    if healed:
        log.warning("lost jobs are run again", queue=queue, count=healed)
    return healed


def _undone(session: Session, kind: str, now: datetime) -> list[str]:
    fired = select(Timer.ref).where(
        Timer.kind == kind, Timer.state == "fired", col(Timer.fired_at) < now - PATIENCE
    )
    if kind not in ROUNDS:
        table, waits = _SUBJECTS[kind]
        fired = fired.join(table, col(Timer.ref) == cast(table.id, String)).where(waits)
    return list(session.exec(fired.limit(MOST)).all())


_SUBJECTS: dict[str, tuple[Any, ColumnElement[bool]]] = {
    "callback": (Callback, col(Callback.state) == "due"),
    "survey": (Survey, col(Survey.state) == "due"),
    "attempt": (Attempt, col(Attempt.state).in_(("claimed", "dialled"))),
    "notice": (Notice, col(Notice.state) == "pending"),
    "wake": (Ticket, col(Ticket.state) == "waiting_customer"),
    "clock": (
        Clock,
        (col(Clock.state) == "running")
        & or_(*((col(Clock.kind) == kind) & (col(Clock.level) < top) for kind, top in HIGHEST.items())),
    ),
}
"""Whose timer it is, and whether it still waits for its job."""
