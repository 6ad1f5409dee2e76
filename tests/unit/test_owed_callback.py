"""A caller whom we owe a call and nobody owns: the longest idle agent of the queue rings back."""

import pytest

from callcenter.commands import PlaceCallback
from callcenter.routing.board import Agent, Board, Line, Queue
from callcenter.routing.flows import House, step

NOW = 1_000_000.0


def agent(name: str, idle_since: float, queue: str = "default", status: str = "available") -> Agent:
    return Agent(
        name,
        status=status,
        reachable=True,
        queues=[queue],
        phone=name,
        lines=["line1"],
        idle_since=idle_since,
    )


def taken_by(*agents: Agent, asked: str = "") -> str:
    board = Board()
    board.agents = {one.name: one for one in agents}
    board.lines = {"line1": Line("line1", up=True, capacity=100)}
    owed = PlaceCallback("a1", 1, "+8613800000001", asked, mode="agent_first", queue="default")
    board.queues = {"default": Queue("default")}
    board.index()
    step(board, owed, NOW, House())
    return board.attempts["a1"].agent


def test_the_longest_idle_of_the_queue() -> None:
    assert taken_by(agent("bo", 200.0), agent("ann", 100.0), agent("cy", 1.0, "sales")) == "ann"


def test_who_was_named_is_rung_and_nobody_else() -> None:
    assert taken_by(agent("bo", 200.0), agent("ann", 100.0), asked="bo") == "bo"


@pytest.mark.parametrize("status", ["not_ready", "break", "signed_out"])
def test_nobody_free_is_waited_for(status: str) -> None:
    assert taken_by(agent("ann", 100.0, status=status)) == ""
