"""Working time: wall-clock windows in a zone, laid onto UTC. Pure.

A window opens at the first instant that its wall-clock time exists and closes at the last: at a fold it is an hour
longer, inside a gap it begins or ends where the gap does (PEP 495 names both). No instant counts twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Windows = tuple[tuple[int, int], ...]
"""Minutes since midnight, (open, close), in order, without overlap; 1440 is the end of the day."""

FURTHEST = 3660
"""Days that are looked through; beyond, a calendar holds no working time worth waiting for."""


class BadCalendar(ValueError):
    """A calendar that cannot be kept; the text says why."""


@dataclass(frozen=True)
class Hours:
    """A calendar's rule. `exceptions` replace a day's windows: () is a holiday, windows on a Saturday a make-up day."""

    zone: ZoneInfo
    week: tuple[Windows, ...]
    exceptions: Mapping[date, Windows] = field(default_factory=dict)
    covers_until: date | None = None

    def on(self, day: date) -> Windows:
        """Windows of one local day."""
        return self.exceptions.get(day, self.week[day.weekday()])


@dataclass(frozen=True, slots=True)
class Due:
    """`provisional`: past the calendar's coverage, to be computed again when more of it is known."""

    at: datetime
    provisional: bool = False


def parse(
    zone: str,
    week: Sequence[Sequence[Sequence[str]]],
    exceptions: Mapping[str, Sequence[Sequence[str]]] | None = None,
    covers_until: date | None = None,
) -> Hours:
    """From seven lists of ("HH:MM", "HH:MM") and dated ones. Raises BadCalendar, also for one without working time."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise BadCalendar(f"{zone!r} is no IANA time zone") from None
    if len(week) != 7:
        raise BadCalendar("a week has seven days, Monday first")
    days = tuple(_windows(day) for day in week)
    if not any(days):
        raise BadCalendar("no working time in any week")
    try:
        dated = {date.fromisoformat(day): _windows(windows) for day, windows in (exceptions or {}).items()}
    except ValueError as error:
        raise BadCalendar(str(error)) from None
    return Hours(where, days, dated, covers_until)


def always(zone: str | ZoneInfo) -> Hours:
    """Round the clock."""
    where = zone if isinstance(zone, ZoneInfo) else ZoneInfo(zone)
    return Hours(where, (((0, 1440),),) * 7)


def is_open(hours: Hours, at: datetime) -> bool:
    """Whether this instant is working time; the closing instant is not."""
    return any(start <= at for start, _ in _stretches(hours, at, until=at + timedelta(microseconds=1)))


def next_opening(hours: Hours, at: datetime) -> datetime:
    """`at` itself in working time, else when it begins next."""
    return max(at, next(_stretches(hours, at))[0])


def next_closing(hours: Hours, at: datetime) -> datetime:
    """When the working time that runs at `at`, or begins next, ends; beyond a day it is not looked for."""
    stretches = _stretches(hours, at)
    _, end = next(stretches)
    for opens, closes in stretches:
        if opens > end or end - at > timedelta(days=1):
            break
        end = closes
    return end


def next_day_opening(hours: Hours, at: datetime, days: int = 1) -> datetime:
    """Opening of the `days`-th working day behind the local day of `at`."""
    day = at.astimezone(hours.zone).date()
    for _ in range(FURTHEST):
        day += timedelta(days=1)
        windows = hours.on(day)
        days -= bool(windows)
        if windows and not days:
            return _opens(hours.zone, day, windows[0][0])
    raise BadCalendar("no working day within ten years")


def add_working(hours: Hours, start: datetime, seconds: float) -> Due:
    """When `seconds` of working time have passed since `start`; `start` itself when none are asked for."""
    if seconds <= 0:
        return _due(hours, start)
    left = seconds
    for opens, closes in _stretches(hours, start):
        begin = max(opens, start)
        length = (closes - begin).total_seconds()
        if left <= length:
            return _due(hours, begin + timedelta(seconds=left))
        left -= length
    raise BadCalendar("not enough working time within ten years")


def working_seconds(hours: Hours, start: datetime, end: datetime) -> float:
    """Working time between two instants; 0 when `end` is not later."""
    if end <= start:
        return 0.0
    return sum(
        (min(closes, end) - max(opens, start)).total_seconds()
        for opens, closes in _stretches(hours, start, until=end)
    )


def _due(hours: Hours, at: datetime) -> Due:
    covered = hours.covers_until
    return Due(at, covered is not None and at.astimezone(hours.zone).date() > covered)


def _stretches(
    hours: Hours, start: datetime, until: datetime | None = None
) -> Iterator[tuple[datetime, datetime]]:
    """Working stretches in UTC that end behind `start` and begin before `until`, in order, none overlapping."""
    day = start.astimezone(hours.zone).date() - timedelta(days=1)
    behind = datetime.min.replace(tzinfo=UTC)
    for _ in range(FURTHEST):
        for opens, closes in hours.on(day):
            begin = max(_opens(hours.zone, day, opens), behind)
            end = _closes(hours.zone, day, closes)
            if until is not None and begin >= until:
                return
            if end > begin:
                behind = end
                if end > start:
                    yield begin, end
        day += timedelta(days=1)
    if until is None:
        raise BadCalendar("no working time within ten years")


def _opens(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    return _instant(zone, day, minutes, 0)


def _closes(zone: ZoneInfo, day: date, minutes: int) -> datetime:
    """Midnight at the end of a day is the next day's opening: no hour of a fold at midnight counts for both."""
    return _instant(zone, day, minutes, 0 if minutes == 1440 else 1)


@lru_cache(maxsize=4096)
def _instant(zone: ZoneInfo, day: date, minutes: int, fold: int) -> datetime:
    """A wall-clock time as an instant. One that does not exist is the instant at which the clock jumps over it."""
    wall = datetime.combine(day, time()) + timedelta(minutes=minutes)
    found = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None) == wall:
        return found
    low, high = sorted(wall.replace(tzinfo=zone, fold=side).astimezone(UTC) for side in (0, 1))
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high.replace(microsecond=0)


def _windows(day: Sequence[Sequence[str]]) -> Windows:
    found = tuple(sorted((_minutes(opens), _minutes(closes)) for opens, closes in day))
    behind = 0
    for opens, closes in found:
        if opens < behind or closes <= opens:
            raise BadCalendar("windows of a day overlap, or end before they begin")
        behind = closes
    return found


def _minutes(text: str) -> int:
    """`09:30` as minutes since midnight; `24:00` is the end of the day."""
    try:
        hour, minute = (int(part) for part in text.split(":"))
    except ValueError:
        raise BadCalendar(f"{text!r} is not HH:MM") from None
    if not (0 <= minute < 60 and 0 <= hour * 60 + minute <= 1440):
        raise BadCalendar(f"{text!r} is not a time of day")
    return hour * 60 + minute
