"""A day as the record has it, read for a replay: its callers, and when which agent was there for them.

Who was signed in is not in a file of calls, so it is read from the calls: an agent is there from his first call of the day
to the end of his last, serves the queues whose calls he took, and was away (a break, wrap-up, other work) behind a call
for as long as somebody whom he could have served waited meanwhile.
"""

import itertools
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as wall
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from callcenter.calls.models import Call
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
    midnight = datetime.combine(day, wall(), zone)
    after = datetime.combine(day + timedelta(days=1), wall(), zone)
    rows = session.exec(
        select(Call)
        .where(col(Call.started_at) >= midnight, col(Call.started_at) < after, col(Call.direction) == "in")
        .where(col(Call.queued_at).is_not(None), col(Call.queue) != "", col(Call.outcome) != "")
        .order_by(col(Call.queued_at), col(Call.id))
    ).all()
    if not rows:
        raise InvalidInput(day=f"no call of {day.isoformat()} entered a queue")
    calls = [_past(row, midnight) for row in rows]
    names = {call.queue for call in calls}
    known = {row.name: row for row in session.exec(select(QueueRow)).all()}
    rings = {
        name: _ring([call.waited for call in calls if call.queue == name and call.outcome == ANSWERED])
        for name in names
    }
    return RecordedDay(calls, agents(calls, rings), rings, {name: known.get(name) for name in sorted(names)})


def agents(calls: Sequence[Past], rings: dict[str, float]) -> list[Worked]:
    """Who answered, by name."""
    mine: dict[str, list[Past]] = {}
    for call in calls:
        if call.outcome == ANSWERED:
            mine.setdefault(call.agent, []).append(call)
    return [_worked(name, taken, calls, rings) for name, taken in sorted(mine.items())]


def _past(row: Call, midnight: datetime) -> Past:
    queued = row.queued_at or row.started_at
    return Past(
        row.queue,
        (queued - midnight).total_seconds(),
        row.waited,
        OUTCOMES.get(row.outcome, DEFLECTED),
        row.agent,
        row.talk + row.hold + row.wrap_up,
    )


def _ring(waits: list[float]) -> float:
    return sorted(waits)[int(RING * len(waits))] if waits else 0.0


def _worked(name: str, taken: list[Past], calls: Sequence[Past], rings: dict[str, float]) -> Worked:
    taken = sorted(taken, key=lambda call: call.answered)
    queues = sorted({call.queue for call in taken})
    could = [call for call in calls if call.queue in queues]
    arrivals = [call.queued for call in could]
    breaks = []
    for before, behind in itertools.pairwise(taken):
        free = before.answered + before.busy
        until = free
        # Nobody is sought who came behind the next answer; an hour of waiting is longer than any that matters.
        for call in could[bisect_right(arrivals, free - 3600) : bisect_right(arrivals, behind.answered)]:
            waits_until = min(call.answered - rings[call.queue], behind.answered)
            if waits_until > max(free, call.queued):
                until = max(until, waits_until)
        if until > free:
            breaks.append((free, until - free))
    last = taken[-1]
    return Worked(name, queues, taken[0].queued, last.answered + last.busy, breaks)
