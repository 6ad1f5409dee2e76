"""One call, all the way round: no mocks, real SIP and audio, real Chromium, on SQLite and on PostgreSQL.

Rung by SIPp and by baresip; answered by an agent's phone; popped, logged, escalated, settled, called back, surveyed, and
reopened to the same owner by a 1.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from callcenter.telephony.phone import Phone, PhoneCall
from tests.baresip import Baresip
from tests.chromium import chromium, signed_in
from tests.hotline import AGENT_TONE, CUSTOMER_TONE, NEAR, Hotline, hear_each_other, soon
from tests.party import running as speaking
from tests.place import PATIENCE, running
from tests.sipp import Caller
from tests.tones import loudest

pytestmark = [pytest.mark.needs("sipp"), pytest.mark.needs("baresip"), pytest.mark.needs("chromium")]

NUMBER = "+8613912345678"
CUSTOMERS = f"""id,name,number,tier,organisation,language,region,warranty_ends
7,Chen Wei 陈伟,{NUMBER},A,Rainbow Towers 3-1204,en,Nanjing,2025-08-31
"""
A_DAY_IN_SECONDS = 10
"""The resolution of a severe complaint is 24 hours; so long it takes here."""


class Round:
    """What the steps share: the installation, the customer's carrier, the agent's phone and page."""

    def __init__(self, hotline: Hotline, carrier: Phone, agent: Phone, browser: Browser, page: Page) -> None:
        self.hotline, self.carrier, self.agent, self.browser, self.page = (
            hotline,
            carrier,
            agent,
            browser,
            page,
        )
        self.ticket = ""


async def test_one_call_all_the_way_round(database: str, tmp_path: Path) -> None:
    async with a_round(database, tmp_path) as trip:
        await call_in_and_log(trip, tmp_path)
        await let_it_escalate(trip)
        await settle_and_call_back(trip)
        await answer_the_survey_with_a_one(trip)
        await ring_again_by_another_phone(trip, tmp_path)


@contextlib.asynccontextmanager
async def a_round(database: str, folder: Path) -> AsyncIterator[Round]:
    carrier = Phone("carrier", tone=CUSTOMER_TONE)
    trunk = {"name": "carrier", "address": await carrier.start(), "caller": "+862566668888"}
    (folder / "data").mkdir()
    with running(
        folder / "data",
        database,
        trunks=json.dumps([trunk]),
        clock_scale=str(A_DAY_IN_SECONDS / 86_400),
        callback_delay="1",
        survey_delay="1",
        outbound_hours="00:00-24:00",
    ) as place:
        hotline = Hotline(place)
        place.run("user", "add", "sun", "--role", "supervisor", "--password", "sun-signs-in")
        (folder / "customers.csv").write_text(CUSTOMERS)
        place.run("import", "customers", str(folder / "customers.csv"))
        await asyncio.to_thread(place.start)
        agent = Phone("anna", hotline.secret, server=place.sip, tone=AGENT_TONE)
        agent.answer_after = None
        await hotline.registered(agent)
        async with chromium() as browser:
            page = await signed_in(browser, place.http, "anna", "anna-signs-in")
            await choose_available(page)
            yield Round(hotline, carrier, agent, browser, page)
        await agent.stop()
    await carrier.stop()


async def choose_available(page: Page) -> None:
    await page.get_by_role("region", name="My state").locator("summary").click()
    await page.get_by_role("button", name="Available", exact=True).click()
    await expect(page.get_by_text("The next one appears here by itself.")).to_be_visible()


async def call_in_and_log(trip: Round, folder: Path) -> None:
    page, pop = trip.page, trip.page.get_by_role("region", name="Who is calling")
    caller = Caller(folder, trip.hotline.place.sip, "hotline", NUMBER)
    caller.party.speak(CUSTOMER_TONE)
    async with speaking(caller.party):
        await caller.ring()
        agent = await rung(trip, 1)
        await expect(pop.get_by_role("heading", name="Chen Wei 陈伟")).to_be_visible()
        await expect(pop).to_contain_text("known")
        await expect(pop).to_contain_text("warranty ended")
        await page.get_by_label("What happened").fill("Water comes through the ceiling")
        await page.reload()
        await expect(pop.get_by_role("heading", name="Chen Wei 陈伟")).to_be_visible()
        await expect(page.get_by_label("What happened")).to_have_value("Water comes through the ceiling")
        agent.answer()
        await soon(
            lambda: abs(agent.voice.loudest() - CUSTOMER_TONE) < NEAR, "the agent to hear the customer"
        )
        await until_hears(caller, AGENT_TONE)
        await page.get_by_label("Type").first.select_option("repair")
        await page.get_by_label("Severity").first.select_option("2")
        await expect(page.get_by_label("What happened")).to_have_value("Water comes through the ceiling")
        await page.get_by_label("What the customer wants").fill("A plumber, today")
        await page.get_by_role("button", name="Log it").click()
        logged = page.get_by_role("status").filter(has_text="is logged")
        await expect(logged).to_be_visible()
        found = re.search(r"C-\d+", await logged.inner_text())
        assert found
        trip.ticket = found[0]
        await page.get_by_role("button", name="Hang up").click()
        assert await caller.over() == 0
    await wrap_up(trip)


async def rung(trip: Round, count: int) -> PhoneCall:
    """The agent's phone rings for the so many-th time."""
    await soon(lambda: len(trip.agent.incoming) >= count, "the agent's phone to ring")
    return trip.agent.incoming[count - 1]


async def until_hears(caller: Caller, hertz: float) -> None:
    async with asyncio.timeout(PATIENCE):
        while abs(loudest(await caller.party.hears(25)) - hertz) > NEAR:
            pass


async def wrap_up(trip: Round) -> None:
    bar = trip.page.get_by_role("region", name="Wrap-up")
    await expect(bar).to_be_visible()
    await bar.get_by_label("Disposition").select_option("complaint_logged")
    await bar.get_by_role("button", name="Done").click()
    await expect(bar).to_be_hidden()


async def let_it_escalate(trip: Round) -> None:
    notes = trip.page.locator("[data-part=notices]")
    await expect(notes).to_contain_text(f"{trip.ticket} Overdue")
    ticket = await seen(trip)
    assert ticket["level"] >= 2
    sun = await signed_in(trip.browser, trip.hotline.place.http, "sun", "sun-signs-in")
    await sun.goto(f"http://{trip.hotline.place.http}/board")
    await expect(sun.get_by_role("list", name="Escalations")).to_contain_text(trip.ticket)
    await sun.context.close()


async def seen(trip: Round) -> dict[str, object]:
    """The complaint's JSON, always owned by who answered first."""
    answer = await trip.page.request.get(
        f"http://{trip.hotline.place.http}/tickets/{trip.ticket}", headers={"Accept": "application/json"}
    )
    body = await answer.json()
    assert body["owner"]["name"] == "anna"
    assert body["first_responder"]["name"] == "anna"
    return dict(body["ticket"])


async def settle_and_call_back(trip: Round) -> None:
    page, address = trip.page, trip.hotline.place.http
    trip.carrier.answer_after, trip.agent.answer_after = 0.2, 0.2
    await page.goto(f"http://{address}/tickets/{trip.ticket}")
    await act(
        page, "Propose a settlement", {"Answer to the customer": "The pipe is replaced, free of charge"}
    )
    sun = await signed_in(trip.browser, address, "sun", "sun-signs-in")
    await sun.goto(f"http://{address}/tickets/{trip.ticket}")
    await act(sun, "Co-sign", {})
    await sun.context.close()
    await page.reload()
    await act(page, "Report back", {})
    await soon(lambda: trip.carrier.incoming, "the callback to ring the customer")
    customer = trip.carrier.incoming[0]
    agent = await rung(trip, 2)
    await hear_each_other(customer, agent)
    customer.hang_up()
    await page.goto(f"http://{address}/desk")
    await wrap_up(trip)
    await page.goto(f"http://{address}/tickets/{trip.ticket}")
    await act(page, "Close as settled", {})
    assert (await seen(trip))["state"] == "closed"


async def act(page: Page, name: str, fields: dict[str, str]) -> None:
    """One of the allowed actions of the complaint's page."""
    card = page.locator("details.act").filter(has=page.locator("summary", has_text=name))
    if await card.get_attribute("open") is None:
        await card.locator("summary").click()
    for label, text in fields.items():
        await card.get_by_label(label).fill(text)
    await card.get_by_role("button", name=name).click()
    await expect(card).to_have_count(0)


async def answer_the_survey_with_a_one(trip: Round) -> None:
    await soon(lambda: len(trip.carrier.incoming) > 1, "the survey to ring the customer")
    survey = trip.carrier.incoming[1]
    await asyncio.wait_for(survey.up.wait(), PATIENCE)
    await soon(survey.voice.loudest, "the question to be heard")
    survey.press("1")
    await asyncio.wait_for(survey.over.wait(), PATIENCE)
    async with asyncio.timeout(PATIENCE):
        while (await seen(trip))["state"] != "in_progress":
            await asyncio.sleep(0.1)
    ticket = await seen(trip)
    assert (ticket["cycle"], ticket["score"]) == (2, 1)
    await trip.page.reload()
    await expect(trip.page.get_by_text("cycle 2 of handling")).to_be_visible()


async def ring_again_by_another_phone(trip: Round, folder: Path) -> None:
    """The same customer by baresip: the pop shows the complaint, its owner is rung."""
    place, page = trip.hotline.place, trip.page
    (folder / "baresip").mkdir()
    phone = Baresip(
        folder / "baresip",
        f"<sip:{NUMBER}@{place.sip}>;regint=0;audio_codecs=PCMU",
        f"ausine,{CUSTOMER_TONE:.0f}",
    )
    await phone.start()
    try:
        await page.goto(f"http://{place.http}/desk")
        await phone.tell("dial", f"sip:hotline@{place.sip}")
        agent = await rung(trip, 3)
        pop = page.get_by_role("region", name="Who is calling")
        await expect(pop).to_contain_text(trip.ticket)
        await expect(pop).to_contain_text("yours")
        await soon(lambda: abs(agent.voice.loudest() - CUSTOMER_TONE) < NEAR, "the agent to hear baresip")
        await phone.tell("hangup")
        await asyncio.wait_for(agent.over.wait(), PATIENCE)
        await wrap_up(trip)
    finally:
        await phone.stop()
