"""Calls that agents place: from the desk, from the phone, to each other; and who may not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import Engine

from callcenter import commands, db, events, stream
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.settings import Settings
from tests.switchboard import Switchboard, conducting, switchboard, until

NUMBER = "+8613912345678"


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    async with switchboard(settings, engine) as made:
        yield made


def leg_of(place: Switchboard, party: str) -> str:
    """The leg of a party of the world."""
    return next((leg for leg, one in place.line.all.items() if one.party == party), "")


async def appears(place: Switchboard, party: str) -> str:
    return await until(lambda: leg_of(place, party))


async def test_from_the_desk_the_own_phone_rings_first(place: Switchboard) -> None:
    place.seed("ann", wrap_up=30.0)
    with db.write(place.engine) as session:
        customer = Customer(name="Chen", created_at=db.now())
        session.add(customer)
        session.flush()
        assert customer.id
        known = customer.id
        session.add(CustomerNumber(customer_id=known, e164=NUMBER, tail=NUMBER[-8:]))
    async with conducting(place.settings, place.engine):
        await place.ready("ann", behaviour="ring")
        place.outside.phones[NUMBER] = "ring"
        place.ask(commands.PlaceCall("ann", "139 1234 5678"))
        own = await appears(place, "ann")
        assert not leg_of(place, NUMBER)
        place.outside.answer(own)
        theirs = await appears(place, NUMBER)
        assert place.line.all[own].played[:1] == ["tone:450:1000"]
        await place.hears(events.CustomerBound, customer=known)
        place.outside.answer(theirs)
        answered = await place.hears(events.CallAnswered, agent="ann")
        assert place.line.all[own].other == theirs
        place.outside.hang_up(theirs)
        ended = await place.hears(events.CallFinished, call=answered.call)
        assert (ended.kind, ended.outcome, ended.called, ended.customer) == (
            "manual",
            "conversation",
            NUMBER,
            known,
        )
        await place.hears(events.WrapUpStarted, agent="ann")


@pytest.mark.parametrize(
    ("behaviour", "outcome", "said"), [(486, "busy", "number is busy"), (603, "refused", "was refused")]
)
async def test_who_does_not_come_is_told_in_words(
    place: Switchboard, behaviour: Any, outcome: str, said: str
) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        place.outside.phones[NUMBER] = behaviour
        place.ask(commands.PlaceCall("ann", NUMBER))
        ended = await place.hears(events.CallFinished, called=NUMBER)
        assert ended.outcome == outcome
        told: Any = place.store.xrange(stream.line_commands(place.settings.line))
        assert any(said.encode() in fields[b"body"] for _, fields in told)
        board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
        assert not board.agents["ann"].misses
        await until(lambda: not place.line.all)


async def test_what_the_line_does_not_dial_is_said_at_the_desk(place: Switchboard) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        premium = "+19005551234"
        place.outside.phones[premium] = "answer"
        place.ask(commands.PlaceCall("ann", premium))
        await place.hears(events.DeskCommandRefused, agent="ann", code="barred")
        assert (await place.hears(events.CallFinished, called=premium)).outcome == "failed"
        place.ask(commands.PlaceCall("ann", "no number"))
        await place.hears(events.DeskCommandRefused, agent="ann", code="invalid-input")


async def test_a_phone_dials(place: Switchboard) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        place.outside.phones[NUMBER] = "answer"
        own = place.outside.ring("ann", "013912345678", phone="ann")
        answered = await place.hears(events.CallAnswered, agent="ann")
        assert answered.call == own
        board = await place.board_when(lambda board: board.agents["ann"].activity == "talking")
        assert board.calls[own or ""].called == NUMBER
        place.outside.hang_up(own or "")
        ended = await place.hears(events.CallFinished, call=own)
        assert (ended.outcome, ended.ended_by) == ("conversation", "agent")
        await until(lambda: not place.line.all)


async def test_a_phone_hangs_up_while_it_rings(place: Switchboard) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        await place.ready("ann")
        place.outside.phones[NUMBER] = "ring"
        own = place.outside.ring("ann", NUMBER, phone="ann")
        await appears(place, NUMBER)
        place.outside.hang_up(own or "")
        assert (await place.hears(events.CallFinished, call=own)).outcome == "cancelled"
        await until(lambda: not place.line.all)


async def test_signed_out_only_an_emergency_is_dialled(place: Switchboard) -> None:
    place.seed("ann")
    async with conducting(place.settings, place.engine):
        place.outside.register("ann")
        await place.board_when(lambda board: board.agents["ann"].reachable)
        place.outside.phones.update({NUMBER: "answer", "110": "answer"})
        refused = place.outside.ring("ann", NUMBER, phone="ann")
        ended = await place.hears(events.CallFinished, call=refused)
        assert (ended.outcome, ended.code, ended.fault) == ("refused", 403, "caller")
        helped = place.outside.ring("ann", "110", phone="ann")
        await place.hears(events.CallAnswered, call=helped)
        nobody = place.outside.ring("door", "110", phone="door")
        await place.hears(events.CallAnswered, call=nobody)


async def test_colleagues_call_each_other(place: Switchboard) -> None:
    place.seed("ann", "ben")
    async with conducting(place.settings, place.engine):
        await place.ready("ann", "ben")
        place.ask(commands.PlaceCall("ann", "ben"))
        answered = await place.hears(events.CallAnswered, agent="ann")
        board = await place.board_when(
            lambda board: {board.agents[one].activity for one in ("ann", "ben")} == {"talking"}
        )
        assert board.calls[answered.call].kind == "internal"
        waiting = place.outside.ring("+8613800000001")
        place.ask(commands.HangUpCall("ann", answered.call))
        assert (await place.hears(events.CallFinished, call=answered.call)).kind == "internal"
        await place.hears(events.CallAnswered, call=waiting)


async def test_a_busy_colleague_is_not_rung(place: Switchboard) -> None:
    place.seed("ann", "ben")
    async with conducting(place.settings, place.engine):
        await place.ready("ben")
        caller = place.outside.ring("+8613800000001")
        await place.hears(events.CallAnswered, call=caller, agent="ben")
        await place.ready("ann")
        place.ask(commands.PlaceCall("ann", "ben"))
        await place.hears(events.DeskCommandRefused, agent="ann", code="busy")
        own = place.outside.ring("ann", "ben", phone="ann")
        ended = await place.hears(events.CallFinished, call=own)
        assert (ended.outcome, ended.code) == ("busy", 486)


async def test_a_second_call_may_wait_when_the_centre_says_so(place: Switchboard) -> None:
    place.seed("ann", "ben")
    place.settings.second_call = "wait"
    async with conducting(place.settings, place.engine):
        await place.ready("ben")
        caller = place.outside.ring("+8613800000001")
        await place.hears(events.CallAnswered, call=caller, agent="ben")
        await place.ready("ann")
        own = place.outside.ring("ann", "ben", phone="ann")
        await place.hears(events.CallAnswered, call=own)
        place.outside.hang_up(own or "")
        await place.hears(events.CallFinished, call=own)
        board = await place.board_when(lambda board: board.agents["ann"].activity == "idle")
        assert board.agents["ben"].call == caller


async def test_an_emergency_needs_no_conductor(place: Switchboard) -> None:
    place.outside.phones["110"] = "answer"
    own = place.outside.ring("ann", "110", phone="ann")
    theirs = await appears(place, "110")
    await until(lambda: place.line.all[theirs].other == own)
    async with conducting(place.settings, place.engine):
        ended = await place.hears(events.CallFinished, call=own)
        assert (ended.outcome, ended.called) == ("unknown", "110")
        assert place.line.all[theirs].other == own
        place.outside.hang_up(own or "")
        await until(lambda: not place.line.all)
