"""A day as the record has it, read for a replay: its callers, and when which agent was there for them.

Who was signed in is not in a file of calls, so it is read from the calls: an agent is there from his first call of the day
to the end of his last, serves the queues whose calls he took, and was away (a break, wrap-up, other work) behind a call
for as long as somebody whom he could have served waited meanwhile.
"""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as wall
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import and_, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from callcenter.calls.models import AgentWork, Call, QueueVisit
from callcenter.errors import InvalidInput
from callcenter.routing.models import QueueRow
from callcenter.whatif.engine import ABANDONED, ANSWERED, DEFLECTED

OUTCOMES = {"answered": ANSWERED, "abandoned": ABANDONED, "short_abandon": ABANDONED}
"""Any other outcome of a call that entered a queue is that we sent the caller away."""
RING = 0.05
"""Quantile of the answered waits that is taken for the time a phone rings."""


@dataclass(frozen=True, slots=True)
class Past:
    """A call that entered `queue`: times in seconds since the local midnight; `outcome` as in `engine`."""

    queue: str
    queued: float
    waited: float
    outcome: int
    agent: str
    busy: float

    @property
    def answered(self) -> float:
        """When the agent had it."""
        return self.queued + self.waited


@dataclass(frozen=True, slots=True)
class Worked:
    """An agent's day: there from `begins` to `ends`; `breaks`: (from, seconds), each behind a call."""

    name: str
    queues: list[str]
    begins: float
    ends: float
    breaks: list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """`rings`: queue -> seconds that a phone rings before it is answered. `rules`: queue -> its row, None: not kept."""

    calls: list[Past]
    agents: list[Worked]
    rings: dict[str, float]
    rules: dict[str, QueueRow | None]


def read(session: Session, day: date, zone: ZoneInfo) -> RecordedDay:
    """The day by `zone`. Raises InvalidInput (`day`) when no call of it entered a queue."""
    found = calls(session, day, zone)
    if not found:
        raise InvalidInput(day=f"no call of {day.isoformat()} entered a queue")
    known = {row.name: row for row in session.exec(select(QueueRow)).all()}
    rules = {name: known.get(name) for name in sorted({call.queue for call in found})}
    return RecordedDay(found, agents(found), rings(found), rules)


def calls(session: Session, day: date, zone: ZoneInfo) -> list[Past]:
    """Who came to a queue on the day, of all queues, in the order in which they did; of calls that have ended. A call that
    went on to another queue, by overflow or by transfer, came there too, as figures count it: each time with what that
    queue's agents spent on it."""
    begins, ends = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    spent = (
        columns(
            col(AgentWork.call_id),
            col(AgentWork.queue),
            func.sum(col(AgentWork.talk_ms) + col(AgentWork.hold_ms) + col(AgentWork.wrap_up_ms)).label("ms"),
        )
        .where(col(AgentWork.call_id).in_(_came(columns(col(QueueVisit.call_id)), begins, ends)))
        .group_by(col(AgentWork.call_id), col(AgentWork.queue))
        .subquery()
    )
    visits = columns(
        *(getattr(QueueVisit, name) for name in ("queue", "offered_at", "waited_ms", "outcome", "agent")),
        func.coalesce(spent.c.ms, 0).label("busy_ms"),
    )
    visits = visits.join(Call, col(Call.id) == QueueVisit.call_id).where(col(Call.outcome) != "")
    visits = visits.outerjoin(
        spent, and_(spent.c.call_id == QueueVisit.call_id, spent.c.queue == QueueVisit.queue)
    )
    rows = session.execute(
        _came(visits, begins, ends).order_by(col(QueueVisit.offered_at), col(QueueVisit.call_id))
    )
    return [_past(row, begins) for row in rows]


def _came(visits: Any, begins: datetime, ends: datetime) -> Any:
    return visits.where(col(QueueVisit.offered_at) >= begins, col(QueueVisit.offered_at) < ends)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day where the centre is, in UTC."""
    return datetime.combine(day, wall(), zone).astimezone(UTC)


def rings(calls: Sequence[Past]) -> dict[str, float]:
    """Queue -> seconds that a phone rings before it is answered."""
    waits: dict[str, list[float]] = {call.queue: [] for call in calls}
    for call in calls:
        if call.outcome == ANSWERED:
            waits[call.queue].append(call.waited)
    return {name: sorted(one)[int(RING * len(one))] if one else 0.0 for name, one in waits.items()}


def agents(calls: Sequence[Past]) -> list[Worked]:
    """Who answered, by name."""
    mine: dict[str, list[Past]] = {}
    for call in calls:
        if call.outcome == ANSWERED:
            mine.setdefault(call.agent, []).append(call)
    sought = _Sought(calls)
    return [_worked(name, taken, sought) for name, taken in sorted(mine.items())]


def _past(row: Any, begins: datetime) -> Past:
    return Past(
        row.queue,
        (row.offered_at - begins).total_seconds(),
        row.waited_ms / 1000,
        OUTCOMES.get(row.outcome, DEFLECTED),
        row.agent,
        int(row.busy_ms) / 1000,
    )


class _Sought:
    """Who waited when, and who could have served them. `longest`: seconds; nobody who matters waited longer."""

    def __init__(self, calls: Sequence[Past]) -> None:
        self.calls = calls
        self.rings = rings(calls)
        self.longest = min(3600.0, max((call.waited for call in calls), default=0.0))
        self._of: dict[tuple[str, ...], tuple[list[Past], list[float]]] = {}

    def until(self, queues: Sequence[str], free: float, behind: float) -> float:
        """Until when somebody of these queues waited between two instants; `free` when nobody did."""
        key = tuple(queues)
        if key not in self._of:
            could = [call for call in self.calls if call.queue in queues]
            self._of[key] = could, [call.queued for call in could]
        could, arrivals = self._of[key]
        until = free
        for call in could[bisect_right(arrivals, free - self.longest) : bisect_right(arrivals, behind)]:
            waits_until = min(call.answered - self.rings[call.queue], behind)
            if waits_until > max(free, call.queued):
                until = max(until, waits_until)
        return until


def _worked(name: str, taken: list[Past], sought: _Sought) -> Worked:
    taken = sorted(taken, key=lambda call: call.answered)
    queues = sorted({call.queue for call in taken})
    breaks = []
    for before, behind in itertools.pairwise(taken):
        free = before.answered + before.busy
        until = sought.until(queues, free, behind.answered)
        if until > free:
            breaks.append((free, until - free))
    last = taken[-1]
    return Worked(name, queues, taken[0].queued, last.answered + last.busy, breaks)
