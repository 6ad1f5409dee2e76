"""Calls that an agent places by the desk's JSON, through conductor and line, over trunks at a foreign carrier (SIPp)."""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from callcenter.telephony.phone import Phone, PhoneCall
from tests.carrier import Carrier
from tests.hotline import AGENT_TONE, Hotline, another_time, soon
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
    secrets: dict[str, str]

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

    def shows(self, number: str) -> bool:
        """Whether the queue's calls are placed with this number."""
        return number in str(self.hotline.store.hget("board:queues", "default"))

    async def speaks(self, carrier: Carrier) -> None:
        """The carrier's voice goes to the newest call there."""
        await soon(carrier.listen_to, "the port of our audio")

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
        said = place.run("user", "add", "door", "--phone", "door", "--password", "door-signs-in")
        secret = said.partition("password ")[2].partition(",")[0]
        token = place.run("token", "add", "anna", "--role", "agent").split()[-1]
        async with one.running(OUTSIDE_TONE), two.running(OUTSIDE_TONE):
            await asyncio.to_thread(place.start)
            async with hotline.desk() as anna:
                yield World(hotline, anna, one, two, token, {"door": secret})


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


async def test_each_state_ends_as_the_desk_or_the_carrier_wants(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        ringing, own = await at.placed(f"{OF_ONE}180")
        await soon(lambda: at.one.invites(f"{OF_ONE}180"), "the carrier to be rung")
        await at.end(ringing)
        await asyncio.wait_for(own.over.wait(), 30)
        assert (await at.kept(ringing))["outcome"] == "cancelled"
        await soon(lambda: at.one.received("CANCEL") == 1, "CANCEL")

        early, own = await at.placed(f"{OF_ONE}183")
        await soon(lambda: at.one.invites(f"{OF_ONE}183"), "the carrier to be rung")
        await at.speaks(at.one)
        await soon(lambda: hears(own, OUTSIDE_TONE), "anna to hear the network before any answer")
        own.hang_up()
        assert (await at.kept(early))["outcome"] == "cancelled"
        await soon(lambda: at.one.received("CANCEL") == 2, "CANCEL")

        said, own = await at.placed(f"{OF_ONE}184")
        assert await soon(lambda: at.refused(said), "the word behind an announcement") == "number-refused"
        await at.end(said)
        assert (await at.kept(said))["outcome"] == "refused"

        talk, own = await at.placed(f"{OF_ONE}200")
        await soon(lambda: at.hotline.agent()["activity"] == "talking", "the conversation")
        await at.speaks(at.one)
        await soon(lambda: hears(own, OUTSIDE_TONE), "anna to hear the other side")
        await soon(lambda: abs(at.one.loudest() - AGENT_TONE) < 15, "the other side to hear anna")
        await at.end(talk)
        assert (await at.kept(talk))["outcome"] == "conversation"
        await soon(lambda: at.one.received("BYE") == 1, "BYE")
        await at.hotline.freed()

        left, own = await at.placed(f"{OF_ONE}201")
        await asyncio.wait_for(own.over.wait(), 30)
        kept = await at.kept(left)
        assert (kept["outcome"], kept["ended_by"]) == ("conversation", "customer")


async def test_another_trunk_another_place_and_who_calls(tmp_path: Path) -> None:
    async with world(tmp_path) as at:
        # 302 to a number that may be dialled is followed, one to a premium number is not.
        call, _ = await at.placed(f"{OF_ONE}302")
        await soon(lambda: at.hotline.agent()["activity"] == "talking", "the forwarded call")
        invite = at.one.invites("+8613900000200")[0]
        assert f"<sip:{TRUNKS_OWN}@" in invite.headers.get("from")[0]
        assert f"<sip:{TRUNKS_OWN}@" in invite.headers.get("p-asserted-identity")[0]
        await at.end(call)
        await at.hotline.freed()
        call, _ = await at.placed(f"{OF_ONE}303")
        assert await soon(lambda: at.refused(call), "the word for it") == "call-failed"
        assert not at.one.invites("+19005550200")
        await at.end(call)
        await at.kept(call)

        # Nobody listens at the first trunk: the second has the call.
        call, _ = await at.placed(f"{OF_DEAD}200")
        await soon(lambda: at.hotline.agent()["activity"] == "talking", "the call by the second trunk")
        assert at.two.invites("13700000200")
        await at.end(call)
        await at.hotline.freed()

        # The queue's own number goes before the trunk's, as each trunk writes it.
        admin = at.hotline.place.run("token", "add", "root", "--role", "admin").split()[-1]
        bearer = f"Bearer {admin}"
        seen = at.hotline.place.get("/queues/default", Authorization=bearer)["queue"]["version"]
        asked = {"numbers": OWN, "version": seen}
        await asyncio.to_thread(at.hotline.place.ask, "PUT", "/queues/default", asked, Authorization=bearer)
        await soon(lambda: at.shows(OWN), "the board to know the number")
        call, _ = await at.placed(f"{OF_DEAD}404", queue="default")
        assert await soon(lambda: at.refused(call), "the word for it") == "number-wrong"
        shown = at.two.invites("13700000404")[0].headers
        assert "<sip:02155550100@" in shown.get("from")[0]
        assert "<sip:02155550100@" in shown.get("p-asserted-identity")[0]
        await at.end(call)
        await at.kept(call)


async def test_an_emergency_goes_out_whatever_is_full_stopped_or_signed_out(tmp_path: Path) -> None:
    async with world(tmp_path) as at, phone(at, "door") as door:
        busy, own = await at.placed(f"{OF_DEAD}200")
        await soon(lambda: at.hotline.agent()["activity"] == "talking", "the only channel to be taken")
        first = door.call(f"sip:110@{at.hotline.place.sip}")
        await soon(first.up.is_set, "help by the trunk that is full")
        await soon(lambda: at.two.invites("110"), "the carrier to have the call")
        first.hang_up()
        refused = door.call(f"sip:13900000200@{at.hotline.place.sip}")
        await asyncio.wait_for(refused.over.wait(), 30)
        assert refused.ending is not None
        assert refused.ending.code == 403
        await at.end(busy)
        await at.hotline.freed()

        conductor = at.hotline.place.pid("conductor")
        os.kill(conductor, signal.SIGSTOP)
        try:
            second = door.call(f"sip:110@{at.hotline.place.sip}")
            await soon(second.up.is_set, "help without a conductor")
            await soon(lambda: at.two.received("INVITE") == 3, "the carrier to have the second call")
            await at.speaks(at.two)
            await soon(lambda: hears(second, OUTSIDE_TONE), "the phone to hear who helps")
            second.hang_up()
        finally:
            os.kill(conductor, signal.SIGCONT)
        own.hang_up()


@contextlib.asynccontextmanager
async def phone(at: World, name: str) -> AsyncIterator[Phone]:
    """A registered phone of somebody who is not signed in."""
    found = Phone(name, at.secrets[name], server=at.hotline.place.sip, tone=AGENT_TONE)
    await at.hotline.registered(found)
    try:
        yield found
    finally:
        await found.stop()
