"""The supervisor's hand: what waits is assigned, pulled out, moved, ranked; a wrap-up is ended, a queue closed."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Engine

from callcenter import commands, db, events
from callcenter.people.models import QueueMember, User
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from tests.switchboard import Switchboard, conducting, switchboard, until


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    async with switchboard(settings, engine) as made:
        made.seed("ann", "bob", wrap_up=600.0)
        with db.write(engine) as session:
            session.add(QueueRow(name="second", greeting="-", announce_every=0.0, overflow="default"))
            sue = User(name="sue", role="supervisor", phone="sue", phone_ha1="x", created_at=db.now())
            session.add(sue)
            session.flush()
            assert sue.id
            session.add(QueueMember(user_id=sue.id, queue="second"))
        yield made


async def waiting(place: Switchboard, number: str = "+8613800000001") -> str:
    """A caller whom nobody can take."""
    caller = place.outside.ring(number)
    assert caller
    await place.board_when(lambda board: board.calls[caller].state == "queued")
    return caller


async def there(place: Switchboard, name: str, status: str = "not_ready") -> None:
    """Signed in with a phone, not taking calls by himself."""
    place.outside.register(name, "answer")
    place.ask(commands.SignIn(name))
    place.ask(commands.SetStatus(name, status))
    await place.board_when(lambda board: board.agents[name].reachable and board.agents[name].status == status)


async def test_a_call_is_given_to_who_is_not_ready_and_he_can_read_who_did_it(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        await there(place, "ann")
        caller = await waiting(place)
        place.ask(commands.AssignCall("sue", caller, "bob"))
        await place.hears(events.DeskCommandRefused, agent="sue", code="agent-unreachable", call=caller)
        place.ask(commands.AssignCall("sue", caller, "nobody"))
        await place.hears(events.DeskCommandRefused, agent="sue", code="not-found")
        place.ask(commands.AssignCall("sue", caller, "ann"))
        await place.hears(events.CallAnswered, call=caller, agent="ann")
        await place.hears(events.SupervisorActed, by="sue", act="assign", agent="ann", call=caller)
        board = await place.board_when(lambda board: board.agents["ann"].hand)
        assert (board.agents["ann"].hand, board.agents["ann"].hand_by) == ("assign", "sue")
        place.ask(commands.AssignCall("sue", caller, "ann"))
        await place.hears(events.DeskCommandRefused, agent="sue", code="wrong-state")
        place.outside.hang_up(caller)
        board = await place.board_when(lambda board: board.agents["ann"].activity == "wrap_up")
        assert board.agents["ann"].status == "not_ready"
        place.ask(commands.EndWrapUp("sue", "ann"))
        await place.hears(events.SupervisorActed, act="end_wrap_up", agent="ann", call=caller)
        place.ask(commands.SetStatus("ann", "available", by="ann"))
        await place.board_when(
            lambda board: board.agents["ann"].status == "available" and not board.agents["ann"].hand
        )


async def test_a_call_that_rings_elsewhere_is_pulled_out_without_a_miss(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        await place.ready("ann", behaviour="ring")
        await there(place, "sue")
        caller = place.outside.ring("+8613800000001")
        offer = (await place.hears(events.CallOffered, agent="ann")).offer
        place.ask(commands.AssignCall("sue", str(caller), "sue"))
        await place.hears(events.OfferEnded, offer=offer, outcome="withdrawn")
        await place.hears(events.CallAnswered, call=caller, agent="sue")
        await place.hears(events.SupervisorActed, act="pull", agent="sue")
        board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
        assert board.agents["ann"].misses == 0


async def test_a_call_keeps_its_age_in_another_queue_and_is_counted_in_both(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        caller = await waiting(place)
        before = (await place.board_when(lambda board: True)).calls[caller].queued
        place.ask(commands.MoveCall("sue", caller, "nowhere"))
        await place.hears(events.DeskCommandRefused, agent="sue", code="not-found")
        place.ask(commands.MoveCall("sue", caller, "second"))
        await place.hears(events.CallQueued, call=caller, queue="second")
        board = await place.board_when(lambda board: board.calls[caller].queue == "second")
        assert board.calls[caller].queued == before
        left, joined = board.queues["default"], board.queues["second"]
        assert (left.offered, left.overflowed, left.waiting) == (1, 1, 0)
        assert (joined.offered, joined.waiting) == (1, 1)
        place.outside.hang_up(caller)
        await place.hears(events.CallFinished, call=caller, queue="default")
        board = await place.board_when(lambda board: board.queues["second"].waiting == 0)
        assert board.queues["second"].short_abandon == 1


async def test_who_is_ranked_higher_is_served_first(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        first, second = await waiting(place), await waiting(place, "+8613800000002")
        place.ask(commands.RankCall("sue", second, 5))
        await place.hears(events.SupervisorActed, act="priority", call=second, detail="5")
        await place.ready("ann")
        assert (await place.hears(events.CallAnswered, agent="ann")).call == second
        board = await place.board_when(lambda board: True)
        assert (board.calls[first].state, board.calls[second].ranked_by) == ("queued", "sue")


async def test_a_closed_queue_lets_nobody_in_and_sends_away_or_serves_who_waits(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        await there(place, "ann", "break")
        caller = await waiting(place)
        place.ask(commands.CloseQueue("sue", "default", closed=True))
        await place.hears(events.SupervisorActed, act="close", queue="default")
        late = place.outside.ring("+8613800000002")
        await place.hears(events.CallFinished, call=late, outcome="deflected", queue="default")
        place.ask(commands.CloseQueue("sue", "default", closed=True))
        await place.hears(events.DeskCommandRefused, agent="sue", code="wrong-state")
        place.ask(commands.MoveCall("sue", caller, "second"))
        await place.hears(events.CallQueued, call=caller, queue="second")
        place.ask(commands.MoveCall("sue", caller, "default"))
        await place.hears(events.DeskCommandRefused, agent="sue", code="queue-closed")
        place.ask(commands.CloseQueue("sue", "second", closed=True, send_away=True))
        await place.hears(events.CallFinished, call=caller, outcome="deflected")
        board = await place.board_when(lambda board: board.queues["second"].deflected == 1)
        assert (board.queues["second"].closed, board.queues["second"].closed_by) == (True, "sue")
        place.ask(commands.CloseQueue("sue", "default", closed=False))
        await place.hears(events.SupervisorActed, act="open", queue="default")
        again = await waiting(place, "+8613800000003")
        assert again


async def test_it_stays_closed_behind_a_restart_of_the_conductor(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        place.ask(commands.CloseQueue("sue", "default", closed=True))
        await place.hears(events.SupervisorActed, act="close")
    async with conducting(place.settings, place.engine):
        late = place.outside.ring("+8613800000002")
        await place.hears(events.CallFinished, call=late, outcome="deflected")


async def test_whom_a_queue_cannot_serve_the_one_beside_it_gets(place: Switchboard) -> None:
    """`second` has nobody signed in, so that its caller goes to `default`, whose agent takes the call."""
    with db.write(place.engine) as session:
        row = session.get(QueueRow, "second")
        assert row
        row.numbers = "4002"
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        await until(lambda: "4002" in place.line.config.numbers)
        caller = place.outside.ring("+8613800000001", called="4002")
        await place.hears(events.CallAnswered, call=caller, agent="ann")
        board = await place.board_when(lambda board: board.queues["second"].offered)
        assert (board.queues["second"].overflowed, board.queues["default"].answered) == (1, 1)
        place.outside.hang_up(str(caller))
        told = await place.hears(events.CallFinished, call=caller)
        assert (told.outcome, told.queue) == ("answered", "second")


async def test_the_agent_reads_that_a_supervisor_set_the_status(place: Switchboard) -> None:
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        place.ask(commands.SetStatus("ann", "break", "meal", by="sue"))
        await place.hears(events.SupervisorActed, act="status", agent="ann", by="sue", detail="break meal")
        board = await place.board_when(lambda board: board.agents["ann"].status == "break")
        assert (board.agents["ann"].hand, board.agents["ann"].hand_by) == ("status", "sue")
