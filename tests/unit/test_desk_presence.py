"""An agent whose page was lost gets calls again as soon as it is back, whoever conducts by then."""

from callcenter.routing import presence
from callcenter.routing.board import Agent, Board
from callcenter.routing.step import House, Step

NOW = 1_000_000.0


def seen(agent: Agent, here: set[str]) -> Agent:
    board = Board(agents={agent.name: agent})
    presence.desks(Step(board, NOW, House()), here)
    return board.agents[agent.name]


def test_a_page_that_is_back_withdraws_the_pause_also_behind_a_new_conductor() -> None:
    # A conductor that begins anew forgets since when the page is missing, never that it was.
    ann = Agent(
        "ann", status="available", desk=True, desk_missing=0.0, pauses=["desk_lost"], paused="desk_lost"
    )
    assert seen(ann, {"ann"}).paused == ""


def test_a_page_that_stays_away_keeps_the_pause() -> None:
    ann = Agent(
        "ann", status="available", desk=True, desk_missing=0.0, pauses=["desk_lost"], paused="desk_lost"
    )
    assert seen(ann, set()).paused == "desk_lost"
