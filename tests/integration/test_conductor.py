"""The conductor between a real store, a real record and a line without a network."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, events
from callcenter.calls.models import Call
from callcenter.settings import Settings
from tests.hotline import Hotline, conducting, hotline, until


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Hotline]:
    async with hotline(settings, engine) as made:
        yield made


async def test_one_call_all_the_way(place: Hotline) -> None:
    place.seed("ann", wrap_up=60.0)
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        leg = place.outside.ring("+8613800000001")
        assert leg
        answered = await place.hears(events.CallAnswered, call=leg)
        assert answered.agent == "ann"
        place.ask(commands.HoldCall("ann", leg))
        await place.hears(events.CallHeld, call=leg)
        place.ask(commands.ResumeCall("ann", leg))
        await place.hears(events.CallResumed, call=leg)
        await until(lambda: place.line.all[leg].other)
        place.outside.hang_up(leg)
        ended = await place.hears(events.CallFinished, call=leg)
        assert (ended.outcome, ended.ended_by, ended.agent) == ("answered", "customer", "ann")
        await place.hears(events.WrapUpStarted, call=leg)
        await until(lambda: not place.line.all)
        place.ask(commands.FinishWrapUp("ann", leg, "solved", "all well"))
        await place.hears(events.WrapUpEnded, call=leg)
        board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
        assert board.queues["default"].answered == board.queues["default"].offered == 1

        def recorded() -> Call | None:
            with db.read(place.engine) as session:
                return session.exec(select(Call).where(Call.id == leg, Call.disposition == "solved")).first()

        call = await until(recorded)
        assert call is not None
        assert (call.outcome, call.agent, call.evidence, call.note) == ("answered", "ann", True, "all well")
