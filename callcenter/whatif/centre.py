"""A described centre: TOML to values. Each error names its field, as `types.billing.patience.mean`."""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from callcenter.errors import InvalidInput
from callcenter.routing.rules import STRATEGIES, Ring

T = TypeVar("T")

HOUR = 3600.0
MOST_AGENTS = 5_000
"""In one period of one group."""
MOST_CALLS = 1_000_000
"""That a day may be expected to have."""


@dataclass(frozen=True, slots=True)
class Times:
    """A distribution of seconds: exponential, or lognormal with `cv` = standard deviation / mean."""

    distribution: str
    mean: float
    cv: float = 1.0


@dataclass(frozen=True, slots=True)
class CallType:
    """Per period of the day: `rates` (calls an hour), `service` (talk), `wrap_up` and `patience`; None: takes no time, never
    leaves."""

    name: str
    queue: str
    rates: list[float]
    service: list[Times]
    wrap_up: list[Times] | None = None
    patience: list[Times] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Agents who are alike: `agents` of them in each period; they serve `queues` and have `skills` (1 to 100)."""

    name: str
    agents: list[int]
    queues: list[str]
    skills: dict[str, int]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue's rules, named and meant as those of the product. `order`: group -> place in strategy ordered."""

    name: str
    strategy: str = "longest_idle"
    rings: list[Ring] = field(default_factory=list)
    order: dict[str, int] = field(default_factory=dict)
    priority: int = 0
    max_length: int = 500
    max_wait: float = 600.0
    service_level: float = 20.0
    service_target: float = 0.8


@dataclass(frozen=True, slots=True)
class Centre:
    """Times in seconds since midnight. Callers who come in the `warm_up` before `opens` are served, not counted.

    `busyness`: shape k of a gamma factor with mean 1 that all arrival rates of a day share; 0 for none.
    """

    opens: float
    period: float
    periods: int
    warm_up: float
    busyness: float
    types: list[CallType]
    groups: list[Group]
    queues: list[Queue]

    @property
    def closes(self) -> float:
        """When the last caller is let in; who waits then is still served."""
        return self.opens + self.period * self.periods


def load(path: Path) -> Centre:
    """The centre of a file. Raises InvalidInput with the field, OSError when it cannot be read."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} is no TOML: {error}") from None
    return read(given)


def read(given: Mapping[str, Any]) -> Centre:
    """The centre of TOML's values. Raises InvalidInput with the field."""
    top = _Table("", given)
    opens, closes = top.take("opens", _clock, 0.0), top.take("closes", _clock, 24 * HOUR)
    period = top.take("period", _number(1, 24 * 60), 30.0) * 60
    periods = (closes - opens) / period
    if periods < 1 or periods != int(periods):
        raise InvalidInput(
            closes=f"must be a whole number of periods of {period / 60:g} minutes behind opens"
        )
    count = int(periods)
    centre = Centre(
        opens=opens,
        period=period,
        periods=count,
        warm_up=top.take("warm_up", _number(0, 24 * 60), 0.0) * 60,
        busyness=top.take("busyness", _number(0, 1e6), 0.0),
        queues=[_queue(name, table) for name, table in top.tables("queues")],
        types=[_type(name, table, count) for name, table in top.tables("types")],
        groups=[_group(name, table, count) for name, table in top.tables("groups")],
    )
    top.done()
    return _joined(centre)


def _joined(centre: Centre) -> Centre:
    """What one part says of another must be there."""
    known = {queue.name for queue in centre.queues}
    for name, queues in (
        *((f"types.{one.name}.queue", [one.queue]) for one in centre.types),
        *((f"groups.{one.name}.queues", one.queues) for one in centre.groups),
    ):
        for queue in queues:
            if queue not in known:
                raise InvalidInput(**{name: f"{queue!r} is none of the queues ({', '.join(sorted(known))})"})
    for ordered in centre.queues:
        for group in ordered.order:
            if group not in {one.name for one in centre.groups}:
                raise InvalidInput(**{f"queues.{ordered.name}.order": f"{group!r} is no group"})
    if sum(sum(one.rates) for one in centre.types) * centre.period / HOUR > MOST_CALLS:
        raise InvalidInput(types=f"together more than {MOST_CALLS} calls a day")
    return centre


def _queue(name: str, table: "_Table") -> Queue:
    usual = Queue(name)
    made = Queue(
        name,
        strategy=table.take("strategy", _one_of(*STRATEGIES), usual.strategy),
        rings=table.take("rings", _rings, []),
        order={group: place for place, group in enumerate(table.take("order", _names, []))},
        priority=int(table.take("priority", _number(-1000, 1000), 0)),
        max_length=int(table.take("max_length", _number(0, 1e6), usual.max_length)),
        max_wait=table.take("max_wait", _number(0, math.inf), usual.max_wait) or math.inf,
        service_level=table.take("service_level", _number(0, 3600), usual.service_level),
        service_target=table.take("service_target", _number(0.01, 0.999), usual.service_target),
    )
    table.done()
    return made


def _type(name: str, table: "_Table", periods: int) -> CallType:
    made = CallType(
        name,
        queue=table.take("queue", _text, name),
        rates=table.take("rate", _each(_number(0, 1e6), periods)),
        service=table.take("service", _each(_times, periods)),
        wrap_up=table.take("wrap_up", _each(_times, periods), None),
        patience=table.take("patience", _each(_times, periods), None),
    )
    table.done()
    return made


def _group(name: str, table: "_Table", periods: int) -> Group:
    made = Group(
        name,
        agents=[int(count) for count in table.take("agents", _each(_number(0, MOST_AGENTS), periods))],
        queues=table.take("queues", _names),
        skills=table.take("skills", _skills, {}),
    )
    table.done()
    return made


_NEEDED: Any = object()


class _Table:
    """A table of the file: takes its fields one by one; what is left is a name that nobody knows."""

    def __init__(self, path: str, given: Any) -> None:
        if not isinstance(given, Mapping):
            raise InvalidInput(**{path: "must be a table"})
        self.path, self.given = path, dict(given)

    def name(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str, reads: Callable[[str, Any], T], otherwise: Any = _NEEDED) -> T:
        """The field's value; `reads` gets the field's whole name for its error."""
        if key not in self.given:
            if otherwise is _NEEDED:
                raise InvalidInput(**{self.name(key): "is missing"})
            found: T = otherwise
            return found
        return reads(self.name(key), self.given.pop(key))

    def tables(self, key: str) -> list[tuple[str, "_Table"]]:
        """The named tables below `key`, at least one."""
        found = _Table(key, self.take(key, lambda _name, value: value))
        if not found.given:
            raise InvalidInput(**{key: "is empty"})
        return [(name, _Table(f"{key}.{name}", value)) for name, value in found.given.items()]

    def done(self) -> None:
        for key in self.given:
            raise InvalidInput(**{self.name(key): "is no field; see docs/whatif.md"})


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(**{name: "must be a text"})
    return value


def _clock(name: str, value: Any) -> float:
    hours, _, minutes = _text(name, value).partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and int(hours) <= 24 and int(minutes) < 60):
        raise InvalidInput(**{name: f"{value!r} is no time such as 08:30"})
    return int(hours) * HOUR + int(minutes) * 60


def _number(least: float, most: float) -> Callable[[str, Any], float]:
    def reads(name: str, value: Any) -> float:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        if not fits:
            raise InvalidInput(**{name: f"{value!r} is no number from {least:g} to {most:g}"})
        return float(value)

    return reads


def _one_of(*words: str) -> Callable[[str, Any], str]:
    def reads(name: str, value: Any) -> str:
        if value not in words:
            raise InvalidInput(**{name: f"{value!r} is none of {', '.join(words)}"})
        return str(value)

    return reads


def _each(reads: Callable[[str, Any], T], periods: int) -> Callable[[str, Any], list[T]]:
    """One value for every period, or a list with one for each."""

    def each(name: str, value: Any) -> list[T]:
        if not isinstance(value, list):
            return [reads(name, value)] * periods
        if len(value) != periods:
            raise InvalidInput(**{name: f"has {len(value)} values for {periods} periods"})
        return [reads(f"{name}[{number}]", one) for number, one in enumerate(value)]

    return each


def _times(name: str, value: Any) -> Times:
    if isinstance(value, int | float):
        value = {"mean": value}
    table = _Table(name, value)
    kind = table.take(
        "distribution",
        _one_of("exponential", "lognormal"),
        "lognormal" if "cv" in table.given else "exponential",
    )
    mean = table.take("mean", _number(0.001, 1e7))
    cv = table.take("cv", _number(0.001, 100)) if kind == "lognormal" else 1.0
    table.done()
    return Times(kind, mean, cv)


def _names(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not value:
        raise InvalidInput(**{name: "must be a list of names"})
    return [_text(f"{name}[{number}]", one) for number, one in enumerate(value)]


def _skills(name: str, value: Any) -> dict[str, int]:
    table = _Table(name, value)
    return {skill: int(table.take(skill, _number(1, 100))) for skill in list(table.given)}


def _rings(name: str, value: Any) -> list[Ring]:
    if not isinstance(value, list):
        raise InvalidInput(**{name: "must be a list of tables with until and needs"})
    found = []
    for number, one in enumerate(value):
        table = _Table(f"{name}[{number}]", one)
        found.append(Ring(table.take("until", _number(0, 86400), 0.0), table.take("needs", _skills, {})))
        table.done()
    return found
