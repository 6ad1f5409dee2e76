"""Clocks of a complaint: what has elapsed, when it is due, which level is next. Pure.

A clock is a ledger of segments. Elapsed is the working time inside its running segments and never kept apart from
them; a changed policy replays the same segments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from callcenter.hours.rules import Due, Hours, add_working, next_day_opening, working_seconds

KINDS = ("first_response", "keep_informed", "resolution")
WARNING = 0.75
"""Level 1: owner and acting. Level 2 at the target: also the supervisor."""
SUPERVISION_DAYS = 5
"""Working days from the written reminder (level 3) to supervision (level 4)."""
HIGHEST = {"first_response": 2, "keep_informed": 2, "resolution": 4}
DAY = 86400.0
EMERGENCY = 1


@dataclass(frozen=True, slots=True)
class Segment:
    """`state`: running | paused. `end` empty: still so."""

    state: str
    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """`seconds` of working time of `hours`. `before`: elapsed in earlier cycles. `scale` stretches or shrinks days."""

    seconds: float
    hours: Hours
    before: float = 0.0
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Level:
    """`number` 1-4, at its instant."""

    number: int
    at: datetime


def elapsed(segments: Sequence[Segment], target: Target, now: datetime) -> float:
    """Working seconds until `now`, those of earlier cycles included."""
    return target.before + sum(
        working_seconds(target.hours, segment.start, min(segment.end or now, now))
        for segment in segments
        if segment.state == "running"
    )


def paused(segments: Sequence[Segment]) -> bool:
    """Whether the clock stands still now."""
    return bool(segments) and segments[-1].state == "paused" and segments[-1].end is None


def reaches(segments: Sequence[Segment], target: Target, seconds: float) -> Due | None:
    """When `seconds` have elapsed by this ledger; None while a pause stands in between.

    What earlier cycles used up already is reached at the start of the first segment.
    """
    left = seconds - target.before
    for segment in segments:
        if segment.state != "running":
            continue
        due = add_working(target.hours, segment.start, left)
        if segment.end is None or due.at <= segment.end:
            return due
        left -= working_seconds(target.hours, segment.start, segment.end)
    return None


def levels(
    kind: str, severity: int, segments: Sequence[Segment], target: Target, calendar: Hours
) -> list[Level]:
    """Every level whose instant is known, lowest first. `calendar` counts working days behind the target.

    An emergency's resolution begins at level 2, at once. A level that is not known yet (paused) is left out.
    """
    found: list[Level] = []
    if kind == "resolution" and severity == EMERGENCY and segments:
        found.append(Level(2, segments[0].start))
    else:
        warned = reaches(segments, target, target.seconds * WARNING)
        if warned:
            found.append(Level(1, warned.at))
    due = reaches(segments, target, target.seconds)
    if due is None:
        return found
    if not any(level.number == 2 for level in found):
        found.append(Level(2, due.at))
    if HIGHEST[kind] > 2:
        found += _behind(due.at, target, calendar)
    return found


def next_level(known: Sequence[Level], reached: int) -> Level | None:
    """The lowest level above the one that was reached."""
    return min(
        (level for level in known if level.number > reached), key=lambda level: level.number, default=None
    )


def reached(known: Sequence[Level], now: datetime) -> int:
    """The highest level whose instant has come; 0 when none has."""
    return max((level.number for level in known if level.at <= now), default=0)


def _behind(due: datetime, target: Target, calendar: Hours) -> list[Level]:
    if target.scale != 1.0:
        written = due + timedelta(seconds=DAY * target.scale)
        return [
            Level(3, written),
            Level(4, written + timedelta(seconds=SUPERVISION_DAYS * DAY * target.scale)),
        ]
    written = next_day_opening(calendar, due)
    return [Level(3, written), Level(4, next_day_opening(calendar, written, SUPERVISION_DAYS))]
