"""Callers who wait although an agent could have had them are noticed from outside; those who must wait are not."""

from typing import Any

from callcenter.routing.board import Agent, Board, Call, Line, Queue
from callcenter.routing.rules import Ring
from callcenter.routing.watch import left_waiting

NOW = 1_795_338_000.0


def board(
    waited: float = 10.0, free_for: float = 10.0, rings: list[Ring] | None = None, **more: Any
) -> Board:
    on = Board()
    on.lines["line1"] = Line("line1", up=True)
    on.queues["a"] = Queue("a", rings=rings or [], owner_first=60.0)
    on.agents["ann"] = Agent(
        "ann", status="available", reachable=True, fixed=True, phone="ann", queues=["a"],
        since=NOW - free_for, status_since=NOW - 99,
    )  # fmt: skip
    at = NOW - waited
    usual: dict[str, Any] = {
        "state": "queued",
        "queue": "a",
        "line": "line1",
        "since": at,
        "lined_up": at,
        "queued": at,
    }
    on.calls["c"] = Call("c", **{**usual, **more})
    on.index()
    return on


def test_a_caller_beside_a_ready_agent_is_noticed_after_three_seconds() -> None:
    assert left_waiting(board(), NOW) == ["a"]
    assert left_waiting(board(waited=2.0), NOW) == []
    assert left_waiting(board(free_for=2.0), NOW) == []


def test_who_must_wait_is_no_alarm() -> None:
    assert left_waiting(board(state="offered"), NOW) == []
    assert left_waiting(board(rings=[Ring(0.0, {"english": 50})]), NOW) == []
    assert left_waiting(board(rings=[Ring(8.0, {"english": 50})]), NOW) == [], (
        "the skill was asked for until 2 s ago"
    )
    assert left_waiting(board(passed={"ann": NOW - 1.0}), NOW) == [], "turned down"
    on = board()
    on.agents["ann"].paused = "missed_calls"
    on.index()
    assert left_waiting(on, NOW) == []
    on = board(owner="ben")
    on.agents["ben"] = Agent(
        "ben", status="available", activity="talking", reachable=True, fixed=True, phone="ben", queues=["a"]
    )
    on.index()
    assert left_waiting(on, NOW) == [], "kept for the owner"
