"""`./run bench pop`: from the INVITE to the caller's face on the agent's screen, among a million customers."""

import asyncio
import random
import shutil
import time
from typing import Any

from callcenter import db, events, stream
from callcenter.bench import machine, spread
from callcenter.bench.crowd import Crowd, fill
from callcenter.bench.house import PASSWORD, House, house
from callcenter.screenpop.pop import lookup, pop
from callcenter.settings import Settings
from callcenter.telephony.phone import Phone

RINGS, FIRST_RINGS = 100, 5
QUERIES = 2000
WITHIN = 10_000
"""Milliseconds that a page may take for a step."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

WATCH = """
window.pops = [];
const clock = () => (performance.timeOrigin + performance.now()) / 1000;
const Native = window.EventSource;
const frames = {};
window.EventSource = class extends Native {
  constructor(...given) {
    super(...given);
    this.addEventListener("parts", (event) => {
      const data = JSON.parse(event.data);
      const found = /data-call="([^"]+)"/.exec(data.parts.pop ?? "");
      if (found) frames[found[1]] ??= { sent: data.now, received: clock() };
    });
  }
};
addEventListener("DOMContentLoaded", () => {
  const seen = new Set();
  new MutationObserver(() => {
    const shown = document.querySelector("section.pop[data-call]");
    if (!shown || seen.has(shown.dataset.call)) return;
    const call = shown.dataset.call;
    seen.add(call);
    const changed = clock();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      window.pops.push({ call, number: shown.dataset.number, changed, painted: clock(), ...frames[call] });
    }));
  }).observe(document.body, { childList: true, subtree: true });
});
"""
"""Notes when a frame left the server (its own `now`), when it came, and when the frame after next was drawn."""


def main(settings: Settings) -> dict[str, Any]:
    """Milliseconds on this machine, with everything on it: caller, agent's phone, all processes and the browser.

    `invite_to_*` begin when the line received the INVITE. `sse_sent`: the frame is rendered and handed to the
    socket; `painted`: two animation frames behind the change of the page. `pop_query` and `lookup_query`: a thread
    and a session of their own, `known` customers drawn at random.
    """
    del settings  # an installation of its own
    return asyncio.run(_all())


async def _all() -> dict[str, Any]:
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise SystemExit("bench pop needs Chromium: ./run test --install gets it.")
    crowd = Crowd()
    async with house() as place:
        place.seed(1, ring_time=60.0)
        await asyncio.to_thread(fill, place.engine, crowd)
        queries = await asyncio.to_thread(_queries, place, crowd)
        await place.open(1)
        place.phones[0].answer_after = None
        stages = await _stages(place, crowd, browser)
    return {
        "bench": "pop",
        "machine": machine(),
        "customers": crowd.customers,
        "calls": crowd.calls,
        "tickets": crowd.tickets,
        "database": "sqlite",
        "milliseconds": {**stages, **queries},
    }


def _queries(place: House, crowd: Crowd) -> dict[str, Any]:
    dice = random.Random(1)
    figures: dict[str, Any] = {}
    for name, ask in (
        ("lookup_query", lambda session, number: lookup(session, number, "CN")),
        ("pop_query", lambda session, number: pop(session, number, False, "CN")),
    ):
        took = []
        for turn in range(QUERIES + 100):
            number = crowd.number(dice.randint(1, crowd.customers))
            began = time.perf_counter()
            with db.read(place.engine) as session:
                ask(session, number)
            if turn >= 100:
                took.append((time.perf_counter() - began) * 1000)
        figures[name] = spread(took)
    return figures


async def _stages(place: House, crowd: Crowd, browser: str) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = await chromium.new_page()
        await page.add_init_script(WATCH)
        await page.goto(f"http://{place.settings.http}/sign-in")
        await page.fill("[name=name]", "agent0")
        await page.fill("[name=password]", PASSWORD)
        await page.press("[name=password]", "Enter")
        await page.wait_for_selector("section.pop.none", timeout=WITHIN)
        offset = await _clock_offset(page)
        dice = random.Random(2)
        sent = {}
        for customer in dice.sample(range(1, crowd.customers + 1), FIRST_RINGS + RINGS):
            number = crowd.number(customer)
            sent[number] = await _ring(place, page, number)
        pops = (await page.evaluate("window.pops"))[FIRST_RINGS:]
        await chromium.close()
    return _figures(pops, sent, place, offset)


def _figures(
    pops: list[dict[str, Any]], sent: dict[str, float], place: House, offset: float
) -> dict[str, Any]:
    """`offset`: seconds that the browser's clock is ahead of ours."""
    lines, public = place.told(stream.LINE_EVENTS, events.line), place.told(stream.PUBLIC, events.public)
    arrived = {one.leg: one.at for one in lines if isinstance(one, events.CallArrived)}
    offered = {one.call: one.at for one in public if isinstance(one, events.CallOffered)}

    def since(start: str, end: str) -> dict[str, Any]:
        return spread([(times[end] - times[start]) * 1000 for times in every], 1)

    every = [
        {
            "placed": sent[one["number"]],
            "invite": arrived[one["call"]],
            "offered": offered[one["call"]],
            "sent": one["sent"],
            "received": one["received"] - offset,
            "painted": one["painted"] - offset,
        }
        for one in pops
    ]
    return {
        "invite_to_offered": since("invite", "offered"),
        "invite_to_sse_sent": since("invite", "sent"),
        "invite_to_sse_received": since("invite", "received"),
        "invite_to_painted": since("invite", "painted"),
        "placed_to_painted": since("placed", "painted"),
    }


async def _ring(place: House, page: Any, number: str) -> float:
    """One caller; when the INVITE was sent. Ends when the page shows nobody again."""
    phone = Phone(number, server=place.settings.sip)
    await phone.start()
    try:
        began = time.time()
        call = phone.call("hotline")
        await page.wait_for_function(
            "number => window.pops.some((one) => one.number === number)", arg=number, timeout=WITHIN
        )
        call.hang_up()
        await page.wait_for_selector("section.pop.none", timeout=WITHIN)
        await asyncio.wait_for(call.over.wait(), WITHIN / 1000)
    finally:
        await phone.stop()
    return began


async def _clock_offset(page: Any) -> float:
    """The least delayed of twenty questions tells how far the browser's clock is ahead, to half its delay."""
    best = (9.0, 0.0)
    for _ in range(20):
        before = time.time()
        there = float(await page.evaluate("(performance.timeOrigin + performance.now()) / 1000"))
        delay = time.time() - before
        best = min(best, (delay, there - before - delay / 2))
    return best[1]
