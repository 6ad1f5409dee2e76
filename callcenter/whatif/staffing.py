"""How many agents a half hour needs, by Erlang C and Erlang A side by side. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from callcenter.whatif.centre import HOUR, Centre, Times
from callcenter.whatif.erlang import Figures, agents_needed, erlang_a, erlang_c

FORMULAS = {
    "erlang_c": "Erlang C (M/M/c): nobody hangs up; level = 1 - C exp(-(c/AHT - rate) T)",
    "erlang_a": "Erlang A (M/M/c+M): patience is exponential; level = answered within T / (answered + abandoned after "
    "more than 5 s)",
}


@dataclass(frozen=True, slots=True)
class Target:
    """`level` (0 to 1) of the calls `within` seconds, by agents who handle calls for at most `occupancy` (0 to 1) of
    their time."""

    level: float = 0.8
    within: float = 20.0
    occupancy: float = 1.0


@dataclass(frozen=True, slots=True)
class Need:
    """A period: `calls` in it with a mean `handling` time of seconds; what both formulas say. None: not with 10,000."""

    begins: str
    calls: float
    handling: float
    patience: float
    erlang_c: Figures | None
    erlang_a: Figures | None


def need(begins: str, calls: float, seconds: float, handling: float, patience: float, target: Target) -> Need:
    """The fewest agents for `calls` within `seconds`. `patience` infinite: Erlang A is Erlang C."""
    rate = calls / seconds
    if not rate or not handling:
        nobody = Figures(0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        return Need(begins, calls, handling, patience, nobody, nobody)
    load = rate * handling

    def by_c(agents: int) -> Figures:
        return erlang_c(agents, rate, handling, target.within)

    def by_a(agents: int) -> Figures:
        return erlang_a(agents, rate, handling, target.within, patience)

    most_busy = target.occupancy
    return Need(
        begins,
        calls,
        handling,
        patience,
        agents_needed(by_c, load, target.level, most_busy),
        agents_needed(by_a, load, target.level, most_busy),
    )


def of_centre(centre: Centre, begins: Sequence[str]) -> dict[str, Any]:
    """Each queue of a described centre, each period: the need beside who is there. Agents of several queues count in each:
    the formulas know one queue with agents of its own."""
    found: dict[str, Any] = {"formulas": FORMULAS}
    for queue in centre.queues:
        kinds = [one for one in centre.types if one.queue == queue.name]
        target = Target(queue.service_target, queue.service_level)
        rows = []
        for period, clock in enumerate(begins):
            rates = [one.rates[period] for one in kinds]
            calls = sum(rates) * centre.period / HOUR
            handling = [
                one.service[period].mean + (one.wrap_up[period].mean if one.wrap_up else 0.0) for one in kinds
            ]
            patience = [_mean(one.patience, period) for one in kinds]
            one = need(
                clock, calls, centre.period, _weighted(handling, rates), _weighted(patience, rates), target
            )
            there = sum(group.agents[period] for group in centre.groups if queue.name in group.queues)
            rows.append({"there": there, "needed": one})
        found[queue.name] = {"target": target, "periods": rows}
    return found


def _mean(times: list[Times] | None, period: int) -> float:
    return times[period].mean if times else math.inf


def _weighted(values: Sequence[float], weights: Sequence[float]) -> float:
    used = [(value, weight) for value, weight in zip(values, weights, strict=True) if weight]
    total = sum(weight for _, weight in used)
    return sum(value * weight for value, weight in used) / total if total else 0.0
