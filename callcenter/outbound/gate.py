"""May this number be called by a machine now? And when is the next try? Pure.

Rules of the guide: 08:00-21:00 at the called party's local time, do-not-call, attempt caps, a growing gap.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from callcenter.hours.rules import Hours, next_closing, next_opening

ANOTHER_HOUR = timedelta(hours=3)
"""How far from the last try's time of day the try on another day lies."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`opens`, `closes`: minutes since local midnight. `gap`: seconds behind the first try, doubled each time.

    `destinations`: regular expressions, one of which a number must match whole.
    `days`: spread the tries over at least two days.
    """

    opens: int
    closes: int
    attempts: int
    gap: float
    destinations: tuple[str, ...] = (r".+",)
    days: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason`: outside_hours | do_not_call | too_many | not_allowed. `at`: when it is allowed; None: never."""

    allowed: bool
    reason: str = ""
    at: datetime | None = None


def hours(zone: ZoneInfo, rules: Rules) -> Hours:
    """The called party's hours, every day of the week."""
    return Hours(zone, (((rules.opens, rules.closes),),) * 7)


def may_call(
    number: str, now: datetime, zone: ZoneInfo, rules: Rules, *, do_not_call: bool, attempts: int
) -> Verdict:
    """`zone` is the called party's; `attempts` were made for the same reason already."""
    if do_not_call:
        return Verdict(False, "do_not_call")
    if not any(re.fullmatch(pattern, number) for pattern in rules.destinations):
        return Verdict(False, "not_allowed")
    if attempts >= rules.attempts:
        return Verdict(False, "too_many")
    opening = next_opening(hours(zone, rules), now)
    return Verdict(True) if opening <= now else Verdict(False, "outside_hours", opening)


def closes(now: datetime, zone: ZoneInfo, rules: Rules) -> datetime:
    """When the hours in which a machine may call end, at `now` within them."""
    return next_closing(hours(zone, rules), now)


def next_try(now: datetime, zone: ZoneInfo, rules: Rules, earlier: Sequence[datetime]) -> datetime | None:
    """When to try again behind these tries; None when the cap is reached.

    The gap doubles. The last try goes to another day and another time of day when all others were on one: who is
    never reached was tried on two days at different hours.
    """
    if len(earlier) >= rules.attempts:
        return None
    at = now + timedelta(seconds=rules.gap * 2 ** max(0, len(earlier) - 1))
    days = {tried.astimezone(zone).date() for tried in earlier}
    if rules.days and len(earlier) == rules.attempts - 1 and len(days) == 1:
        at = max(at, _another_day(max(earlier).astimezone(zone), rules))
    return next_opening(hours(zone, rules), at)


def _another_day(last: datetime, rules: Rules) -> datetime:
    """The next day, three hours earlier or later than the last try."""
    minutes = last.hour * 60 + last.minute
    shift = ANOTHER_HOUR if minutes + ANOTHER_HOUR.seconds // 60 < rules.closes else -ANOTHER_HOUR
    return last + timedelta(days=1) + shift
