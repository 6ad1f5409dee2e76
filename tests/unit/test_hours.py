"""Working time on wall clocks that jump."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.hours.calendars import OFFICE
from callcenter.hours.rules import (
    BadCalendar,
    Hours,
    add_working,
    always,
    is_open,
    next_day_opening,
    next_opening,
    parse,
    working_seconds,
)

SHANGHAI = parse("Asia/Shanghai", OFFICE)
NIGHT = [[["01:30", "02:30"]]] * 7
NEW_YORK = parse("America/New_York", NIGHT)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def test_a_friday_evening_waits_for_monday() -> None:
    friday = at("2026-03-06T17:30+08:00")
    assert is_open(SHANGHAI, friday)
    assert add_working(SHANGHAI, friday, 3600).at == at("2026-03-09T09:30+08:00")
    assert next_opening(SHANGHAI, at("2026-03-06T18:00+08:00")) == at("2026-03-09T09:00+08:00")


def test_the_closing_instant_is_closed_and_lunch_is_too() -> None:
    assert not is_open(SHANGHAI, at("2026-03-06T18:00+08:00"))
    assert not is_open(SHANGHAI, at("2026-03-06T12:00+08:00"))
    assert is_open(SHANGHAI, at("2026-03-06T13:00+08:00"))


def test_exceptions_go_both_ways() -> None:
    hours = parse(
        "Asia/Shanghai", OFFICE, {"2026-02-17": [], "2026-02-14": [["09:00", "12:00"]]}, date(2026, 12, 31)
    )
    assert is_open(hours, at("2026-02-14T10:00+08:00")), "a make-up Saturday"
    assert not is_open(hours, at("2026-02-17T10:00+08:00")), "New Year"
    assert next_day_opening(hours, at("2026-02-16T10:00+08:00")) == at("2026-02-18T09:00+08:00")


def test_past_the_coverage_a_due_date_is_provisional() -> None:
    hours = parse("Asia/Shanghai", OFFICE, {}, date(2026, 3, 6))
    assert not add_working(hours, at("2026-03-06T17:00+08:00"), 60).provisional
    assert add_working(hours, at("2026-03-06T17:00+08:00"), 7200).provisional


def test_a_gap_cuts_the_window() -> None:
    """8 March 2026: 02:00 EST is 03:00 EDT, so 01:30-02:30 lasts half an hour."""
    night = working_seconds(NEW_YORK, at("2026-03-08T00:00-05:00"), at("2026-03-08T12:00-04:00"))
    assert night == 1800


def test_a_fold_lengthens_the_window() -> None:
    """1 November 2026: 01:00-02:00 comes twice, so 01:30-02:30 lasts two hours."""
    night = working_seconds(NEW_YORK, at("2026-11-01T00:00-04:00"), at("2026-11-01T12:00-05:00"))
    assert night == 7200


def test_a_window_that_begins_inside_a_gap_begins_where_the_gap_ends() -> None:
    hours = parse("America/New_York", [[["02:30", "04:00"]]] * 7)
    assert next_opening(hours, at("2026-03-08T01:00-05:00")) == at("2026-03-08T03:00-04:00")


def test_round_the_clock_no_second_is_lost_or_counted_twice() -> None:
    for zone in ("America/New_York", "America/Santiago", "Africa/Cairo", "Asia/Beirut"):
        start = datetime(2026, 1, 1, tzinfo=UTC)
        assert working_seconds(always(zone), start, start + timedelta(days=365)) == 365 * 86400


@pytest.mark.parametrize(
    ("week", "why"),
    [
        ([[]] * 7, "no working time"),
        ([[["09:00", "08:00"]]] * 7, "end before"),
        ([[["09:00", "12:00"], ["11:00", "13:00"]]] * 7, "overlap"),
        ([[["9", "12:00"]]] * 7, "HH:MM"),
        ([[["09:00", "24:30"]]] * 7, "time of day"),
        ([[["09:00", "12:00"]]] * 6, "seven days"),
    ],
)
def test_a_calendar_that_cannot_be_kept_is_refused(week: list[list[list[str]]], why: str) -> None:
    with pytest.raises(BadCalendar, match=why):
        parse("Asia/Shanghai", week)


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(BadCalendar, match="time zone"):
        parse("Mars/Olympus", OFFICE)


INSTANTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda found: found.replace(microsecond=0)
)
HOURS = st.sampled_from([SHANGHAI, NEW_YORK, parse("Europe/Berlin", OFFICE), always("Europe/Berlin")])


@given(HOURS, INSTANTS, st.integers(0, 400_000))
def test_what_is_added_has_passed(hours: Hours, start: datetime, seconds: int) -> None:
    due = add_working(hours, start, seconds).at
    assert working_seconds(hours, start, due) == seconds


@given(HOURS, INSTANTS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_time_adds_up(hours: Hours, start: datetime, first: int, second: int) -> None:
    middle = start + timedelta(seconds=first)
    end = middle + timedelta(seconds=second)
    parts = working_seconds(hours, start, middle) + working_seconds(hours, middle, end)
    assert parts == working_seconds(hours, start, end)


@given(HOURS, INSTANTS)
def test_the_next_opening_is_open(hours: Hours, start: datetime) -> None:
    opening = next_opening(hours, start)
    assert opening >= start
    assert is_open(hours, opening)
    assert working_seconds(hours, start, opening) == 0
