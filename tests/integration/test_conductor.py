"""The conductor between a real store, a real record and a line without a network."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from rq import Queue
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, events, stream
from callcenter.calls.models import Call, CallEvent
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.people.models import User
from callcenter.routing.lease import LEASE, Lease, LeaseLost
from callcenter.settings import Settings
from callcenter.tickets.models import Ticket
from tests.switchboard import Switchboard, conducting, switchboard, until


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    async with switchboard(settings, engine) as made:
        yield made


async def test_one_call_all_the_way(place: Switchboard) -> None:
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


async def test_no_answer_goes_to_the_next_agent(place: Switchboard) -> None:
    place.seed("ann", "ben", misses_allowed=2)
    async with conducting(place.settings, place.engine):
        await place.ready("ann", behaviour="ring")
        await place.ready("ben", behaviour="ring")
        leg = place.outside.ring("+8613800000001")
        for agent, number in (("ann", 1), ("ben", 1), ("ann", 2)):
            await until(lambda: len(place.told(events.CallOffered, agent=agent)) == number)  # noqa: B023
            offer = place.told(events.CallOffered, agent=agent)[-1]
            ringing = await until(lambda: [k for k, one in place.line.all.items() if one.party == agent])  # noqa: B023
            place.outside.no_answer(ringing[0])
            await place.hears(events.OfferEnded, offer=offer.offer, outcome="missed")
        board = await place.board_when(lambda board: board.agents["ann"].paused == "missed_calls")
        assert board.calls[leg or ""].queued > 0
        place.ask(commands.SetStatus("ann", "available"))
        await place.board_when(lambda board: not board.agents["ann"].paused)


async def test_rejected_then_given_up(place: Switchboard) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann", behaviour="ring")
        leg = place.outside.ring("+8613800000001")
        offer = await place.hears(events.CallOffered, call=leg)
        place.ask(commands.RejectOffer("ann", offer.offer))
        await place.hears(events.OfferEnded, offer=offer.offer, outcome="rejected")
        await until(lambda: list(place.line.all) == [leg])
        place.outside.hang_up(leg or "")
        ended = await place.hears(events.CallFinished, call=leg)
        assert ended.outcome == "short_abandon"
        board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
        assert not board.agents["ann"].misses


async def test_two_calls_for_one_agent(place: Switchboard) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        first = place.outside.ring("+8613800000001")
        await place.hears(events.CallAnswered, call=first)
        second = place.outside.ring("+8613800000002")
        board = await place.board_when(lambda board: board.queues["default"].waiting == 1)
        assert board.calls[second or ""].state == "queued"
        place.outside.hang_up(first or "")
        answered = await place.hears(events.CallAnswered, call=second)
        assert answered.agent == "ann"


async def test_the_complaints_owner_is_first(place: Switchboard) -> None:
    place.seed("ann", "ben")
    with db.write(place.engine) as session:
        made = db.now()
        customer = Customer(name="陈小姐", created_at=made)
        session.add(customer)
        session.flush()
        session.add(CustomerNumber(customer_id=customer.id or 0, e164="+8613800000001", tail="00000001"))
        ben = session.exec(select(User.id).where(User.name == "ben")).one()
        ticket = Ticket(
            number="T1",
            customer_id=customer.id,
            contact_number="+8613800000001",
            first_responder_id=ben or 0,
            owner_id=ben or 0,
            received_at=made,
            created_at=made,
        )
        session.add(ticket)
        session.flush()
        known = (customer.id, ticket.id)
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        await place.ready("ben")
        leg = place.outside.ring("+8613800000001")
        offer = await place.hears(events.CallOffered, call=leg)
        assert (offer.agent, offer.customer, offer.ticket) == ("ben", *known)


async def test_callback_customer_first(place: Switchboard) -> None:
    place.seed("ann")
    place.outside.phones["+8613800000001"] = "answer"
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        asked = commands.PlaceCallback("attempt1", 4, "+8613800000001", "ann", ticket=9, customer=7)
        place.ask(asked)
        place.ask(asked)
        answered = await place.hears(events.CallAnswered, agent="ann")
        assert (answered.ticket, answered.customer) == (9, 7)
        customer = place.line.all[answered.call]
        assert customer.party == "+8613800000001"
        place.outside.hang_up(answered.call)
        ended = await place.hears(events.AttemptEnded, attempt="attempt1")
        assert (ended.outcome, ended.ref, ended.kind) == ("conversation", 4, "callback")
        place.ask(asked)
        place.ask(commands.SetStatus("ann", "not_ready"))
        await place.board_when(lambda board: board.agents["ann"].status == "not_ready")
        assert len(place.told(events.CallStarted)) == 1

        def settled() -> list[CallEvent]:
            with db.read(place.engine) as session:
                return list(session.exec(select(CallEvent).where(CallEvent.type == "AttemptEnded")).all())

        recorded = await until(settled)
        assert [events.public.decode(row.body) for row in recorded] == [ended]
        jobs = await until(lambda: Queue("callbacks", connection=place.store).jobs)
        assert [(job.func_name, job.args) for job in jobs] == [("workers.callbacks.settle", ("attempt1",))]


async def test_callback_agent_first_and_busy(place: Switchboard) -> None:
    place.seed("ann")
    place.outside.phones["+8613800000001"] = 486
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        place.ask(commands.PlaceCallback("attempt1", 4, "+8613800000001", "ann", mode="agent_first"))
        ended = await place.hears(events.AttemptEnded, attempt="attempt1")
        assert (ended.outcome, ended.retry, ended.code) == ("busy", True, 486)
        await until(lambda: not place.line.all)
        await place.board_when(lambda board: board.agents["ann"].activity == "idle")


async def test_callback_without_its_agent(place: Switchboard) -> None:
    place.seed("ann")
    place.outside.phones["+8613800000001"] = "answer"
    async with conducting(place.settings, place.engine):
        place.ask(commands.PlaceCallback("attempt1", 4, "+8613800000001", "ann"))
        ended = await place.hears(events.AttemptEnded, attempt="attempt1")
        assert (ended.outcome, ended.retry) == ("no_agent", True)
        assert not place.line.all


async def test_cancelled_before_it_is_read(place: Switchboard) -> None:
    place.seed("ann")
    place.outside.phones["+8613800000001"] = "ring"
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        place.ask(commands.PlaceCallback("attempt1", 4, "+8613800000001", "ann"))
        await until(lambda: place.line.all)
        place.ask(commands.CancelAttempt("attempt1"))
        ended = await place.hears(events.AttemptEnded, attempt="attempt1")
        assert ended.outcome == "cancelled"
        await until(lambda: not place.line.all)
        place.ask(commands.CancelAttempt("attempt2"))
        place.ask(commands.PlaceCallback("attempt2", 4, "+8613800000001", "ann"))
        place.ask(commands.SetStatus("ann", "break"))
        await place.board_when(lambda board: board.agents["ann"].status == "break")
        assert not place.told(events.AttemptEnded, attempt="attempt2")
        assert not place.line.all


async def test_survey(place: Switchboard) -> None:
    place.seed()
    place.outside.phones["+8613800000001"] = "answer"
    async with conducting(place.settings, place.engine):
        place.ask(commands.PlaceSurvey("attempt1", 5, "+8613800000001", "yue"))
        leg = (await until(lambda: list(place.line.all)))[0]
        await until(lambda: any("滿意" in prompt for prompt in place.line.all[leg].played))
        asked = len(place.line.all[leg].played)
        place.outside.press(leg, "9")
        await until(lambda: len(place.line.all[leg].played) > asked)
        place.outside.press(leg, "1")
        digit = await place.hears(events.SurveyDigit)
        assert (digit.score, digit.survey, digit.attempt) == (1, 5, "attempt1")
        ended = await place.hears(events.AttemptEnded)
        assert (ended.kind, ended.outcome) == ("survey", "answered")
        await until(lambda: not place.line.all)
        jobs = await until(lambda: len(found := Queue("surveys", connection=place.store).jobs) == 2 and found)
        assert {(job.func_name, job.args) for job in jobs or []} == {
            ("workers.surveys.record", ("attempt1", 1)),
            ("workers.surveys.settle", ("attempt1",)),
        }


async def test_the_line_dies(place: Switchboard) -> None:
    """Who speaks has spoken; both, cut off or waiting, are rung back; the agent is free; the phones stay."""
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        talking = place.outside.ring("+8613800000001")
        await place.hears(events.CallAnswered, call=talking)
        waiting = place.outside.ring("+8613800000002")
        await place.hears(events.CallQueued, call=waiting)
        await place.start_line()
        assert (await place.hears(events.CallFinished, call=talking)).outcome == "answered"
        assert (await place.hears(events.CallFinished, call=waiting)).outcome == "lost_by_us"
        board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
        assert board.queues["default"].lost == 1
        queue = Queue("callbacks", connection=place.store)
        jobs = await until(lambda: len(queue.jobs) == 2 and queue.jobs)
        assert {(job.func_name, job.args) for job in jobs or []} == {
            ("workers.callbacks.owe", (talking,)),
            ("workers.callbacks.owe", (waiting,)),
        }
        again = place.outside.ring("+8613800000003")
        assert (await place.hears(events.CallAnswered, call=again)).agent == "ann"


async def test_a_standby_takes_over_in_a_call(place: Switchboard) -> None:
    """The first conductor leaves in the middle; what happened meanwhile is read by the second, once."""
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann", behaviour="ring")
        leg = place.outside.ring("+8613800000001")
        await place.hears(events.CallOffered, call=leg)
        ringing = await until(lambda: [k for k, one in place.line.all.items() if one.party == "ann"])
    place.outside.answer(ringing[0])
    async with conducting(place.settings, place.engine):
        answered = await place.hears(events.CallAnswered, call=leg)
        assert answered.agent == "ann"
        assert len(place.told(events.CallOffered)) == 1
        place.outside.hang_up(ringing[0])
        ended = await place.hears(events.CallFinished, call=leg)
        assert (ended.outcome, ended.ended_by) == ("answered", "agent")


async def test_who_lost_the_lease_writes_nothing(place: Switchboard) -> None:
    """A conductor that was asleep wakes up: its script is refused, and it begins anew from the store."""
    place.seed("ann")
    first, second = (Lease(place.reader, name) for name in ("first", "second"))
    assert await first.take()
    assert not await second.take()
    await first.commit([("h", "board:agents", "ann", b"{}")])
    place.store.delete(LEASE)
    assert await second.take()
    assert second.epoch > first.epoch
    with pytest.raises(LeaseLost):
        await first.commit([("h", "board:agents", "ben", b"{}")])
    with pytest.raises(LeaseLost):
        await first.renew()
    await first.leave()
    await second.commit([("h", "board:agents", "cao", b"{}")])
    second.seq -= 1
    await second.commit([("h", "board:agents", "cao", b"twice")])
    found = place.store.hgetall("board:agents")
    assert found == {b"ann": b"{}", b"cao": b"{}"}


async def test_a_lease_from_before_the_clock_was_set_back_is_taken(place: Switchboard) -> None:
    """The store ends keys by its host's clock: what was given three seconds would live an hour."""
    place.store.set(LEASE, "dead:1", px=3_600_000)
    assert await Lease(place.reader, "standby").take()


async def test_a_board_from_ahead_is_taken_over_as_it_stood(place: Switchboard) -> None:
    """The clock was set back by an hour while no conductor ran: a wrap-up of a minute stays one."""
    place.seed("ann", wrap_up=60.0)
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        leg = place.outside.ring("+8613800000001")
        await place.hears(events.CallAnswered, call=leg)
        place.outside.hang_up(leg or "")
        await place.board_when(lambda board: board.agents["ann"].activity == "wrap_up")
    for key in ("board:agents", "board:calls"):
        for name, body in place.store.hgetall(key).items():
            entry = {
                field: value + 3600.0 if isinstance(value, float) and value > 1e9 else value
                for field, value in orjson.loads(body).items()
            }
            place.store.hset(key, name, orjson.dumps(entry))
    async with conducting(place.settings, place.engine):
        healed = await place.hears(events.Healed, what="clock")
        assert healed.why.startswith("it was set by -3")
        board = await place.board_when(lambda board: board.agents["ann"].wrap_until < healed.at + 60.5)
        assert board.agents["ann"].wrap_until > healed.at


async def test_an_input_that_breaks_a_step_is_left_out(place: Switchboard) -> None:
    """Our own mistake in one step costs that input, not the others."""
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        broken: dict[str, Any] = {"agent": {}, "status": "break"}
        place.store.xadd(stream.DESK_COMMANDS, {"body": orjson.dumps({"type": "SetStatus", **broken})})
        place.store.xadd(stream.DESK_COMMANDS, {"body": b"no JSON"})
        leg = place.outside.ring("+8613800000001")
        await place.hears(events.CallAnswered, call=leg)
        assert await place.hears(events.Healed, what="input")
