"""A plan over real SIP: a prompt is heard by its frequency, a key (RFC 4733) cuts it off, silence leads to the agent,
and a conductor that is killed meanwhile loses nobody."""

import asyncio
import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from callcenter.telephony.phone import Phone, PhoneCall
from tests.hotline import CUSTOMER_TONE, Hotline, hear_each_other, soon
from tests.place import Place, running

ASKED, TOLD, PATIENT = 1000.0, 1500.0, 120
"""Hz of the menu and of the message; seconds that the menu's prompt would last."""
NODES = {
    "menu": {
        "kind": "menu", "prompt": "prompt:long", "keys": {"1": "told", "2": "short"}, "otherwise": "queue",
    },
    "short": {
        "kind": "menu", "prompt": "prompt:beep", "keys": {"1": "told"}, "otherwise": "queue", "timeout": 1,
        "retries": 0,
    },
    "told": {"kind": "message", "prompt": "prompt:told"},
    "queue": {"kind": "queue", "queue": "default"},
}  # fmt: skip


@pytest.fixture
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    with running(tmp_path_factory.mktemp("p"), greeting="false") as place:
        made = Hotline(place)
        place.administer()
        place.start()
        yield made


def tone(hertz: float, seconds: float) -> str:
    """A WAV in base64."""
    file = io.BytesIO()
    samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(8000 * seconds)) / 8000)
    soundfile.write(file, samples, 8000, format="WAV", subtype="PCM_16")
    return base64.b64encode(file.getvalue()).decode()


def publish(place: Place) -> None:
    for name, hertz, seconds in (("long", ASKED, PATIENT), ("beep", ASKED, 1), ("told", TOLD, 6)):
        body = {"name": name, "language": "en", "text": "", "version": 0, "wav": tone(hertz, seconds)}
        place.ask("PUT", "/prompts", body)
    plan = {"numbers": ["plan"], "start": "menu", "nodes": NODES}
    place.ask("PUT", "/plans/sound", {"label": "", "plan": plan, "why": "", "seen": 0})
    place.ask("PUT", "/plans/sound/publication", {"version": 1, "seen": 0})


def way(place: Place, call: str) -> list[tuple[str, str]]:
    told: list[dict[str, Any]] = place.get(f"/calls/{call}")["events"]
    return [(one["told"]["node"], one["told"]["chosen"]) for one in told if one["type"] == "PlanStep"]


async def menu(phone: Phone) -> PhoneCall:
    """A caller who hears the menu; the line may know the plan's number a moment later."""
    for _ in range(100):
        caller = phone.call("plan")
        if await hears(caller, ASKED):
            return caller
        await asyncio.sleep(0.2)
    raise AssertionError("the plan is not followed")


async def hears(caller: PhoneCall, hertz: float) -> bool:
    """Whether this tone is heard before the call is over."""
    await soon(lambda: caller.over.is_set() or abs(caller.voice.loudest() - hertz) < 15, f"{hertz:.0f} Hz")
    return not caller.over.is_set()


async def test_a_key_cuts_in_and_silence_reaches_the_agent(hotline: Hotline) -> None:
    place = hotline.place
    await asyncio.to_thread(publish, place)
    phone = Phone("+8613800000192", server=place.sip, tone=CUSTOMER_TONE)
    await phone.start()

    try:
        caller = await menu(phone)
        caller.press("1")
        assert await hears(caller, TOLD)
        assert caller.voice.received < PATIENT * 50, "the prompt was heard to its end"
        await asyncio.wait_for(caller.over.wait(), 60)
        await soon(lambda: hotline.record("+8613800000192").get("outcome"), "the record")
        record = hotline.record("+8613800000192")
        assert (record["outcome"], record["queued_at"], record["ended_by"]) == ("deflected", None, "us")
        assert way(place, record["id"]) == [("menu", "1"), ("told", "said")]
        assert hotline.owed("+8613800000192") == []
        async with hotline.desk() as desk:
            caller = await menu(phone)
            former = place.kill("conductor")
            await asyncio.to_thread(place.back, "conductor", former)
            caller.press("2")
            await soon(lambda: desk.incoming and desk.incoming[-1].up.is_set(), "anna's phone to answer")
            await hear_each_other(caller, desk.incoming[-1])
            caller.hang_up()
            await asyncio.wait_for(caller.over.wait(), 60)
            await soon(lambda: hotline.record("+8613800000192").get("outcome") == "answered", "the record")
        record = hotline.record("+8613800000192")
        assert way(place, record["id"]) == [("menu", "2"), ("short", "no_key"), ("queue", "default")]
    finally:
        await phone.stop()
