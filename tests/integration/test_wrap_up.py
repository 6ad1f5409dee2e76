"""Wrap-up: how long it may be."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Engine

from callcenter import commands, events
from callcenter.settings import Settings
from tests.switchboard import Switchboard, conducting, switchboard


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    async with switchboard(settings, engine) as made:
        yield made


async def wrapping_up(place: Switchboard, name: str = "ann") -> events.WrapUpStarted:
    """An agent who spoke with a caller and writes the notes."""
    caller = place.outside.ring("+8613800000001")
    assert caller
    await place.hears(events.CallAnswered, call=caller, agent=name)
    place.outside.hang_up(caller)
    return await place.hears(events.WrapUpStarted, call=caller, agent=name)


async def test_a_wrap_up_is_lengthened_as_often_and_as_much_as_the_queue_allows(place: Switchboard) -> None:
    place.seed("ann", wrap_up=600.0, extension_times=3, extension_seconds=50.0)
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        began = await wrapping_up(place)
        for seconds in (30.0, 30.0):
            place.ask(commands.ExtendWrapUp("ann", seconds))
        await place.board_when(lambda board: board.agents["ann"].extensions == 2)
        told = place.told(events.WrapUpExtended, agent="ann")
        assert [round(one.until - began.until, 3) for one in told] == [30.0, 50.0]  # the last is the rest
        place.ask(commands.ExtendWrapUp("ann", 30.0))
        await place.hears(events.DeskCommandRefused, agent="ann", code="no-more-time", call=began.call)
        place.ask(commands.FinishWrapUp("ann", began.call, "resolved"))
        await place.hears(events.WrapUpEnded, call=began.call, agent="ann")
        again = await wrapping_up(place)
        place.ask(commands.ExtendWrapUp("ann", 10.0))
        told = [await place.hears(events.WrapUpExtended, call=again.call)]
        assert round(told[0].until - again.until, 3) == 10.0


async def test_a_queue_may_allow_no_more_time(place: Switchboard) -> None:
    place.seed("ann", wrap_up=600.0, extension_times=0)
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        began = await wrapping_up(place)
        place.ask(commands.ExtendWrapUp("ann", 10.0))
        await place.hears(events.DeskCommandRefused, agent="ann", code="no-more-time", call=began.call)
        assert not place.told(events.WrapUpExtended)
