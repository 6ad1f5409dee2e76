"""Days and half hours by the centre's clock: 23, 24 and 25 hours, and zones that are a quarter off."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from callcenter.reports import intervals
from callcenter.reports.intervals import SLOT, SLOTS, Stretch

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 10, 24), "Europe/Berlin", 24),
        (date(2026, 4, 5), "Australia/Lord_Howe", 24.5),
        (date(2026, 10, 25), "Asia/Kathmandu", 24),
        (date(2026, 4, 24), "Africa/Cairo", 23),
    ],
)
def test_a_day_has_as_many_hours_as_its_clock_says(day: date, zone: str, hours: float) -> None:
    begin, end = intervals.slots(day, day, ZoneInfo(zone))
    assert (end - begin) * SLOT / 3600 == hours


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo", "UTC"]
)
def test_each_slot_lies_in_the_half_hour_and_the_day_that_the_wall_clock_says(zone: str) -> None:
    at = ZoneInfo(zone)
    begin, end = intervals.slots(date(2026, 3, 20), date(2026, 11, 5), at)
    seen: list[int] = []
    for stretch in intervals.stretches(begin, end, at):
        for slot in range(stretch.begin, stretch.end):
            seen.append(slot)
            local = datetime.fromtimestamp(slot * SLOT, UTC).astimezone(at)
            assert intervals.day((slot + stretch.shift) // SLOTS["day"]) == local.date()
            half = stretch.half_hour((slot + stretch.shift) // SLOTS["half_hour"]).astimezone(at)
            assert (half.date(), half.hour, half.minute) == (
                local.date(),
                local.hour,
                local.minute // 30 * 30,
            )
            assert half.utcoffset() == local.utcoffset()
    assert seen == list(range(begin, end))


def test_the_hour_that_comes_twice_is_two() -> None:
    begin, end = intervals.slots(date(2026, 10, 25), date(2026, 10, 25), BERLIN)
    halves = {
        stretch.half_hour((slot + stretch.shift) // 2)
        for stretch in intervals.stretches(begin, end, BERLIN)
        for slot in range(stretch.begin, stretch.end)
    }
    assert len(halves) == 50
    assert [f"{one.astimezone(BERLIN):%H:%M%z}" for one in sorted(halves)][4:9] == [
        "02:00+0200", "02:30+0200", "02:00+0100", "02:30+0100", "03:00+0100",
    ]  # fmt: skip


def test_a_time_without_change_is_one_stretch() -> None:
    assert intervals.stretches(1_980_000, 1_980_100, ZoneInfo("Asia/Shanghai")) == [
        Stretch(1_980_000, 1_980_100, 32)
    ]
