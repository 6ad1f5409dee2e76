"""Keep your place, we ring you back: conductor, ledger, worker and the shipped fake line, from the key to the dial."""

import asyncio

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, events
from callcenter.callbacks import desk, owed
from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.outbound.models import Attempt
from callcenter.settings import Settings
from tests.pages import serve
from tests.switchboard import Switchboard, conducting, switchboard, until
from workers import callbacks as jobs
from workers import place

CALLER, LANDLINE = "+8613800138000", "+862088886666"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Customers may be rung at any hour at which the test runs."""
    return settings.model_copy(update={"outbound_hours": "00:00-24:00"})


def kept(engine: Engine) -> list[Callback]:
    with db.read(engine) as session:
        return list(session.exec(select(Callback)).all())


def recorded(engine: Engine, call: str) -> Call | None:
    with db.read(engine) as session:
        found = session.get(Call, call)
    return found if found is not None and found.ended_at else None


async def opens(board: Switchboard, **rules: object) -> None:
    board.seed("anna", callback=True, **rules)
    board.ask(commands.ReloadDirectory())
    await board.board_when(lambda found: found.queues["default"].callback)
    board.ask(commands.SignIn("anna"))
    await board.board_when(lambda found: found.agents["anna"].status != "signed_out")


async def takes(board: Switchboard, engine: Engine, caller: str = CALLER, keys: str = "11") -> Call:
    """A caller waits, presses the keys and is let go; the call as it was recorded."""
    leg = board.outside.ring(caller)
    assert leg
    await board.board_when(lambda found: found.calls[leg].state == "queued")
    for digit in keys:
        board.outside.press(leg, digit)
    await board.hears(events.CallFinished, call=leg)
    return await until(lambda: recorded(engine, leg))


def owe(settings: Settings, *calls: str) -> None:
    place.enter(settings)
    try:
        for one in calls:
            jobs.owe(one)
    finally:
        place.leave()


def dial(settings: Settings, callback: int) -> None:
    place.enter(settings)
    try:
        jobs.dial(str(callback), 0)
    finally:
        place.leave()


async def stands(board: Switchboard, settings: Settings, engine: Engine) -> tuple[Call, Callback]:
    """A caller has kept the place, and the callback stands in the queue."""
    call = await takes(board, engine)
    owe(settings, call.id)
    [callback] = kept(engine)
    dial(settings, callback.id or 0)
    await board.board_when(lambda found: found.queues["default"].kept == 1)
    return call, callback


async def test_from_the_key_to_the_conversation(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        await opens(board)
        call = await takes(board, engine)
        assert (call.outcome, call.call_back, call.last_queue) == ("callback_taken", CALLER, "default")
        owe(settings, call.id)
        [callback] = kept(engine)
        assert (callback.number, callback.queue, callback.place_at) == (CALLER, "default", call.queued_at)
        dial(settings, callback.id or 0)
        seen = await board.board_when(lambda found: found.queues["default"].kept == 1)
        assert seen.queues["default"].callbacks == 1
        later = board.outside.ring("+8613800138009")
        assert later
        await board.board_when(lambda found: found.calls[later].state == "queued")
        board.outside.register("anna", "answer")
        board.ask(commands.SetStatus("anna", "available"))
        await board.hears(events.CallOffered, call=later)
        [began] = [one for one in board.told(events.CallStarted) if one.kind == "callback"]
        assert began.called == CALLER
        assert _order(board, began) < _order(board, board.told(events.CallOffered, call=later)[0])


def _order(board: Switchboard, event: object) -> int:
    return board.told(object).index(event)


async def test_a_second_wish_changes_the_number_and_never_the_place(
    settings: Settings, engine: Engine
) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        await opens(board)
        first = await takes(board, engine)
        owe(settings, first.id)
        second = await takes(board, engine, keys="1202088886666#1")
        owe(settings, second.id, second.id)
        [callback] = kept(engine)
        assert (callback.number, callback.call_id, callback.place_at) == (LANDLINE, first.id, first.queued_at)


async def test_a_withheld_caller_is_rung_on_the_number_that_he_typed(
    settings: Settings, engine: Engine
) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        await opens(board)
        call = await takes(board, engine, "", "102088886666#1")
        owe(settings, call.id)
        assert [one.number for one in kept(engine)] == [LANDLINE]


async def test_who_rings_in_takes_the_place_back_and_is_not_rung_any_more(
    settings: Settings, engine: Engine
) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        await opens(board)
        call, callback = await stands(board, settings, engine)
        again = board.outside.ring(CALLER)
        assert again
        seen = await board.board_when(lambda found: found.calls[again].state == "queued")
        assert call.queued_at
        assert abs(seen.calls[again].queued - call.queued_at.timestamp()) < 0.001
        await board.ready("anna")
        await board.hears(events.CallAnswered, call=again)
        board.outside.hang_up(again)
        ended = await board.hears(events.AttemptEnded)
        assert (ended.outcome, ended.ref) == ("rang_in", callback.id)
        place.enter(settings)
        try:
            await until(lambda: _settled(engine, ended.attempt))
        finally:
            place.leave()
        assert [one.state for one in kept(engine)] == ["fulfilled"]
        assert {one.kind for one in board.told(events.CallStarted)} == {"inbound"}


def _settled(engine: Engine, attempt: str) -> bool:
    jobs.settle(attempt)
    with db.read(engine) as session:
        return session.get_one(Attempt, attempt).state == "ended"


async def test_one_that_stands_in_the_queue_is_cancelled_by_page(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        await opens(board)
        await stands(board, settings, engine)
        [now] = kept(engine)
        assert now.state == "dialling"
        with serve(settings) as pages, pages.program() as client:
            answer = await asyncio.to_thread(
                client.put, f"/callbacks/{now.id}/cancellation", json={"version": now.version}
            )
            assert answer.status_code == 200, answer.text
        assert (await board.hears(events.AttemptEnded)).outcome == "cancelled"
        assert [one.state for one in kept(engine)] == ["cancelled"]


def test_one_who_was_served_meanwhile_is_fulfilled_before_the_attempt(
    settings: Settings, engine: Engine
) -> None:
    now = db.now()
    with db.write(engine) as session:
        session.add(
            Call(
                id="c",
                caller=CALLER,
                started_at=now,
                queue="default",
                outcome="callback_taken",
                call_back=CALLER,
            )
        )
        session.flush()
        callback = owed.owe(session, settings, "c", now)
        assert callback is not None
        session.add(
            Call(
                id="d",
                caller=CALLER,
                started_at=now,
                answered_at=db.now(),
                ended_at=db.now(),
                outcome="answered",
                evidence=True,
            )
        )
    with db.write(engine) as session:
        assert desk.start(session, settings, callback.id or 0, db.now()) is None
        assert session.get_one(Callback, callback.id).state == "fulfilled"
