"""A supervisor's hand on the wallboard and what the agent reads of it, in two languages, with a real phone."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from callcenter.telephony.phone import Phone
from tests.chromium import chromium, signed_in
from tests.hotline import AGENT_TONE, Hotline, soon
from tests.place import running

pytestmark = pytest.mark.needs("chromium")

NUMBER = "+8613800000131"


async def test_a_call_is_given_a_wrap_up_ended_a_queue_closed(tmp_path: Path) -> None:
    with running(tmp_path) as place:
        hotline = Hotline(place, "")
        chinese = ("--phone", "anna", "--password", "anna-signs-in", "--language", "zh_Hans")
        secret = re.search(r"password (\S+),", place.run("user", "add", "anna", *chinese))
        assert secret
        place.run(
            "user",
            "add",
            "sue",
            "--role",
            "supervisor",
            "--password",
            "sue-signs-in",
            "--display-name",
            "Sue",
        )
        await asyncio.to_thread(place.start)
        phone = Phone("anna", secret[1], server=place.sip, tone=AGENT_TONE)
        await hotline.registered(phone)
        async with chromium() as browser:
            sue = await signed_in(browser, place.http, "sue", "sue-signs-in")
            anna = await signed_in(browser, place.http, "anna", "anna-signs-in")
            await sue.goto(f"http://{place.http}/agents/anna")
            await sue.get_by_role("button", name="Meal").click()
            await expect(anna.get_by_text("sue 更改了您的状态")).to_be_visible()
            async with hotline.customer(NUMBER) as customer:
                await give(sue, place.http)
                await soon(lambda: phone.incoming, "anna's phone to ring")
                await expect(anna.get_by_text("sue 将此来电指派给您")).to_be_visible()
                customer.hang_up()
            await sue.goto(f"http://{place.http}/agents/anna")
            await sue.get_by_role("button", name="End the wrap-up").click()
            await expect(anna.get_by_text("sue 结束了您的话后处理")).to_be_visible()
            await close(sue, place.http)
            await soon(lambda: hotline.agent()["activity"] == "idle", "anna to be idle")
        await phone.stop()


async def give(sue: Page, http: str) -> None:
    """From the wallboard, by the keyboard alone."""
    await sue.goto(f"http://{http}/board")
    await sue.get_by_role("link", name="Give, move, rank").focus()
    await sue.keyboard.press("Enter")
    await sue.wait_for_url("**/calls/*")
    await sue.get_by_role("button", name="Give the call to").focus()
    await sue.keyboard.press("Enter")
    await expect(sue.get_by_text("A supervisor acted")).to_be_visible()
    await expect(sue.get_by_role("heading", name="This caller waits")).to_be_hidden()


async def close(sue: Page, http: str) -> None:
    await sue.goto(f"http://{http}/queues/default")
    await sue.get_by_role("button", name="Close the queue now").click()
    await expect(sue.get_by_text("Closed by sue: no caller is let in.")).to_be_visible()
    await sue.get_by_role("button", name="Open the queue").click()
    await expect(sue.get_by_role("button", name="Close the queue now")).to_be_visible()
