"""Signalling by TLS with keys for SRTP, against baresip."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Memory, Srtp
from callcenter.telephony.phone import Phone as SipPhone
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.transport import Listen
from tests.baresip import Baresip
from tests.events import until
from tests.sip.answering import Answering
from tests.sip.certificates import Authority
from tests.sip.conftest import config

pytestmark = pytest.mark.needs("baresip")


@asynccontextmanager
async def place(
    folder: Path, profile: str, srtp: Srtp
) -> AsyncIterator[tuple[SipuaLine, Answering, str, Baresip]]:
    """A line with TLS, what it reported, its TLS address, and baresip registered there as anna's phone.

    `profile`: `srtp` offers keys beside RTP/AVP, `srtp-mand` RTP/SAVP alone.
    """
    authority = Authority(folder)
    tls = authority.server("127.0.0.1")
    line = SipuaLine(Options(also=(Listen("127.0.0.1", 0, tls=True),), tls=tls, rtp_ports=(26000, 26999)))
    heard = Answering(line)
    await line.start(heard, config(srtp=srtp), Memory())
    server = f"127.0.0.1:{line._agent._transport.listening[1].port}"
    account = f"<sip:anna@{server};transport=tls>;auth_pass=a-secret;answermode=auto;audio_codecs=PCMA;mediaenc={profile}"
    phone = Baresip(folder, account, more=f"sip_cafile {authority.file}\nmodule srtp.so\n")
    await phone.start()
    try:
        await heard.next(events.PhoneRegistered, phone="anna")
        yield line, heard, server, phone
    finally:
        await phone.stop()
        await line.stop()


@pytest.mark.parametrize("profile", ["srtp", "srtp-mand"])
async def test_keys_are_agreed_on_both_ways(tmp_path: Path, profile: str) -> None:
    async with place(tmp_path, profile, "must") as (line, heard, server, phone):
        line.execute(commands.DialLeg("leg", phone="anna"))
        await heard.next(events.LegAnswered, leg="leg")
        dialled = line._legs["leg"]._remote
        assert dialled
        assert dialled.keying
        line.execute(commands.HangUpLeg("leg"))
        await heard.next(events.LegEnded, leg="leg")
        await phone.tell("dial", f"sip:hotline@{server};transport=tls")
        arrived = await heard.next(events.CallArrived)
        await heard.next(events.LegAnswered, leg=arrived.leg)
        called = line._legs[arrived.leg]._remote
        assert called
        assert called.keying


async def test_a_caller_in_the_clear_hears_a_phone_by_srtp(tmp_path: Path) -> None:
    """baresip gives back what it hears: both directions are decrypted rightly."""
    async with place(tmp_path, "srtp", "may") as (line, heard, _, _phone):
        heard.phone = "anna"
        customer = SipPhone("+8613800138000", server=line_address(line), tone=520)
        await customer.start()
        call = customer.call("hotline")
        bridged = await heard.next(events.LegsBridged)
        await until(lambda: call.voice.loudest() == 520, "the customer hears himself through baresip")
        for leg in (bridged.leg, bridged.other):
            remote = line._legs[leg]._remote
            assert remote
            assert bool(remote.keying) == leg.startswith("to-")
        await customer.stop()


def line_address(line: SipuaLine) -> str:
    first = line._agent._transport.listening[0]
    return f"{first.host}:{first.port}"
