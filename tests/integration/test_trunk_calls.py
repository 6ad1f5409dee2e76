"""Calls that an agent places by the desk's JSON, through conductor and line, over trunks at a foreign carrier (SIPp)."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callcenter.telephony.phone import Phone, PhoneCall
from tests.carrier import Carrier
from tests.hotline import Hotline, another_time, soon
from tests.house import OUTSIDE_TONE
from tests.place import Refused, running
from tests.ports import free_port

pytestmark = pytest.mark.needs("sipp")
OWN, TRUNKS_OWN = "+862155550100", "+862155550199"
OF_ONE, OF_DEAD = "+8613900000", "+8613700000"
"""Numbers by trunk one first, and by one where nobody listens; both may go by trunk two."""


@dataclass
class World:
    hotline: Hotline
    anna: Phone
    one: Carrier
    two: Carrier
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.hotline.place.ask(method, path, body, Authorization=f"Bearer {self.token}")

    async def placed(self, number: str, **more: str) -> tuple[str, PhoneCall]:
        """The desk asks for a call, Anna's phone answers: the call's id, and her side."""
        await soon(self.hotline.free, "anna to be free")
        known = len(self.anna.incoming)
        await asyncio.to_thread(self.ask, "POST", "/calls", {"number": number, **more})
        await soon(lambda: len(self.anna.incoming) > known, "anna's phone to ring")
        await soon(lambda: self.hotline.agent().get("call"), "the call on anna's desk")
        return str(self.hotline.agent()["call"]), self.anna.incoming[-1]

    async def end(self, call: str) -> None:
        await asyncio.to_thread(self.ask, "PUT", f"/calls/{call}/end")

    def refused(self, call: str) -> str:
        """What the desk was told about this call."""
        for _, fields in self.hotline.store.xrange("events"):  # type: ignore[union-attr]
            told = json.loads(fields[b"body"])
            if told["type"] == "DeskCommandRefused" and told["call"] == call:
                return str(told["code"])
        return ""

    async def kept(self, call: str) -> dict[str, Any]:
        """The call as the record has it, once it has ended."""

        def found() -> dict[str, Any]:
            with contextlib.suppress(Refused):
                row: dict[str, Any] = self.ask("GET", f"/calls/{call}")["call"]
                return row if row["ended_at"] else {}
            return {}

        return await soon(found, "the record of the call")


@contextlib.asynccontextmanager
async def world(folder: Path, **settings: str) -> AsyncIterator[World]:
    one, two = Carrier(folder / "one"), Carrier(folder / "two")
    trunks = [
        {"name": "dead", "address": f"127.0.0.1:{free_port()}", "keepalive": 0, "prefixes": ["+86137"]},
        {"name": "one", "address": one.address, "prefixes": ["+86139"], "caller": TRUNKS_OWN, "channels": 2},
        {"name": "two", "address": two.address, "number_format": "national", "channels": 1},
    ]
    data = folder / "data"
    data.mkdir()
    wanted = {"trunks": json.dumps(trunks), "outbound_hours": another_time(), "greeting": "false", **settings}
    with running(data, **wanted) as place:
        hotline = Hotline(place)
        token = place.run("token", "add", "anna", "--role", "agent").split()[-1]
        async with one.running(OUTSIDE_TONE), two.running(OUTSIDE_TONE):
            await asyncio.to_thread(place.start)
            async with hotline.desk() as anna:
                yield World(hotline, anna, one, two, token)


def hears(call: PhoneCall, tone: float) -> bool:
    return abs(call.voice.loudest() - tone) < 15


async def test_what_becomes_of_a_placed_call_is_told_in_words_and_kept(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        for code, said, outcome, fault in (
            (486, "number-busy", "busy", "called"),
            (404, "number-wrong", "unreachable", "caller"),
            (603, "number-refused", "refused", "called"),
            (480, "number-unreachable", "unreachable", "called"),
        ):
            call, _ = await at.placed(f"{OF_ONE}{code}")
            assert await soon(lambda call=call: at.refused(call), f"the word for {code}") == said
            await at.end(call)
            kept = await at.kept(call)
            assert (kept["outcome"], kept["fault"], kept["code"]) == (outcome, fault, code)
            assert not at.two.invites(f"13900000{code}"), "what speaks of the called party is believed"
        call, _ = await at.placed("+19005550200")
        assert await soon(lambda: at.refused(call), "the word for a premium number") == "barred"
        assert not at.two.invites("0019005550200")
        await at.end(call)
        await at.kept(call)
        # Both networks fail.
        call, _ = await at.placed(f"{OF_ONE}503")
        assert await soon(lambda: at.refused(call), "the word for a failed network") == "network-failed"
        assert at.one.invites(f"{OF_ONE}503")
        assert at.two.invites("13900000503")
        await at.end(call)
        assert (await at.kept(call))["fault"] == "network"
