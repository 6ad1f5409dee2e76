"""A customer goes back to the PBX that the call came by, which rings somebody there: REFER out."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Engine

from callcenter import commands, events
from callcenter.settings import Settings, TrunkSettings
from tests.integration.test_transfers import CUSTOMER, hears, party, recorded, rings
from tests.switchboard import Switchboard, conducting, switchboard, until

THERE = "4021"


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    trunks = (
        TrunkSettings(name="pbx", address="127.0.0.1:5099", release=True),
        TrunkSettings(name="carrier", address="127.0.0.1:5098"),
    )
    async with switchboard(settings.model_copy(update={"trunks": trunks}), engine) as made:
        made.seed("ann", wrap_up=20.0)
        async with conducting(made.settings, made.engine):
            await made.ready("ann", behaviour="ring")
            yield made


async def talk(place: Switchboard, trunk: str) -> str:
    call = place.outside.ring(CUSTOMER, trunk=trunk)
    assert call
    await rings(place, "ann", answered=True)
    await place.hears(events.CallAnswered, call=call)
    return call


async def test_the_pbx_takes_the_caller_back(place: Switchboard) -> None:
    call = await talk(place, "pbx")
    place.outside.transfers[THERE] = 200
    place.ask(commands.TransferCall("ann", call, "release", THERE, "their own fitter"))
    given = await place.hears(events.CallTransferred, call=call)
    assert (given.agent, given.kind, given.to, given.how) == ("ann", "number", THERE, "released")
    assert (await place.hears(events.ConsultEnded, call=call)).outcome == "transferred"
    row = await recorded(place, call)
    assert (row.outcome, row.ended_by, row.transfers, row.agent) == ("answered", "agent", 1, "ann")
    await place.board_when(lambda board: board.agents["ann"].activity == "wrap_up")
    await until(lambda: not place.line.all)


@pytest.mark.parametrize(
    ("code", "outcome"), [(486, "busy"), (408, "no_answer"), (503, "failed"), (0, "failed")]
)
async def test_it_does_not(place: Switchboard, code: int, outcome: str) -> None:
    """The agent is still with the customer; also when the PBX takes the request and tells nothing."""
    call = await talk(place, "pbx")
    place.outside.transfers[THERE] = code
    place.ask(commands.TransferCall("ann", call, "release", THERE))
    assert (await place.hears(events.ConsultEnded, call=call)).outcome == outcome
    await hears(place, call, "ann")
    board = await place.board_when(lambda board: not board.calls[call].releasing)
    assert (board.calls[call].state, board.calls[call].sent_by) == ("bridged", "")
    assert not place.told(events.CallTransferred)


async def test_a_pbx_that_takes_it_without_a_word(place: Switchboard) -> None:
    call = await talk(place, "pbx")
    place.outside.transfers[THERE] = 0
    place.ask(commands.TransferCall("ann", call, "release", THERE))
    await place.board_when(lambda board: board.calls[call].releasing)
    place.outside.hang_up(call)
    assert (await place.hears(events.CallTransferred, call=call)).how == "released"
    assert (await recorded(place, call)).transfers == 1


async def test_the_agent_hangs_up_before_it_is_known(place: Switchboard) -> None:
    """Nobody takes the customer there: in front of the queue."""
    call = await talk(place, "pbx")
    place.outside.transfers[THERE] = 0
    place.ask(commands.TransferCall("ann", call, "release", THERE))
    await place.board_when(lambda board: board.calls[call].releasing)
    place.outside.hang_up(party(place, "ann"))
    board = await place.board_when(lambda board: board.calls[call].state in ("transferring", "queued"))
    assert board.agents["ann"].activity == "wrap_up"
    await place.board_when(lambda board: board.calls[call].state == "queued")


async def test_only_by_a_trunk_that_says_so(place: Switchboard) -> None:
    call = await talk(place, "carrier")
    board = await place.board_when(lambda board: call in board.calls)
    assert not board.calls[call].may_release
    place.ask(commands.TransferCall("ann", call, "release", THERE))
    assert (await place.hears(events.DeskCommandRefused)).code == "not-supported"
