"""A supervisor in a call: who hears whom, who may, and how it ends."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Engine

from callcenter import commands, db, events
from callcenter.people.models import User
from callcenter.settings import Settings
from tests.switchboard import Switchboard, conducting, switchboard, until


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    async with switchboard(settings, engine) as made:
        made.seed("ann")
        with db.write(engine) as session:
            session.add(User(name="sue", role="supervisor", phone="sue", phone_ha1="x", created_at=db.now()))
        yield made


async def spoken(place: Switchboard) -> tuple[str, str]:
    """Ann speaks with a caller; sue's phone is there: the customer's leg, the agent's."""
    await place.ready("ann")
    place.outside.register("sue", "ring")
    await place.board_when(lambda board: board.agents["sue"].reachable)
    caller = place.outside.ring("+8613800000001")
    assert caller
    await place.hears(events.CallAnswered, call=caller)
    return caller, (await place.board_when(lambda board: board.calls[caller])).calls[caller].agent_leg


async def heard(place: Switchboard, call: str, **wanted: set[str]) -> None:
    """Wait until each leg (c, a, s) hears exactly these."""

    def right(board: Any) -> bool:
        found = board.calls[call]
        sue = next((leg for leg, one in found.parties.items() if one.name == "sue"), "-")
        legs = {"c": found.leg, "a": found.agent_leg, "s": sue}
        return all(
            set(found.heard.get(legs[who], [])) == {legs[one] for one in others}
            for who, others in wanted.items()
        )

    await place.board_when(right)


async def test_the_customer_hears_a_barge_and_no_whisper(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        call, _ = await spoken(place)
        place.ask(commands.Supervise("sue", call, "listen"))
        leg = await until(lambda: next((k for k, one in place.line.all.items() if one.party == "sue"), ""))
        await heard(place, call, c={"a"}, a={"c"})
        place.outside.answer(leg)
        await place.hears(events.CallSupervised, by="sue", agent="ann", mode="listen")
        await heard(place, call, c={"a"}, a={"c"}, s={"c", "a"})
        place.ask(commands.Supervise("sue", call, "whisper"))
        await heard(place, call, c={"a"}, a={"c", "s"}, s={"c", "a"})
        place.ask(commands.HoldCall("ann", call))
        await heard(place, call, c=set(), a={"s"})
        place.ask(commands.ResumeCall("ann", call))
        place.ask(commands.Supervise("sue", call, "barge"))
        await heard(place, call, c={"a", "s"}, a={"c", "s"}, s={"c", "a"})
        place.ask(commands.StopSupervising("sue", call))
        await place.hears(events.CallSupervised, by="sue", mode="")
        await heard(place, call, c={"a"}, a={"c"})
        await place.board_when(lambda board: board.agents["sue"].activity == "idle")


async def test_it_ends_with_the_call(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        call, _ = await spoken(place)
        place.ask(commands.Supervise("sue", call))
        leg = await until(lambda: next((k for k, one in place.line.all.items() if one.party == "sue"), ""))
        place.outside.answer(leg)
        await place.hears(events.CallSupervised, mode="listen")
        place.outside.hang_up(call)
        await until(lambda: not place.line.all)
        await place.board_when(lambda board: board.agents["sue"].activity == "idle")


async def test_who_cannot_is_told_why(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        call, _ = await spoken(place)
        place.ask(commands.Supervise("ann", call))
        await place.hears(events.DeskCommandRefused, agent="ann", code="own-call")
        place.outside.unregister("sue")
        await place.board_when(lambda board: not board.agents["sue"].reachable)
        place.ask(commands.Supervise("sue", call))
        await place.hears(events.DeskCommandRefused, agent="sue", code="no-phone")
        place.ask(commands.Supervise("sue", call, "shout"))
        await place.hears(events.DeskCommandRefused, agent="sue", code="invalid-input")
        place.ask(commands.StopSupervising("sue", call))
        await place.hears(events.DeskCommandRefused, agent="sue", code="wrong-state")


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
async def test_the_music_ends_with_the_hold_though_a_supervisor_is_there(
    place: Switchboard, mode: str
) -> None:
    async with conducting(place.settings, place.engine):
        call, _ = await spoken(place)
        place.ask(commands.Supervise("sue", call, "listen"))
        leg = await until(lambda: next((k for k, one in place.line.all.items() if one.party == "sue"), ""))
        place.outside.answer(leg)
        await heard(place, call, s={"c", "a"})
        place.ask(commands.HoldCall("ann", call))
        await until(lambda: place.line.all[call].playing)
        place.ask(commands.ResumeCall("ann", call))
        await heard(place, call, c={"a"})
        await until(lambda: not place.line.all[call].playing)
        place.ask(commands.Supervise("sue", call, mode))
        place.ask(commands.HoldCall("ann", call))
        await until(lambda: place.line.all[call].playing)
        place.ask(commands.ResumeCall("ann", call))
        await until(lambda: not place.line.all[call].playing)
