"""Processes that stand still for a while (SIGSTOP), as on a machine that swaps: nobody is stuck, lost or rung in vain."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from callcenter.routing.lease import LEASE
from tests.hotline import Hotline, another_time, hear_each_other, soon
from tests.place import running

AWAY = 30.0
"""Seconds that the store is away: longer than any time limit of ours for it."""


@pytest.fixture(scope="module")
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    folder: Path = tmp_path_factory.mktemp("s")
    settings = {"greeting": "false", "outbound_hours": another_time(), "languages": '["en"]'}
    with running(folder, **settings) as place:
        made = Hotline(place)
        place.start()
        yield made


@contextlib.contextmanager
def standing_still(hotline: Hotline, part: str) -> Iterator[None]:
    """The process does nothing until the end of the block."""
    pid = hotline.place.pid(part)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_conductor_that_wakes_rings_nobody_for_who_was_let_go(hotline: Hotline) -> None:
    number = "+8613800000102"
    async with hotline.desk() as phone:
        async with hotline.customer(number) as caller, hotline.customer("anonymous") as hidden:
            with standing_still(hotline, "conductor"):
                # The line apologises by itself.
                await asyncio.wait_for(asyncio.gather(caller.up.wait(), hidden.up.wait()), 60)
                await soon(lambda: not hotline.store.exists(LEASE), "the lease to end")
            await soon(lambda: hotline.record(number).get("outcome"), "the record of the call")
            caller.hang_up()
            hidden.hang_up()
        assert hotline.record(number)["outcome"] == "lost_by_us"
        await soon(lambda: hotline.owed(number), "an owed callback")
        assert len(hotline.owed(number)) == 1
        await soon(hotline.free, "the agent to be free")
        assert not phone.incoming
        async with hotline.customer("+8613800000103") as next_one:
            await soon(lambda: phone.incoming and phone.incoming[-1].up.is_set(), "the next call")
            await hear_each_other(next_one, phone.incoming[-1])
            next_one.hang_up()
            await hotline.freed()


async def test_store_stands_still_while_people_talk_and_ring(hotline: Hotline) -> None:
    talks, rings = "+8613800000111", "+8613800000112"
    async with hotline.desk() as phone, hotline.customer(talks) as first:
        await soon(lambda: phone.incoming and phone.incoming[-1].up.is_set(), "the conversation")
        agent = phone.incoming[-1]
        await hear_each_other(first, agent)
        async with hotline.customer(rings) as second:
            await asyncio.wait_for(second.up.wait(), 60)
            with standing_still(hotline, "store"):
                async with hotline.customer("+8613800000113") as third:
                    # The line knows that the store is away when it apologises to a newcomer.
                    await asyncio.wait_for(third.up.wait(), 60)
                    await hear_each_other(first, agent)
                    first.hang_up()
                    await asyncio.wait_for(agent.over.wait(), 60)
                    hung_up = time.time()
                    # Who waits hears music all the while, packet by packet.
                    while time.time() < hung_up + AWAY:
                        heard = second.voice.received
                        await soon(
                            lambda heard=heard: second.voice.received > heard + 25, "half a second of music"
                        )
                    assert second.voice.loudest() > 0
            await soon(lambda: hotline.record(talks).get("outcome"), "the record of the conversation")
            record = hotline.record(talks)
            assert record["outcome"] == "answered"
            # It is told late, and with its true time.
            ended = datetime.fromisoformat(f"{record['ended_at']}+00:00").timestamp()
            assert ended < hung_up + AWAY / 2
            await hotline.wrapped_up()
            await soon(
                lambda: len(phone.incoming) > 1 and phone.incoming[-1].up.is_set(), "the waiting caller"
            )
            await hear_each_other(second, phone.incoming[-1])
            second.hang_up()
            await hotline.freed()
        await soon(lambda: hotline.owed("+8613800000113"), "a callback for the newcomer")
        assert [len(hotline.owed(number)) for number in (talks, rings, "+8613800000113")] == [0, 0, 1]
