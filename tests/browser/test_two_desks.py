"""Two agents at their desks in real browsers, real phones: a call goes from one to the other, by mouse and by letters."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from callcenter.telephony.phone import Phone
from tests.chromium import chromium, signed_in
from tests.hotline import AGENT_TONE, Hotline, hear_each_other, soon
from tests.place import running

pytestmark = pytest.mark.needs("chromium")

NUMBER = "+8613800000131"
TYPED = "Water comes through the ceiling"


@dataclass
class Seat:
    """An agent's phone and page."""

    phone: Phone
    page: Page

    async def rung(self, known: int) -> None:
        await soon(lambda: len(self.phone.incoming) > known, f"{self.phone.user} to ring")


@contextlib.asynccontextmanager
async def two_desks(folder: Path) -> AsyncIterator[tuple[Hotline, Seat, Seat]]:
    """Anna takes callers, Bert is there for colleagues."""
    with running(folder) as place:
        hotline = Hotline(place)
        said = place.run("user", "add", "bert", "--phone", "bert", "--password", "bert-signs-in")
        secret = re.search(r"password (\S+),", said)
        assert secret, said
        await asyncio.to_thread(place.start)
        phones = {"anna": Phone("anna", hotline.secret, server=place.sip, tone=AGENT_TONE)}
        phones["bert"] = Phone("bert", secret[1], server=place.sip, tone=AGENT_TONE)
        async with chromium() as browser:
            for phone in phones.values():
                await hotline.registered(phone)
            seats = [
                Seat(phone, await signed_in(browser, place.http, name, f"{name}-signs-in"))
                for name, phone in phones.items()
            ]
            region = seats[0].page.get_by_role("region", name="My state")
            await region.locator("summary").click()
            await seats[0].page.get_by_role("button", name="Available", exact=True).click()
            await soon(hotline.free, "anna to be available")
            yield hotline, seats[0], seats[1]
        for phone in phones.values():
            await phone.stop()


async def test_a_call_between_two_desks(tmp_path: Path) -> None:
    async with two_desks(tmp_path) as (hotline, anna, bert), hotline.customer(NUMBER) as customer:
        await anna.rung(0)
        await hear_each_other(customer, anna.phone.incoming[0])
        await give_by_mouse(anna, bert)
        await ask_by_letters(bert, anna)


async def give_by_mouse(anna: Seat, bert: Seat) -> None:
    """Blind; Bert reads who sends the call and why before he picks it up."""
    page, bert.phone.answer_after = anna.page, None
    await page.get_by_label("What happened").fill(TYPED)
    give = page.locator("#give")
    await give.locator("summary").click()
    await give.get_by_role("button", name="bert").click()
    await give.get_by_label("Why").fill("the contract")
    await give.get_by_role("button", name="Transfer now").click()
    await bert.rung(0)
    await expect(page.locator(".party")).to_contain_text("bert")
    await expect(bert.page.locator(".sent")).to_have_text("Transfer from anna: “the contract”")
    bert.phone.incoming[0].answer()
    await expect(page.get_by_role("button", name="Done")).to_be_visible()
    await expect(page.get_by_label("What happened")).to_have_value(TYPED)
    await expect(bert.page.locator(".sent")).to_have_text("Transfer from anna: “the contract”")


async def ask_by_letters(bert: Seat, anna: Seat) -> None:
    """Bert types on while he asks Anna, swaps, confers, drops her, and gives her the call in the end."""
    page, press = bert.page, bert.page.keyboard.press
    words, party = page.get_by_label("What happened"), page.locator(".party")
    await words.fill(TYPED)
    await ask(page, "anna")
    await expect(page.get_by_text("This colleague is busy.")).to_be_visible()
    await anna.page.keyboard.press("Alt+e")
    await expect(anna.page.get_by_text("The next one appears here by itself.")).to_be_visible()
    await words.focus()
    await ask(page, "anna")
    await expect(party).to_contain_text("speaks with you")
    await expect(anna.page.locator(".sent")).to_have_text("bert asks you")
    await words.press("End")
    await page.keyboard.type(", and the light is out")
    await press("Alt+b")
    await expect(party).to_contain_text("waits")
    await press("Alt+b")
    await expect(party).to_contain_text("speaks with you")
    await press("Alt+j")
    await expect(party).to_contain_text("in the conference")
    await expect(anna.page.locator(".sent")).to_have_text("Conference with bert")
    await press("Alt+z")
    await expect(party).to_have_count(0)
    await anna.page.keyboard.press("Alt+e")
    await expect(anna.page.get_by_text("The next one appears here by itself.")).to_be_visible()
    await ask(page, "anna")
    await expect(party).to_contain_text("speaks with you")
    await press("Alt+i")
    await expect(page.get_by_role("button", name="Done")).to_be_visible()
    await expect(words).to_have_value(f"{TYPED}, and the light is out")
    await expect(anna.page.locator(".sent")).to_have_text("Transfer from bert")


async def ask(page: Page, whom: str) -> None:
    """The chooser by its letters."""
    press = page.keyboard.press
    if await page.locator("#give").get_attribute("open") is not None:
        await press("Alt+f")
    await press("Alt+f")
    await expect(page.get_by_label("To whom: name, queue or number")).to_be_focused()
    await press("Control+a")
    await page.keyboard.type(whom)
    await press("Alt+q")
