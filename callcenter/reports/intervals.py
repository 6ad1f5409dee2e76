"""The centre's days and half hours on its own clock: a night of the change of time has 23 or 25 hours. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from callcenter.calls.visits import SLOT

SLOTS = {"half_hour": 2, "day": 96}
"""Slots of what a row stands for, on a clock that nobody changes."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Slots from `begin` up to `end` in which the wall clock is `shift` slots before UTC: `(slot + shift) // SLOTS[by]`
    numbers its half hours or days from 1970 on."""

    begin: int
    end: int
    shift: int

    def half_hour(self, number: int) -> datetime:
        """When a half hour begins, in UTC: 01:30 by the wall clock may come twice."""
        return datetime.fromtimestamp((number * SLOTS["half_hour"] - self.shift) * SLOT, UTC)


def slots(first: date, last: date, zone: ZoneInfo) -> tuple[int, int]:
    """The slots of these days, both included: from, and the first one behind them."""
    return slot(_midnight(first, zone)), slot(_midnight(last + timedelta(days=1), zone))


def slot(at: datetime) -> int:
    """The slot in which an instant lies."""
    return int(at.timestamp() // SLOT)


def stretches(begin: int, end: int, zone: ZoneInfo) -> list[Stretch]:
    """The slots from `begin` up to `end`, cut where clocks change: at most once a day."""
    found = []
    while begin < end:
        shift, cut = _shift(begin, zone), begin
        while cut < end and _shift(cut, zone) == shift:
            cut += SLOTS["day"]
        cut = min(cut, end)
        while _shift(cut - 1, zone) != shift:
            cut -= 1
        found.append(Stretch(begin, cut, shift))
        begin = cut
    return found


def day(number: int) -> date:
    """The day that has this number."""
    return date(1970, 1, 1) + timedelta(days=number)


def wall(local: datetime) -> str:
    """Day and time by the wall clock, with the offset in the hour that comes twice."""
    return f"{local:%Y-%m-%d %H:%M}{f' {local:%z}' if is_twice(local) else ''}"


def is_twice(local: datetime) -> bool:
    """Whether the wall clock of its zone shows this time twice, in the night when it is put back."""
    return local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()


def _midnight(of: date, zone: ZoneInfo) -> datetime:
    return datetime(of.year, of.month, of.day, tzinfo=zone)


def _shift(number: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(number * SLOT, UTC).astimezone(zone).utcoffset() or timedelta(0)
    return int(offset.total_seconds() // SLOT)
