"""Ten per cent of all datagrams lost, each way: every call still completes (RFC 3261 section 17)."""

import asyncio
import dataclasses
import random

import pytest

from callcenter import commands, events
from callcenter.telephony.sipua.driver import Options
from callcenter.telephony.sipua.transactions import Timers
from tests.events import until
from tests.sip.conftest import World

CALLS = 40
LOSSY = Timers(t1=0.05, t2=0.4, t4=0.5)
"""Real timers' ratios, a tenth of their length."""


class Losing:
    """Loses one datagram in ten; a seed makes each run the same loss, if not the same order."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.lost = 0

    def __call__(self, data: bytes, inbound: bool) -> bool:
        lose = self._random.random() < 0.1
        self.lost += lose
        return lose


@pytest.fixture
def options(options: Options) -> Options:
    return dataclasses.replace(options, timers=LOSSY, drop=Losing(1))


async def test_every_call_in_completes(world: World) -> None:
    customer = await world.phone("1001", timers=LOSSY)
    calls = [customer.call("hotline") for _ in range(CALLS)]
    legs = [(await world.arrived()).leg for _ in calls]
    for leg in legs:
        world.do(commands.RingLeg(leg))
        world.do(commands.AnswerLeg(leg))
    for number, call in enumerate(calls):
        await until(call.up.is_set, f"call {number} is answered")
    for leg in legs[: CALLS // 2]:
        world.do(commands.HangUpLeg(leg))
    await until(lambda: sum(call.over.is_set() for call in calls) == CALLS // 2, "the first half was hung up")
    for call in calls:
        call.hang_up()
    await until(lambda: all(call.over.is_set() for call in calls), "every call ended on the caller's side")
    await until(lambda: not world.line.legs(), "every leg ended on ours")
    assert len(world.reported.of(events.CallArrived)) == CALLS
    outcomes = [event.outcome for event in world.reported.of(events.LegEnded)]
    assert outcomes == ["hung_up"] * CALLS
    assert world.line._options.drop.lost > CALLS // 4  # type: ignore[union-attr]


async def test_every_call_out_completes(world: World) -> None:
    agent = await world.phone("anna", "a-secret", timers=LOSSY)
    agent.answer_after = 0.05
    for number in range(CALLS):
        world.do(commands.DialLeg(f"leg{number}", phone="anna"))
    for number in range(CALLS):
        await world.reported.next(events.LegAnswered, leg=f"leg{number}")
    for number in range(CALLS):
        if number % 2:
            world.do(commands.HangUpLeg(f"leg{number}"))
    await until(lambda: len(agent.incoming) == CALLS)
    for call in list(agent.calls):
        if call.up.is_set():
            call.hang_up()
    await until(lambda: not world.line.legs())
    await until(lambda: all(call.over.is_set() for call in agent.incoming))


async def test_every_call_that_is_given_up_is_given_up_on_both_sides(world: World) -> None:
    customer = await world.phone("1001", timers=LOSSY)
    calls = [customer.call("hotline") for _ in range(CALLS)]
    legs = [(await world.arrived()).leg for _ in calls]
    for call in calls:
        call.hang_up()
    for leg in legs:
        assert (await world.ended(leg)).outcome == "cancelled"
    for call in calls:
        await asyncio.wait_for(call.over.wait(), 20)
