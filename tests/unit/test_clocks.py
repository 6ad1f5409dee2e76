"""Clocks: whatever happens to them, elapsed is what their running segments say."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcenter.hours.calendars import OFFICE
from callcenter.hours.rules import Hours, add_working, always, parse, working_seconds
from callcenter.tickets.clocks import (
    Segment,
    Target,
    elapsed,
    levels,
    next_level,
    paused,
    reached,
    reaches,
)

START = datetime(2026, 3, 2, 2, tzinfo=UTC)
OFFICE_HOURS = parse("Asia/Shanghai", OFFICE)
ALWAYS = always("Asia/Shanghai")
HOUR, DAY = 3600.0, 86400.0


def running(start: datetime = START) -> list[Segment]:
    return [Segment("running", start)]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def test_a_pause_moves_the_due_date_by_its_length() -> None:
    ledger = [
        Segment("running", START, after(HOUR)),
        Segment("paused", after(HOUR), after(3 * HOUR)),
        Segment("running", after(3 * HOUR)),
    ]
    due = reaches(ledger, Target(4 * HOUR, ALWAYS), 4 * HOUR)
    assert due is not None
    assert due.at == after(6 * HOUR)


def test_while_it_is_paused_there_is_no_due_date() -> None:
    ledger = [Segment("running", START, after(HOUR)), Segment("paused", after(HOUR))]
    assert paused(ledger)
    assert reaches(ledger, Target(4 * HOUR, ALWAYS), 4 * HOUR) is None
    assert levels("resolution", 3, ledger, Target(4 * HOUR, ALWAYS), ALWAYS) == []


def test_what_was_late_before_the_pause_stays_late() -> None:
    ledger = [Segment("running", START, after(5 * HOUR)), Segment("paused", after(5 * HOUR))]
    due = reaches(ledger, Target(4 * HOUR, ALWAYS), 4 * HOUR)
    assert due is not None
    assert due.at == after(4 * HOUR)


def test_levels_of_a_normal_complaint() -> None:
    """Monday 10:00, a target of four office hours: 14:00 warns, 15:00 is late, Tuesday 9:00 written, then a week."""
    known = levels("resolution", 3, running(), Target(4 * HOUR, OFFICE_HOURS), OFFICE_HOURS)
    assert [(level.number, level.at) for level in known] == [
        (1, datetime(2026, 3, 2, 6, tzinfo=UTC)),
        (2, datetime(2026, 3, 2, 7, tzinfo=UTC)),
        (3, datetime(2026, 3, 3, 1, tzinfo=UTC)),
        (4, datetime(2026, 3, 10, 1, tzinfo=UTC)),
    ]


def test_scaled_levels_follow_in_scaled_days() -> None:
    known = levels("resolution", 3, running(), Target(4.0, ALWAYS, scale=1e-4), ALWAYS)
    assert [(level.number, level.at) for level in known] == [
        (1, after(3.0)),
        (2, after(4.0)),
        (3, after(4.0 + 8.64)),
        (4, after(4.0 + 8.64 * 6)),
    ]


def test_an_emergency_begins_at_level_two() -> None:
    known = levels("resolution", 1, running(), Target(8 * HOUR, ALWAYS), ALWAYS)
    assert (known[0].number, known[0].at) == (2, START)
    assert [level.number for level in known] == [2, 3, 4]


def test_other_clocks_end_at_the_supervisor() -> None:
    known = levels("keep_informed", 3, running(), Target(HOUR, ALWAYS), ALWAYS)
    assert [level.number for level in known] == [1, 2]


def test_what_earlier_cycles_used_up_counts() -> None:
    due = reaches(running(), Target(4 * HOUR, ALWAYS, before=3 * HOUR), 4 * HOUR)
    assert due is not None
    assert due.at == after(HOUR)
    over = reaches(running(), Target(4 * HOUR, ALWAYS, before=9 * HOUR), 4 * HOUR)
    assert over is not None
    assert over.at == START


def test_late_by_days_only_the_highest_level_is_next() -> None:
    known = levels("resolution", 3, running(), Target(4 * HOUR, OFFICE_HOURS), OFFICE_HOURS)
    late = datetime(2026, 3, 4, tzinfo=UTC)
    assert reached(known, late) == 3
    level = next_level(known, 3)
    assert level is not None
    assert level.number == 4
    assert next_level(known, 4) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 200_000)), max_size=8), st.integers(60, 500_000))
def test_at_the_due_date_the_target_has_elapsed(parts: list[tuple[bool, int]], seconds: int) -> None:
    ledger, at = [], START
    for runs, length in parts:
        end = at + timedelta(seconds=length)
        ledger.append(Segment("running" if runs else "paused", at, end))
        at = end
    ledger.append(Segment("running", at))
    target = Target(float(seconds), OFFICE_HOURS)
    due = reaches(ledger, target, target.seconds)
    assert due is not None
    assert elapsed(ledger, target, due.at) == target.seconds


class Life(RuleBasedStateMachine):
    """A clock that runs, pauses, resumes and changes its policy; the model counts second by second of its own."""

    @initialize(office=st.booleans(), limit=st.integers(600, 300_000))
    def begin(self, office: bool, limit: int) -> None:
        self.hours: Hours = OFFICE_HOURS if office else ALWAYS
        self.target = Target(float(limit), self.hours)
        self.ledger = running()
        self.now = START
        self.counted = 0.0

    @rule(seconds=st.integers(1, 100_000))
    def wait(self, seconds: int) -> None:
        then = self.now + timedelta(seconds=seconds)
        if not paused(self.ledger):
            self.counted += working_seconds(self.hours, self.now, then)
        self.now = then

    @precondition(lambda self: not paused(self.ledger))
    @rule()
    def pause(self) -> None:
        last = self.ledger.pop()
        self.ledger += [Segment("running", last.start, self.now), Segment("paused", self.now)]

    @precondition(lambda self: paused(self.ledger))
    @rule()
    def resume(self) -> None:
        last = self.ledger.pop()
        self.ledger += [Segment("paused", last.start, self.now), Segment("running", self.now)]

    @rule(limit=st.integers(600, 300_000))
    def change_policy(self, limit: int) -> None:
        self.target = Target(float(limit), self.hours)

    @invariant()
    def elapsed_is_what_was_counted(self) -> None:
        if hasattr(self, "ledger"):
            assert elapsed(self.ledger, self.target, self.now) == self.counted

    @invariant()
    def late_is_late(self) -> None:
        if not hasattr(self, "ledger"):
            return
        due = reaches(self.ledger, self.target, self.target.seconds)
        if due is None:
            assert self.counted < self.target.seconds
        else:
            assert (due.at <= self.now) == (self.counted >= self.target.seconds)
            if self.counted < self.target.seconds:
                left = self.target.seconds - self.counted
                assert add_working(self.hours, self.now, left).at == due.at


TestLife = Life.TestCase
