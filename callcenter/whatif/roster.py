"""A queue's half hours beside what Erlang C and Erlang A ask for and what they expect of the agents who were there. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from callcenter.whatif.erlang import Figures, erlang_a, erlang_c
from callcenter.whatif.halfhours import HALF_HOUR, HalfHour, Seen
from callcenter.whatif.staffing import Target, need


@dataclass(frozen=True, slots=True)
class Wish:
    """`shrinkage`: the share of paid time in which an agent takes no calls (breaks, training, illness), 0 to below 1;
    `patience`: mean seconds, infinite: nobody leaves; `more`: agents beside those that were there, may be negative."""

    target: Target
    shrinkage: float
    patience: float
    more: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """What one formula asks for: `agents` who take calls, `rostered` with shrinkage, and what the former give."""

    agents: int
    rostered: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Expected:
    """What `agents` give by each formula; None where no call came."""

    agents: int
    erlang_c: Figures | None
    erlang_a: Figures | None


@dataclass(frozen=True, slots=True)
class Period:
    """A half hour of a day, in the mean over the days. `calls`: how many came; `handling`: mean seconds, of the whole day
    where nobody was answered (`guessed`); `load`: erlangs; `level`: what happened; `there`: agents, in the mean of the
    time; the needs are None when 10,000 agents do not suffice or nothing is known of the handling time."""

    begins: str
    calls: float
    handling: float
    guessed: bool
    load: float
    level: float | None
    there: float
    erlang_c: Asked | None
    erlang_a: Asked | None
    expected: Expected


def periods(seen: Seen, wish: Wish) -> list[Period]:
    """From the first half hour to the last in which somebody called or was there."""
    busy = [half.calls > 0 or half.present > 0 for half in seen.halves.values()]
    if not any(busy):
        return []
    first, last = busy.index(True), len(busy) - busy[::-1].index(True)
    halves = list(seen.halves.values())[first:last]
    return [_period(half, seen.handling, wish) for half in halves]


@dataclass(frozen=True, slots=True)
class Total:
    """Of the day, in the mean over the days: `level` what happened; hours of agents who were there, whom each formula
    asks for and puts on the roster, and of `expected`; levels that those give, each half hour weighted by its calls."""

    calls: float
    level: float | None
    there: float
    erlang_c: float
    erlang_a: float
    rostered_c: float
    rostered_a: float
    expected: float
    level_c: float | None
    level_a: float | None


def total(seen: Seen, rows: Sequence[Period]) -> Total:
    """Of all half hours."""
    halves, days = seen.halves.values(), max(1, len(seen.days))
    ended = sum(half.answered + half.abandoned for half in halves)
    by_c, by_a = [row.erlang_c for row in rows], [row.erlang_a for row in rows]
    return Total(
        calls=sum(half.calls for half in halves) / days,
        level=sum(half.within for half in halves) / ended if ended else None,
        there=math.fsum(half.present for half in halves) / days / 3600,
        erlang_c=sum(one.agents for one in by_c if one) / 2,
        erlang_a=sum(one.agents for one in by_a if one) / 2,
        rostered_c=sum(one.rostered for one in by_c if one) / 2,
        rostered_a=sum(one.rostered for one in by_a if one) / 2,
        expected=sum(row.expected.agents for row in rows) / 2,
        level_c=_weighted([(row.calls, row.expected.erlang_c) for row in rows]),
        level_a=_weighted([(row.calls, row.expected.erlang_a) for row in rows]),
    )


def rostered(agents: int, shrinkage: float) -> int:
    """Who must be paid so that so many take calls: agents / (1 - shrinkage), rounded up."""
    return math.ceil(agents / (1 - shrinkage) - 1e-9)


def _period(half: HalfHour, usual: float, wish: Wish) -> Period:
    handling = half.handling / half.answered if half.answered else usual
    rate = half.calls / half.seconds
    there = half.present / half.seconds
    asked = need(half.begins, half.calls, half.seconds, handling, wish.patience, wish.target)
    known = bool(half.calls and handling)
    open_then = half.calls > 0 or half.present > 0
    there_then = max(0, math.floor(there + 0.5) + wish.more) if open_then else 0
    within = wish.target.within
    return Period(
        begins=half.begins,
        calls=rate * HALF_HOUR,
        handling=handling if half.calls else 0.0,
        guessed=bool(half.calls and not half.answered),
        load=rate * handling,
        level=half.level,
        there=there,
        erlang_c=_asked(asked.erlang_c, wish.shrinkage) if known or not half.calls else None,
        erlang_a=_asked(asked.erlang_a, wish.shrinkage) if known or not half.calls else None,
        expected=Expected(
            there_then,
            erlang_c(there_then, rate, handling, within) if known else None,
            erlang_a(there_then, rate, handling, within, wish.patience) if known else None,
        ),
    )


def _asked(figures: Figures | None, shrinkage: float) -> Asked | None:
    return Asked(figures.agents, rostered(figures.agents, shrinkage), figures) if figures else None


def _weighted(levels: Sequence[tuple[float, Figures | None]]) -> float | None:
    known = [(calls, figures.level) for calls, figures in levels if figures]
    return (
        math.fsum(calls * level for calls, level in known) / math.fsum(c for c, _ in known) if known else None
    )
