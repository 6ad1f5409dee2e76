"""The host's clock is set while calls wait: as long is left, and has passed, as before."""

from callcenter import events
from callcenter.routing import clock
from callcenter.routing.board import Agent, Attempt, Board, Call, Line, Party, Queue
from callcenter.routing.clock import Clock, ClockSet
from callcenter.routing.flows import House, step

NOW = 1_795_338_000.0
HOUR = 3600.0


class Clocks:
    """Of a host."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 50.0

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.wall, lambda: self.steady)


def test_time_that_passes_is_no_step_and_a_step_is_told_once() -> None:
    host = Clocks()
    clock_of_it = host.clock()
    host.pass_(30.0)
    assert clock_of_it.read() == (NOW + 30.0, 0.0)
    host.wall -= HOUR
    host.pass_(0.25)
    assert clock_of_it.read() == (NOW + 30.25 - HOUR, -HOUR)
    assert clock_of_it.read()[1] == 0.0
    host.wall += 0.1
    assert clock_of_it.read()[1] == 0.0, "as small as a clock that is kept right goes"


def test_a_process_that_sleeps_between_two_clocks_reads_them_again() -> None:
    steady, wall = iter([0.0, 0.0, 1.0, 21.0, 21.0, 21.0]), iter([NOW, NOW + 1.0, NOW + 21.0])
    assert Clock(lambda: next(wall), lambda: next(steady)).read() == (NOW + 21.0, 0.0)


def test_a_board_from_ahead_is_taken_over_as_it_stood() -> None:
    host = Clocks()
    standby = host.clock()
    host.wall -= HOUR  # While it waits for the lease.
    on = Board(agents={"ann": Agent("ann", since=NOW - 5.0)}, calls={"c": Call("c", since=NOW - 2.0)})
    standby.take_over(on)
    assert standby.read() == (NOW - HOUR, -(HOUR - 2.0))
    standby.take_over(Board())
    assert standby.read()[1] == 0.0


def test_every_instant_moves_and_never_stays_never() -> None:
    on = Board(ticked=NOW, queues={"default": Queue("default")}, lines={"l": Line("l", missing_since=NOW)})
    on.calls["c"] = Call(
        "c", state="queued", queue="default", line="l", started=NOW - 70, queued=NOW - 70, lined_up=NOW - 60,
        since=NOW - 60, passed={"ann": NOW + 3}, places={"default": NOW - 70}, counted={"default": NOW - 60},
        parties={"p": Party("p", "consult", "ben", since=NOW - 1, until=NOW + 9)},
    )  # fmt: skip
    on.agents["ann"] = Agent("ann", activity="wrap_up", since=NOW - 4, wrap_until=NOW + 26, wrap_offered=NOW)
    on.attempts["a"] = Attempt("a", "callback", at=NOW - 9, until=NOW + 99)
    on.index()
    told = step(on, ClockSet(-HOUR), NOW - HOUR, House()).events
    call, ann = on.calls["c"], on.agents["ann"]
    assert (call.queued, call.since, call.until, call.answered) == (
        NOW - HOUR - 70,
        NOW - HOUR - 60,
        0.0,
        0.0,
    )
    assert (call.passed, call.places) == ({"ann": NOW - HOUR + 3}, {"default": NOW - HOUR - 70})
    assert (call.parties["p"].until, on.attempts["a"].until) == (NOW - HOUR + 9, NOW - HOUR + 99)
    assert (ann.wrap_until, on.lines["l"].missing_since, on.ticked) == (
        NOW - HOUR + 26,
        NOW - HOUR,
        NOW - HOUR,
    )
    assert (call.counted, ann.wrap_offered) == ({"default": NOW - 60}, NOW), "half hours that were told"
    assert [(one.what, one.why) for one in told if isinstance(one, events.Healed)] == [
        ("clock", "it was set by -3600.0 s")
    ]


def test_no_instant_of_the_board_is_forgotten() -> None:
    """A new field that holds an instant belongs into the list, or here."""
    not_moved = {"held", "between", "stint_held", "wrap_offered", "talked", "extended"}
    for kind, moved in clock.INSTANTS.items():
        floats = {
            name for name, one in kind.__dataclass_fields__.items() if one.type in (float, "float")
        }  # fmt: skip
        assert floats - not_moved == set(moved), kind
