"""A recorded day once more, with other agents or rules, beside what happened.

The callers are those of the day, with the time that each was served. What the day did not show is drawn anew in each run:
how much longer who was answered would have waited (`patience`, per queue), and how long who left would have been served
(a call of the queue that was answered). The rules are those of the live board (`engine`).
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import Generator

from callcenter.errors import InvalidInput
from callcenter.routing.rules import STRATEGIES
from callcenter.whatif import patience
from callcenter.whatif.engine import ABANDONED, ANSWERED, Caller, Day, Seat, Serving, Shift
from callcenter.whatif.patience import Patience
from callcenter.whatif.recorded import Past, RecordedDay, Worked
from callcenter.whatif.simulate import FORMULAS as FIGURES
from callcenter.whatif.tally import Figures, Periods, Tally, clock, count

PERIOD = 1800.0
NUMBERS = ("max_wait", "max_length", "service_level", "priority")
RULES = ("strategy", *NUMBERS)
"""What `--rule` changes: `strategy=fewest_calls`, of one queue `billing.max_wait=120`; a strategy may stand alone."""
SERVICE_LEVEL = 20.0
FORMULAS = {
    **{name: FIGURES[name] for name in ("service_level", "abandon_rate", "asa", "wait", "occupancy")},
    "intervals": "95 %, over the runs: what the record does not show is drawn anew in each",
    "unchanged": "replayed with the agents and rules that were; compare `replayed` with it",
}


@dataclass(frozen=True, slots=True)
class Change:
    """`agents`: how many more, or less. `rules`: (queue or empty for all, field, value)."""

    agents: int = 0
    rules: tuple[tuple[str, str, Any], ...] = ()


def rule(text: str) -> tuple[str, str, Any]:
    """`[QUEUE.]FIELD=VALUE`, or a strategy alone. Raises InvalidInput (`rule`)."""
    where, sign, value = text.partition("=")
    if not sign:
        where, value = "strategy", text
    queue, _, name = where.rpartition(".")
    if name not in RULES:
        raise InvalidInput(rule=f"{text!r}: {name!r} is none of {', '.join(RULES)}")
    if name == "strategy":
        if value not in STRATEGIES:
            raise InvalidInput(rule=f"{text!r}: {value!r} is none of {', '.join(STRATEGIES)}")
        return queue, name, value
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not -1000 <= number <= 1_000_000 or (number < 0 and name != "priority"):
        raise InvalidInput(rule=f"{text!r}: {value!r} is no number that {name} can have")
    return queue, name, number if name in ("max_wait", "service_level") else int(number)


@dataclass(slots=True)
class _Queue:
    """A queue's rules in a replay; without a row of the record it has no bounds. Skills are not asked for: which ones
    agents had on that day is not recorded."""

    name: str
    strategy: str = "longest_idle"
    priority: int = 0
    max_length: int = 1_000_000
    max_wait: float = math.inf
    service_level: float = SERVICE_LEVEL
    order: dict[str, int] = field(default_factory=dict)


def replay(day: RecordedDay, change: Change, runs: int, seed: int) -> dict[str, Any]:
    """`happened`, `unchanged` (replayed as it was) and `replayed` (with the change) beside each other, of all, of each queue
    and each half hour; intervals are over the runs. Raises InvalidInput (`rule`, `agents`)."""
    queues = _queues(day, change)
    if len(day.agents) + change.agents < 1:
        raise InvalidInput(agents=f"{change.agents} of {len(day.agents)} agents leave nobody")
    ran = {
        "unchanged": _runs(day, 0, _queues(day, Change()), runs, seed),
        "replayed": _runs(day, change.agents, queues, runs, seed),
    }
    was = Figures([_tally(_as_happened(day, queues), day, queues, [])])
    periods = _periods(day)

    def beside(kind: int | slice, period: int | slice = slice(None)) -> dict[str, Any]:
        happened = was.of_calls(kind, period)
        values = {name: one.value if one is not None else None for name, one in happened.items()}
        return {"happened": values, **{name: one.of_calls(kind, period) for name, one in ran.items()}}

    return {
        "runs": runs,
        "seed": seed,
        "formulas": FORMULAS,
        "agents": {"happened": len(day.agents), "replayed": len(day.agents) + change.agents},
        "rules": {name: dataclasses.asdict(queue) for name, queue in queues.items()},
        "total": beside(slice(None)),
        "occupancy": {name: one.occupancy() for name, one in ran.items()},
        "queues": {name: beside(kind) for kind, name in enumerate(queues)},
        "periods": [
            {"begins": clock(periods.begin + PERIOD * period), **beside(slice(None), period)}
            for period in range(periods.count)
        ],
    }


def _runs(day: RecordedDay, more: int, queues: Mapping[str, _Queue], runs: int, seed: int) -> Figures:
    known = {name: _patience(day.calls, name) for name in queues}
    served = {name: _served(day.calls, name) for name in queues}
    dice = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(runs)]
    return Figures([_run(day, more, queues, known, served, one) for one in dice])


def _queues(day: RecordedDay, change: Change) -> dict[str, _Queue]:
    found: dict[str, _Queue] = {}
    for name, row in day.rules.items():
        found[name] = _Queue(name)
        if row is not None:
            found[name] = _Queue(
                name,
                row.strategy,
                row.priority,
                row.max_length,
                row.max_wait,
                row.service_level,
                {agent: place for place, agent in enumerate(row.order.split())},
            )
    for wanted, name, value in change.rules:
        if wanted and wanted not in found:
            raise InvalidInput(rule=f"no call of the day entered the queue {wanted!r} ({', '.join(found)})")
        for queue in [found[wanted]] if wanted else found.values():
            setattr(queue, name, value)
    return found


def _run(
    day: RecordedDay,
    more: int,
    queues: Mapping[str, _Queue],
    known: Mapping[str, Patience],
    served: Mapping[str, Sequence[float]],
    dice: Generator,
) -> Tally:
    callers = [
        _caller(number, past, day, queues, known, served, dice) for number, past in enumerate(day.calls)
    ]
    seats, shifts = _staff(day.agents, more, dice)
    Day([_serving(queue) for queue in queues.values()], seats, shifts, callers).run()
    for caller in callers:
        if caller.outcome == ANSWERED:
            caller.waited += day.rings[caller.queue]
            caller.talk -= day.rings[caller.queue]
    return _tally(callers, day, queues, seats)


def _caller(
    number: int,
    past: Past,
    day: RecordedDay,
    queues: Mapping[str, _Queue],
    known: Mapping[str, Patience],
    served: Mapping[str, Sequence[float]],
    dice: Generator,
) -> Caller:
    """A phone's ringing keeps the agent as the talk does; it is part of the caller's wait."""
    left, answered = past.outcome == ABANDONED, past.outcome == ANSWERED
    busy = past.busy if answered else float(dice.choice(served[past.queue]))
    return Caller(
        f"{number:07}",
        past.queue,
        past.queued,
        past.queued,
        list(queues).index(past.queue),
        past.waited if left else known[past.queue].draw(past.waited, dice),
        busy + day.rings[past.queue],
        priority=queues[past.queue].priority,
    )


def _staff(agents: Sequence[Worked], more: int, dice: Generator) -> tuple[list[Seat], list[Shift]]:
    """The day's agents; one more keeps the hours and breaks of one of them, one less is one of them, drawn anew."""
    there = list(agents)
    if more > 0:
        there += [
            dataclasses.replace(agents[int(one)], name=f"+{number}")
            for number, one in enumerate(dice.integers(len(agents), size=more), 1)
        ]
    elif more < 0:
        away = {int(one) for one in dice.choice(len(agents), size=-more, replace=False)}
        there = [agent for place, agent in enumerate(agents) if place not in away]
    seats, shifts = [], []
    for agent in there:
        seat = Seat(agent.name, agent.queues)
        seats.append(seat)
        shifts.append(Shift(agent.begins, seat, comes=True))
        shifts += [Shift(at, seat, comes=False, length=seconds) for at, seconds in agent.breaks]
        shifts.append(Shift(agent.ends, seat, comes=False))
    return seats, shifts


def _serving(queue: _Queue) -> Serving:
    return Serving(
        queue.name,
        queue.strategy,
        order=queue.order,
        max_length=queue.max_length,
        max_wait=queue.max_wait,
    )


def _patience(calls: Sequence[Past], queue: str) -> Patience:
    mine = [call for call in calls if call.queue == queue]
    return patience.estimate([call.waited for call in mine], [call.outcome == ABANDONED for call in mine])


def _served(calls: Sequence[Past], queue: str) -> list[float]:
    """How long the queue's answered calls kept an agent, or all of the day's where it answered none; [0] for none."""
    answered = [call for call in calls if call.outcome == ANSWERED]
    return (
        [call.busy for call in answered if call.queue == queue] or [call.busy for call in answered] or [0.0]
    )


def _as_happened(day: RecordedDay, queues: Mapping[str, _Queue]) -> list[Caller]:
    kinds = {name: kind for kind, name in enumerate(queues)}
    return [
        Caller(
            f"{number:07}",
            past.queue,
            past.queued,
            past.queued,
            kinds[past.queue],
            talk=past.busy,
            outcome=past.outcome,
            waited=past.waited,
        )
        for number, past in enumerate(day.calls)
    ]


def _tally(
    callers: Sequence[Caller], day: RecordedDay, queues: Mapping[str, _Queue], seats: Sequence[Seat]
) -> Tally:
    return count(callers, seats, _periods(day), [queue.service_level for queue in queues.values()], 1)


def _periods(day: RecordedDay) -> Periods:
    """The half hours of the local day in which callers came."""
    first, last = day.calls[0].queued // PERIOD, day.calls[-1].queued // PERIOD
    return Periods(first * PERIOD, PERIOD, int(last - first) + 1)
