"""A described centre for many days, on all cores; the same seed gives the same days, however many cores there are."""

import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from callcenter.whatif import staffing
from callcenter.whatif.centre import HOUR, CallType, Centre, Times
from callcenter.whatif.engine import Caller, Day, Seat, Serving, Shift
from callcenter.whatif.tally import Figures, Periods, Tally, clock, count

_BATCH = 10
"""Days that a core is given at once."""

FORMULAS = {
    "service_level": "answered within T / (answered + abandoned after more than 5 s)",
    "abandon_rate": "(abandoned + short_abandon) / offered",
    "asa": "mean wait of the answered, s",
    "wait": "mean wait of all offered, s",
    "wait_p90": "mean over days of the day's 90th percentile of the wait until the answer, s",
    "occupancy": "handling time / time signed in",
    "intervals": "95 %, ratio estimator over independent days",
}


def simulate(centre: Centre, days: int, seed: int, cores: int | None = None) -> dict[str, Any]:
    """The report of `callcenter simulate`, as JSON takes it."""
    figures = Figures(list(run(centre, days, seed, cores)))
    return {"days": days, "seed": seed, "formulas": FORMULAS, **_report(centre, figures)}


def run(centre: Centre, days: int, seed: int, cores: int | None = None) -> Iterator[Tally]:
    """The days in their order."""
    seeds = np.random.SeedSequence(seed).spawn(days)
    cores = min(cores or len(os.sched_getaffinity(0)), math.ceil(days / _BATCH))
    if cores == 1:
        yield from _days(centre, seeds)
        return
    batches = [seeds[start : start + _BATCH] for start in range(0, days, _BATCH)]
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        for tallies in pool.map(_days, [centre] * len(batches), batches):
            yield from tallies


def _days(centre: Centre, seeds: list[np.random.SeedSequence]) -> list[Tally]:
    return [one_day(centre, np.random.default_rng(seed)) for seed in seeds]


def one_day(centre: Centre, dice: Generator) -> Tally:
    """A day's counts."""
    queues = [
        Serving(
            queue.name,
            queue.strategy,
            queue.rings,
            _places(centre, queue.order),
            max_length=queue.max_length,
            max_wait=queue.max_wait,
        )
        for queue in centre.queues
    ]
    seats, shifts = staffed(centre)
    callers = arrivals(centre, dice)
    Day(queues, seats, shifts, callers).run()
    levels = {queue.name: queue.service_level for queue in centre.queues}
    within = [levels[one.queue] for one in centre.types]
    return count(
        callers, seats, Periods(centre.opens, centre.period, centre.periods), within, len(centre.groups)
    )


def arrivals(centre: Centre, dice: Generator) -> list[Caller]:
    """A day's callers in order: Poisson in each period, all rates times the day's own busyness."""
    factor = dice.gamma(centre.busyness, 1 / centre.busyness) if centre.busyness else 1.0
    priorities = {queue.name: queue.priority for queue in centre.queues}
    drawn = [_of_type(centre, one, factor, dice) for one in centre.types]
    at = np.concatenate([one[0] for one in drawn])
    order = np.argsort(at, kind="stable")
    kinds = np.repeat(np.arange(len(drawn)), [len(one[0]) for one in drawn])[order].tolist()
    times = [np.concatenate([one[column] for one in drawn])[order].tolist() for column in range(4)]
    queues = [one.queue for one in centre.types]
    return [
        Caller(
            f"{number:07}",
            queue := queues[kind],
            begins,
            begins,
            kind,
            patience,
            talk,
            wrap_up,
            priorities[queue],
        )
        for number, (kind, begins, talk, wrap_up, patience) in enumerate(zip(kinds, *times, strict=True))
    ]


def _of_type(
    centre: Centre, kind: CallType, factor: float, dice: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Arrival, talk, wrap-up and patience of a type's callers, in no order; the warm-up is like the first period."""
    lengths = np.array([centre.warm_up, *[centre.period] * centre.periods])
    starts = np.array(
        [centre.opens - centre.warm_up, *(centre.opens + centre.period * np.arange(centre.periods))]
    )
    rates = np.array([kind.rates[0], *kind.rates])
    counts = dice.poisson(factor * rates * lengths / HOUR)
    period = np.repeat(np.arange(len(counts)), counts)
    at = starts[period] + lengths[period] * dice.random(len(period))
    row = np.maximum(period - 1, 0)
    none = np.zeros(len(period))
    wrap_up = _draw(kind.wrap_up, row, dice) if kind.wrap_up else none
    patience = _draw(kind.patience, row, dice) if kind.patience else none + math.inf
    return at, _draw(kind.service, row, dice), wrap_up, patience


def _draw(times: list[Times], row: NDArray[np.int64], dice: Generator) -> NDArray[np.float64]:
    """Exponential times a mean, or lognormal: exp(s z - s^2 / 2) times the mean, s^2 = ln(1 + cv^2)."""
    means: NDArray[np.float64] = np.array([one.mean for one in times])[row]
    exponential = np.array([one.distribution == "exponential" for one in times])
    unit: NDArray[np.float64] = dice.exponential(1.0, len(row))
    if not exponential.all():
        spread = np.sqrt(np.log1p(np.array([one.cv for one in times]) ** 2))[row]
        lognormal = np.exp(spread * dice.standard_normal(len(row)) - spread**2 / 2)
        unit = np.where(exponential[row], unit, lognormal)
    return unit * means


def staffed(centre: Centre) -> tuple[list[Seat], list[Shift]]:
    """Seats, and who comes and goes when the numbers of a group change; nobody goes when the centre closes."""
    seats, shifts = [], []
    for number, group in enumerate(centre.groups):
        for place in range(max(group.agents)):
            seat = Seat(f"{group.name}-{place + 1:04}", group.queues, group.skills, number)
            seats.append(seat)
            there = False
            for period, agents in enumerate(group.agents):
                if (place < agents) != there:
                    there = not there
                    begins = centre.opens + centre.period * period - (0.0 if period else centre.warm_up)
                    shifts.append(Shift(begins, seat, there))
    return seats, shifts


def _places(centre: Centre, order: dict[str, int]) -> dict[str, int]:
    """The place of each seat in the strategy `ordered`: that of its group."""
    return {
        f"{group.name}-{place + 1:04}": order[group.name]
        for group in centre.groups
        if group.name in order
        for place in range(max(group.agents))
    }


def _report(centre: Centre, figures: Figures) -> dict[str, Any]:
    begins = [clock(centre.opens + centre.period * period) for period in range(centre.periods)]
    everywhere = range(centre.periods)
    return {
        "total": {**figures.of_calls(), "wait_p90": figures.late_wait(), "occupancy": figures.occupancy()},
        "types": {
            one.name: {
                **figures.of_calls(kind),
                "wait_p90": figures.late_wait(kind),
                "periods": [{"begins": begins[p], **figures.of_calls(kind, p)} for p in everywhere],
            }
            for kind, one in enumerate(centre.types)
        },
        "periods": [
            {"begins": begins[p], **figures.of_calls(period=p), "occupancy": figures.occupancy(period=p)}
            for p in everywhere
        ],
        "groups": {
            one.name: {
                "occupancy": figures.occupancy(group),
                "periods": [
                    {"begins": begins[p], "occupancy": figures.occupancy(group, p)} for p in everywhere
                ],
            }
            for group, one in enumerate(centre.groups)
        },
        "staffing": staffing.of_centre(centre, begins),
    }
