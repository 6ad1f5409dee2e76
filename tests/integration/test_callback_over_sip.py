"""Keep your place, by real SIP: a key pressed in the queue, the goodbye heard, and the customer rung over the trunk."""

import asyncio
from pathlib import Path
from typing import Any

from callcenter import commands
from callcenter.telephony.phone import Phone
from tests.hotline import CUSTOMER_TONE, hear_each_other, soon
from tests.house import house, incoming

NUMBER = "+8613800000195"


async def test_who_keeps_the_place_is_rung_and_hears_the_agent(tmp_path: Path) -> None:
    always = {"outbound_hours": "00:00-24:00", "greeting": "false"}
    async with house(tmp_path, **always) as (hotline, anna, _, outside):
        await asyncio.to_thread(hotline.place.administer)
        await hotline.rule(callback=True, callback_every=0)
        hotline.ask(commands.SetStatus("anna", "not_ready"))
        await soon(lambda: hotline.agent()["status"] == "not_ready", "anna to take no calls")

        def waits() -> list[dict[str, Any]]:
            calls: list[dict[str, Any]] = hotline.place.get("/board")["calls"]
            return [one for one in calls if one["caller"] == NUMBER and one["state"] == "queued"]

        phone = Phone(NUMBER, server=hotline.place.sip, tone=CUSTOMER_TONE)
        await phone.start()
        try:
            caller = phone.call("hotline")
            await soon(waits, "the caller to wait")
            for _ in "11":
                caller.press("1")
            await asyncio.wait_for(caller.over.wait(), 60)
        finally:
            await phone.stop()
        await soon(lambda: hotline.record(NUMBER).get("outcome"), "the record")
        record = hotline.record(NUMBER)
        assert (record["outcome"], record["ended_by"]) == ("callback_taken", "us")

        outside.tone = CUSTOMER_TONE
        hotline.ask(commands.SetStatus("anna", "available"))
        desk = await incoming(anna, 0)
        customer = await incoming(outside, 0)
        assert customer.called == NUMBER
        await hear_each_other(customer, desk)
        customer.hang_up()
        await hotline.wrapped_up()
        await soon(lambda: hotline.owed(NUMBER) == ["done"], "the callback to be fulfilled")
