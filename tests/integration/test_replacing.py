"""INVITE with Replaces: a phone takes another leg's place, and the record keeps one call."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, events, stream
from callcenter.calls.models import Call
from callcenter.settings import Settings
from tests.integration.test_transfers import CUSTOMER, OUTSIDE, hears, party, recorded, rings, talk
from tests.switchboard import Switchboard, conducting, switchboard, until


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    """Ann takes callers; Ben and Cem are there for colleagues."""
    async with switchboard(settings, engine) as made:
        made.seed("ann", "ben", "cem", wrap_up=20.0)
        made.outside.phones[OUTSIDE] = "ring"
        async with conducting(made.settings, made.engine):
            for name in ("ann", "ben", "cem"):
                await made.ready(name, behaviour="ring")
            for name in ("ben", "cem"):
                made.ask(commands.SetStatus(name, "not_ready"))
            await made.board_when(lambda board: board.agents["cem"].status == "not_ready")
            yield made


def replace(place: Switchboard, who: str, leg: str, **fields: str) -> str:
    """That phone, or somebody by a trunk, asks for the leg's place; the new leg."""
    made = place.outside.ring(who, "hotline", replaces=leg, **(fields or {"phone": who}))
    assert made
    return made


async def refused(place: Switchboard, who: str, leg: str, code: int, **fields: str) -> None:
    new = replace(place, who, leg, **fields)

    def ended() -> list[int]:
        found: Any = place.store.xrange(stream.LINE_EVENTS)
        every = [events.line.decode(entry[b"body"]) for _, entry in found]
        return [one.code for one in every if isinstance(one, events.LegEnded) and one.leg == new]

    assert await until(ended) == [code]


def calls(place: Switchboard) -> int:
    with db.read(place.engine) as session:
        return len(session.exec(select(Call)).all())


async def test_a_colleague_takes_the_conversation(place: Switchboard) -> None:
    """The last step of an attended transfer between phones: as any transfer, for figures, wrap-up and record."""
    call = await talk(place)
    ann = party(place, "ann")
    place.ask(commands.ConsultCall("ann", call, "number", OUTSIDE))
    await rings(place, OUTSIDE)
    ben = replace(place, "ben", ann)
    await hears(place, call, "ben")
    await until(lambda: set(place.line.all) == {call, ben})
    assert (await place.hears(events.ConsultEnded, call=call)).outcome == "dropped"
    given = await place.hears(events.CallTransferred, call=call)
    assert (given.agent, given.kind, given.to, given.how) == ("ann", "agent", "ben", "phones")
    assert (await place.hears(events.CallTakenOver, call=call)).agent == "ben"
    board = await place.board_when(lambda board: board.agents["ann"].activity == "wrap_up")
    assert (board.agents["ben"].activity, board.agents["ben"].call) == ("talking", call)
    place.outside.hang_up(ben)
    row = await recorded(place, call)
    assert (row.agent, row.last_agent, row.transfers, row.outcome) == ("ann", "ben", 1, "answered")
    assert calls(place) == 1
    await place.board_when(lambda board: board.agents["ben"].activity == "wrap_up")


async def test_the_same_agent_by_another_device(place: Switchboard) -> None:
    call = await talk(place)
    place.ask(commands.MuteCall("ann", call, True))
    await place.hears(events.CallMuted)
    old = party(place, "ann")
    new = replace(place, "ann", old)
    await until(lambda: set(place.line.all) == {call, new})
    await hears(place, call, "ann")
    assert place.line.all[new].muted
    assert not place.told(events.CallTransferred)
    place.outside.hang_up(new)
    assert (await recorded(place, call)).transfers == 0


async def test_a_ringing_phone_is_picked_up(place: Switchboard) -> None:
    """Its agent is not said to have missed the call."""
    call = place.outside.ring(CUSTOMER)
    assert call
    ringing = await rings(place, "ann")
    replace(place, "ben", ringing)
    answered = await place.hears(events.CallAnswered, call=call)
    assert answered.agent == "ben"
    await hears(place, call, "ben")
    offers = {one.agent: one.outcome for one in place.told(events.OfferEnded)}
    assert offers == {"ann": "withdrawn", "ben": "answered"}
    board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
    assert (board.agents["ann"].misses, board.queues["default"].answered) == (0, 1)


@pytest.mark.parametrize("up", [False, True])
async def test_in_place_of_who_is_asked(place: Switchboard, up: bool) -> None:
    call = await talk(place)
    place.ask(commands.ConsultCall("ann", call, "agent", "ben"))
    ben = await rings(place, "ben", answered=up)
    if up:
        await place.hears(events.ConsultAnswered)
    cem = replace(place, "cem", ben)
    await hears(place, party(place, "ann"), "cem")
    await place.board_when(lambda board: board.agents["ben"].activity == "idle")
    place.ask(commands.JoinCall("ann", call))
    await hears(place, call, "ann", "cem")
    ben = replace(place, "ben", cem)
    await hears(place, call, "ann", "ben")
    await place.board_when(lambda board: board.agents["cem"].activity == "wrap_up")
    place.outside.hang_up(call)
    await until(lambda: not place.line.all)


@pytest.mark.parametrize("up", [False, True])
async def test_in_place_of_the_colleague_of_an_internal_call(place: Switchboard, up: bool) -> None:
    call = place.outside.ring("ann", "ben", phone="ann")
    assert call
    ben = await rings(place, "ben", answered=up)
    if up:
        await place.hears(events.CallAnswered)
    cem = replace(place, "cem", ben)
    await hears(place, call, "cem")
    await until(lambda: set(place.line.all) == {call, cem})
    board = await place.board_when(lambda board: board.agents["cem"].activity == "talking")
    assert board.agents["ben"].activity == "idle"
    place.outside.hang_up(call)
    await recorded(place, call)
    await place.board_when(lambda board: board.agents["cem"].activity == "idle")


async def test_the_customer_by_another_phone_of_the_same_trunk(place: Switchboard) -> None:
    call = place.outside.ring(CUSTOMER, trunk="carrier")
    assert call
    await rings(place, "ann", answered=True)
    await hears(place, call, "ann")
    new = replace(place, OUTSIDE, call, trunk="carrier")
    await hears(place, party(place, "ann"), OUTSIDE)
    await until(lambda: call not in place.line.all)
    place.outside.hang_up(new)
    assert (await recorded(place, call)).outcome == "answered"
    assert calls(place) == 1


async def test_what_is_refused(place: Switchboard) -> None:
    await refused(place, "ben", "nothing", 481)
    call = place.outside.ring(CUSTOMER, trunk="carrier")
    assert call
    ann = await rings(place, "ann", answered=True)
    await hears(place, call, "ann")
    await refused(place, "ben", call, 403)
    await refused(place, CUSTOMER, ann, 403, trunk="carrier")
    await refused(place, CUSTOMER, call, 403, trunk="another")
    place.ask(commands.SignOut("cem"))
    await place.board_when(lambda board: board.agents["cem"].status == "signed_out")
    await refused(place, "cem", ann, 403)
    place.ask(commands.ConsultCall("ann", call, "agent", "ben"))
    await rings(place, "ben", answered=True)
    await place.hears(events.ConsultAnswered)
    await refused(place, "ben", ann, 486)
    await hears(place, ann, "ben")


async def test_a_phone_that_gives_up_changes_nothing(
    place: Switchboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The INVITE was cancelled before we could answer it."""
    call, execute = await talk(place), place.line.execute

    def late(command: Any) -> None:
        if not isinstance(command, commands.AnswerLeg):
            execute(command)

    monkeypatch.setattr(place.line, "execute", late)
    new = replace(place, "ben", party(place, "ann"))
    await place.board_when(lambda board: new in board.calls[call].parties)
    place.outside.hang_up(new)
    await place.board_when(lambda board: new not in board.calls[call].parties)
    await hears(place, call, "ann")
