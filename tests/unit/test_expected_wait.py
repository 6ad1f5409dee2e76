"""The expected wait: told with the place and only when it became shorter, and who is not let in because of it."""

import pytest

from callcenter import commands, events
from callcenter.routing import endings, rules
from callcenter.routing.arrivals import deliver, tell_places
from callcenter.routing.board import Board, Call, Queue
from callcenter.routing.expectation import expected
from callcenter.routing.step import Step
from tests.unit.test_matching_flow import HOUSE, NOW, agent, board, caller


def test_the_mean_follows_the_newest_calls() -> None:
    assert rules.smoothed(0.0, 300.0) == 300.0
    assert rules.smoothed(300.0, 200.0) == pytest.approx(290.0)


def busy(*queues: Queue) -> Board:
    """Two who take calls and talk, one on a break."""
    on = board(*queues)
    for name in ("ann", "bob"):
        agent(on, name, "a", activity="talking", call="other", since=NOW)
        on.calls["other"] = Call("other", state="ended", wrap_until=NOW + 900)
    agent(on, "cao", "a").status = "break"
    on.index()
    return on


def said(on: Board, now: float) -> list[str]:
    taken = Step(on, now, HOUSE)
    tell_places(taken, on.queues["a"])
    played = [one for _, one in taken.effects().commands if isinstance(one, commands.PlayPrompts)]
    return [text for one in played for text in one.prompts]


def test_it_is_told_with_the_place_and_again_only_when_shorter() -> None:
    on = busy(Queue("a", announce_wait=True, announce_every=30.0, handling=240.0))
    first = caller(on, "first", "a", 60.0, place_told=0, place_told_at=0.0, language="en")
    caller(on, "second", "a", 50.0, place_told=0, place_told_at=0.0, language="cmn")
    assert said(on, NOW) == [
        "say:en:You are number 1 in the queue.",
        "say:en:The wait is about 2 minutes.",
        "say:cmn:您现在排在第2位。",
        "say:cmn:预计等待约4分钟。",
    ]
    first.state = "ended"
    on.index()
    on.queues["a"].handling = 600.0
    assert said(on, NOW + 40) == ["say:cmn:您现在排在第1位。"]  # five minutes now: nobody wants to hear that
    on.queues["a"].announce_wait = False
    assert expected(Step(on, NOW, HOUSE), on.queues["a"], 1) == 300.0


def test_who_would_wait_too_long_is_not_let_in() -> None:
    on = busy(Queue("a", most_expected=300.0, handling=240.0, greeting="-"))
    for place, let_in in enumerate((True, True, False)):
        call = caller(on, f"c{place}", "a", 0.0, state="arriving", queued=0.0, kind="inbound")
        on.queues["a"].waiting = place
        deliver(Step(on, NOW, HOUSE), call)
        assert (call.state != "leaving") == let_in, place
    agent(on, "dan", "a")
    call = caller(on, "c3", "a", 0.0, state="arriving", queued=0.0, kind="inbound")
    deliver(Step(on, NOW, HOUSE), call)
    assert call.state != "leaving"  # somebody is free


def test_a_call_that_ends_counts_in_the_mean() -> None:
    on = board(Queue("a", wrap_up=20.0))
    call = caller(on, "one", "a", 400.0, state="bridged", answered=NOW - 100.0, agent="ann")
    taken = Step(on, NOW, HOUSE)
    endings.finish(taken, call, "answered", "customer", NOW)
    assert on.queues["a"].handling == 120.0
    assert [one.outcome for one in taken.effects().events if isinstance(one, events.CallFinished)] == [
        "answered"
    ]
