"""A caller who hangs up in the greeting, in a whole installation with real SIP."""

import asyncio
from pathlib import Path

from tests.hotline import Hotline, another_time, soon
from tests.place import running


async def test_hang_up_in_the_greeting_is_a_short_abandon(tmp_path: Path) -> None:
    number = "+8613800000121"
    with running(tmp_path, outbound_hours=another_time()) as place:
        hotline = Hotline(place)
        await asyncio.to_thread(place.start)
        async with hotline.desk() as phone, hotline.customer(number) as caller:
            await asyncio.wait_for(caller.up.wait(), 60)
            await soon(caller.voice.loudest, "the greeting to be heard")
            caller.hang_up()
            await soon(lambda: hotline.record(number).get("outcome"), "the record of the call")
            assert hotline.record(number)["outcome"] == "short_abandon"
            await soon(hotline.free, "the agent to be free")
            assert not phone.incoming
            assert hotline.owed(number) == []
