"""kill -9 of each process in a call, in a whole installation: nobody is stuck, no caller is lost."""

import asyncio
import os
from collections.abc import Iterator

import pytest

from callcenter.jobs import QUEUES
from callcenter.telephony.phone import Phone, PhoneCall
from tests.hotline import Hotline, another_time, hear_each_other, soon
from tests.place import running


@pytest.fixture(scope="module")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    with running(tmp_path_factory.mktemp("k"), greeting="false", outbound_hours=another_time()) as place:
        made = Hotline(place)
        place.start()
        yield made


async def conversation(phone: Phone, customer: PhoneCall, before: int) -> PhoneCall:
    await soon(
        lambda: len(phone.incoming) > before and phone.incoming[-1].up.is_set(), "anna's phone to answer"
    )
    await hear_each_other(customer, phone.incoming[-1])
    return phone.incoming[-1]


@pytest.mark.parametrize(
    "part", ["conductor", "web", "timers", "ledger", "store", *(f"worker {name}" for name in QUEUES)]
)
async def test_conversation_outlives_any_process_but_the_line(hotline: Hotline, part: str) -> None:
    number = f"+861390000{os.getpid() % 1000:04d}{QUEUES.index('surveys')}"[:14]
    async with hotline.desk() as phone, hotline.customer(number) as customer:
        agent = await conversation(phone, customer, 0)
        former = hotline.place.kill(part)
        await asyncio.to_thread(hotline.place.back, part, former)
        await hear_each_other(customer, agent)
        customer.hang_up()
        await asyncio.wait_for(agent.over.wait(), 60)
        await hotline.freed()
        await soon(lambda: hotline.record(number).get("outcome") == "answered", "the record of the call")
        assert hotline.record(number)["agent"] == "anna"
        again = len(phone.incoming)
        async with hotline.customer(number) as next_time:
            await conversation(phone, next_time, again)
            next_time.hang_up()
            await hotline.freed()


async def test_line_killed_owes_who_waited_and_frees_who_talked(hotline: Hotline) -> None:
    talking, waiting = "+8613800000001", "+8613800000002"
    async with hotline.desk() as phone, hotline.customer(talking) as first:
        agent = await conversation(phone, first, 0)
        async with hotline.customer(waiting) as second:
            await asyncio.wait_for(second.up.wait(), 60)
            # A dialog is noted in the store a moment behind its 200: three are up.
            await soon(lambda: hotline.store.hlen("line:dialogs:line1") == 3, "all dialogs in the store")
            former = hotline.place.kill("line")
            await asyncio.to_thread(hotline.place.back, "line", former)
            # The restarted line ends what the crash left open, on both sides.
            for call in (first, second, agent):
                await asyncio.wait_for(call.over.wait(), 60)
        await soon(lambda: hotline.owed(waiting), "an owed callback")
        assert len(hotline.owed(waiting)) == 1
        # Who was cut off by us in a conversation is owed one, too.
        await soon(lambda: hotline.owed(talking), "a callback for who was cut off")
        await soon(lambda: hotline.record(waiting).get("outcome") == "lost_by_us", "the lost call's record")
        await soon(lambda: hotline.record(talking).get("outcome") == "answered", "the conversation's record")
        await hotline.freed()
        before = len(phone.incoming)
        async with hotline.customer("+8613800000003") as third:
            await conversation(phone, third, before)
            third.hang_up()
            await hotline.freed()


async def test_conductor_killed_keeps_who_waits_in_order(hotline: Hotline) -> None:
    async with hotline.desk(answers=None) as phone, hotline.customer("+8613800000011") as first:
        await soon(lambda: phone.incoming, "the offer to ring")
        async with hotline.customer("+8613800000012") as second:
            await asyncio.wait_for(second.up.wait(), 60)
            former = hotline.place.kill("conductor")
            await asyncio.to_thread(hotline.place.back, "conductor", former)
            phone.incoming[0].answer()
            await hear_each_other(first, phone.incoming[0])
            first.hang_up()
            phone.answer_after = 0.0
            await hotline.wrapped_up()
            agent = await conversation(phone, second, 1)
            assert agent.caller
            second.hang_up()
            await hotline.freed()
