"""What the record saw of a queue, half hour by half hour: of a day, or of the same weekday over some weeks.

Half hours are by the clocks of the centre. In the night in which clocks go back, one of them is an hour long; in the one
in which they go forward, two are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, col, select

from callcenter.calls.life import SHORT
from callcenter.calls.models import Call
from callcenter.routing.models import QueueRow
from callcenter.whatif import recorded
from callcenter.whatif.engine import ABANDONED, ANSWERED
from callcenter.whatif.recorded import Past

HALF_HOUR = 1800
"""Seconds."""


@dataclass(slots=True)
class HalfHour:
    """Sums over the days: `seconds` that it lasted, `calls` that entered the queue in it, how many of them were answered,
    answered in time, and left after more than 5 s; `handling` of the answered ones and `present`, the time that agents
    who serve the queue were there, in seconds."""

    begins: str
    seconds: float = 0.0
    calls: int = 0
    answered: int = 0
    within: int = 0
    abandoned: int = 0
    handling: float = 0.0
    present: float = 0.0

    @property
    def level(self) -> float | None:
        """The service level that was: answered within T / (answered + abandoned after more than 5 s)."""
        ended = self.answered + self.abandoned
        return self.within / ended if ended else None


@dataclass(slots=True)
class Seen:
    """`days`: those on which the queue had a call. `waited`: seconds that all callers of the queue waited, `left`: how
    many of them hung up: callers leave with the rate left / waited while it is the same at all times (the maximum of
    likelihood for exponential patience of which some is censored by the answer)."""

    days: list[date] = field(default_factory=list)
    halves: dict[str, HalfHour] = field(default_factory=dict)
    waited: float = 0.0
    left: int = 0

    @property
    def patience(self) -> float | None:
        """Mean, seconds; None when nobody ever left."""
        return self.waited / self.left if self.left else None

    @property
    def handling(self) -> float:
        """Mean of all answered calls, seconds; 0 without any."""
        answered = sum(half.answered for half in self.halves.values())
        return sum(half.handling for half in self.halves.values()) / answered if answered else 0.0


def seen(session: Session, queue: str, days: Sequence[date], zone: ZoneInfo, within: float) -> Seen:
    """The days' calls of the queue; `within`: T of the service level, seconds. Days without a call of it are left out."""
    found = Seen()
    for day in days:
        calls = recorded.calls(session, day, zone)
        if any(call.queue == queue for call in calls):
            found.days.append(day)
            _add(found, queue, calls, clocks(day, zone), within)
    found.halves = dict(sorted(found.halves.items()))
    return found


def clocks(day: date, zone: ZoneInfo) -> list[str]:
    """What the clocks say at the begin of each half hour of a day: 46, 48 or 50 of them."""
    begins, ends = recorded.midnight(day, zone), recorded.midnight(day + timedelta(days=1), zone)
    count = int((ends - begins).total_seconds()) // HALF_HOUR
    starts = (begins + timedelta(seconds=HALF_HOUR * place) for place in range(count))
    return [f"{at.astimezone(zone):%H:%M}" for at in starts]


def queues(session: Session) -> list[str]:
    """Those that are kept, and those of recorded calls alone; each name of the index is leapt to."""
    found = set(session.exec(select(QueueRow.name)))
    name: str | None = ""
    while (name := session.scalar(select(func.min(Call.queue)).where(col(Call.queue) > name))) is not None:
        found.add(name)
    return sorted(found)


def last_day(session: Session, queue: str, before: date, zone: ZoneInfo) -> date | None:
    """The last day before one on which the queue had a call."""
    at: datetime | None = session.scalar(
        select(col(Call.started_at))
        .where(col(Call.queue) == queue, col(Call.queued_at).is_not(None), col(Call.direction) == "in")
        .where(col(Call.started_at) < recorded.midnight(before, zone))
        .order_by(col(Call.started_at).desc())
        .limit(1)
    )
    return at.astimezone(zone).date() if at else None


def _add(found: Seen, queue: str, calls: Sequence[Past], names: list[str], within: float) -> None:
    for name in names:
        found.halves.setdefault(name, HalfHour(name)).seconds += HALF_HOUR
    for call in calls:
        if call.queue == queue:
            half = found.halves[names[min(int(call.queued // HALF_HOUR), len(names) - 1)]]
            _count(half, call, within)
            found.waited += call.waited
            found.left += call.outcome == ABANDONED
    for agent in recorded.agents(calls):
        if queue in agent.queues:
            _be(found, names, agent.begins, agent.ends, 1)
            for begins, seconds in agent.breaks:
                _be(found, names, begins, begins + seconds, -1)


def _count(half: HalfHour, call: Past, within: float) -> None:
    half.calls += 1
    if call.outcome == ANSWERED:
        half.answered += 1
        half.within += call.waited <= within
        half.handling += call.busy
    elif call.outcome == ABANDONED:
        half.abandoned += call.waited > SHORT


def _be(found: Seen, names: list[str], begins: float, ends: float, sign: int) -> None:
    """Count an agent as there (or away) from `begins` to `ends`, seconds since midnight."""
    for place in range(int(begins // HALF_HOUR), len(names)):
        start = place * HALF_HOUR
        if start >= ends:
            return
        found.halves[names[place]].present += sign * (min(ends, start + HALF_HOUR) - max(begins, start))
