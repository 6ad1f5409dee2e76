"""May this number be called now, and when is the next try?"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from callcenter.hours.rules import is_open
from callcenter.outbound.gate import Rules, hours, may_call, next_try

RULES = Rules(opens=8 * 60, closes=21 * 60, attempts=3, gap=900.0, destinations=(r"\+[1-9]\d{6,14}",))
SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
NUMBER = "+8613800138000"


def test_at_noon_there_and_at_midnight_here() -> None:
    assert may_call(NUMBER, NOON, SHANGHAI, RULES, do_not_call=False, attempts=0).allowed
    there = may_call(NUMBER, NOON, NEW_YORK, RULES, do_not_call=False, attempts=0)
    assert (there.allowed, there.reason) == (False, "outside_hours")
    assert there.at == datetime(2026, 3, 2, 13, tzinfo=UTC), "08:00 in New York"


def test_nine_in_the_evening_is_too_late() -> None:
    late = datetime(2026, 3, 2, 13, tzinfo=UTC)
    verdict = may_call(NUMBER, late, SHANGHAI, RULES, do_not_call=False, attempts=0)
    assert verdict.at == datetime(2026, 3, 3, 0, tzinfo=UTC)


def test_what_is_never_allowed() -> None:
    for number, refused, attempts, reason in (
        (NUMBER, True, 0, "do_not_call"),
        ("+1", False, 0, "not_allowed"),
        ("sip:x@y", False, 0, "not_allowed"),
        (NUMBER, False, 3, "too_many"),
    ):
        verdict = may_call(number, NOON, SHANGHAI, RULES, do_not_call=refused, attempts=attempts)
        assert (verdict.allowed, verdict.reason, verdict.at) == (False, reason, None)


def test_the_gap_grows_and_the_last_try_is_another_day_at_another_hour() -> None:
    first = next_try(NOON, SHANGHAI, RULES, [NOON])
    assert first == NOON + timedelta(seconds=900)
    second = next_try(first, SHANGHAI, RULES, [NOON, first])
    assert second is not None
    assert second.astimezone(SHANGHAI).date() == NOON.astimezone(SHANGHAI).date() + timedelta(days=1)
    assert second.astimezone(SHANGHAI).hour != first.astimezone(SHANGHAI).hour
    assert next_try(second, SHANGHAI, RULES, [NOON, first, second]) is None


@given(
    st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([SHANGHAI, NEW_YORK, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Santiago")]),
    st.integers(1, 8),
)
def test_three_tries_on_two_days_inside_hours(start: datetime, zone: ZoneInfo, cap: int) -> None:
    rules = Rules(8 * 60, 21 * 60, cap, 900.0)
    tries: list[datetime] = []
    at: datetime | None = start
    while at is not None:
        verdict = may_call(NUMBER, at, zone, rules, do_not_call=False, attempts=len(tries))
        at = at if verdict.allowed else verdict.at
        assert at is not None
        assert is_open(hours(zone, rules), at)
        assert not tries or at - tries[-1] >= timedelta(seconds=rules.gap)
        tries.append(at)
        at = next_try(at, zone, rules, tries)
    assert len(tries) == cap
    if cap > 1:
        assert len({tried.astimezone(zone).date() for tried in tries}) > 1
        assert len({tried.astimezone(zone).hour for tried in tries}) > 1
