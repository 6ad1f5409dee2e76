"""The SIP messages of a call: kept over a restart, found by the call, nothing secret in them."""

from pathlib import Path

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Memory
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.ladder import Ladder
from callcenter.telephony.sipua.transport import Flow
from tests.events import Reported, until
from tests.sip.conftest import CONFIG, QUICK, World

PEER = Flow("udp", "192.0.2.7", 5060)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    return Options(rtp_ports=(21000, 21999), timers=QUICK, data_dir=tmp_path)


async def test_both_legs_of_a_call_stand_under_its_id(world: World, options: Options) -> None:
    await world.phone("anna", "a-secret")
    customer = await world.phone("+8613800138000")
    call, leg = await world.answered_call(customer)
    world.do(commands.DialLeg("agent-leg", phone="anna", caller="+8613800138000", call=leg))
    await world.reported.next(events.LegAnswered, leg="agent-leg")
    call.press("5", "info")
    await world.reported.next(events.DigitPressed)
    call.hang_up()
    await world.ended(leg)
    world.do(commands.HangUpLeg("agent-leg"))
    await world.ended("agent-leg")
    kept = await world.line.ladder(leg)
    assert {one.leg for one in kept} == {leg, "agent-leg"}
    first_lines = [(one.leg == leg, one.way, one.text.split("\r\n")[0]) for one in kept]
    for line in (
        (True, "in", f"INVITE sip:hotline@{world.address} SIP/2.0"),
        (True, "out", "SIP/2.0 100 Trying"),
        (True, "out", "SIP/2.0 200 OK"),
        (False, "in", "SIP/2.0 200 OK"),
    ):
        assert line in first_lines
    assert [one.at for one in kept] == sorted(one.at for one in kept)
    pressed = next(one.text for one in kept if one.text.startswith("INFO"))
    assert "Signal=5" not in pressed
    assert "Signal=-" in pressed
    # a second process finds what the first kept
    await world.line.stop()
    again = SipuaLine(options)
    await again.start(Reported(), CONFIG, Memory())
    try:
        assert len(await again.ladder(leg)) >= len(kept)
        assert await again.ladder("never") == []
    finally:
        await again.stop()
    assert [path.stat().st_mode & 0o777 for path in Path(options.data_dir or "").rglob("*.sip")] == [0o600]


async def test_secrets_are_struck_out_and_strangers_forgotten(tmp_path: Path) -> None:
    ladder = Ladder(tmp_path)
    await ladder.start()
    ladder.note(
        b"INVITE sip:x SIP/2.0\r\nCall-ID: mine\r\n"
        b'Proxy-Authorization: Digest username="anna", cnonce="abc", response="0123456789abcdef"\r\n\r\n'
        b"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0c2VjcmV0|2^20\r\n",
        "in",
        PEER,
    )
    ladder.note(b"INVITE sip:x SIP/2.0\r\ni: stranger\r\n\r\n", "in", PEER)
    ladder.note(b"OPTIONS sip:x SIP/2.0\r\nCall-ID: probe\r\n\r\n", "in", PEER)
    ladder.bind("mine", "leg", "call")
    (message,) = await ladder.find("call")
    await ladder.stop()
    assert (message.leg, message.way, message.peer) == ("leg", "in", "udp:192.0.2.7:5060")
    assert 'username="anna"' in message.text
    for secret in ("0123456789abcdef", "abc", "c2VjcmV0"):
        assert secret not in message.text


async def test_a_torn_file_gives_what_is_whole(tmp_path: Path) -> None:
    ladder = Ladder(tmp_path)
    await ladder.start()
    ladder.note(b"INVITE sip:x SIP/2.0\r\nCall-ID: a\r\n\r\n", "in", PEER)
    ladder.bind("a", "leg", "call")
    assert len(await ladder.find("call")) == 1
    await ladder.stop()
    (path,) = tmp_path.glob("*.sip")
    with path.open("ab") as file:
        file.write(b"\0\0\1\0torn")
    again = Ladder(tmp_path)
    await again.start()
    again.note(b"INVITE sip:x SIP/2.0\r\nCall-ID: b\r\n\r\n", "in", PEER)
    again.bind("b", "leg2", "other")
    assert len(await again.find("call")) == 1
    await again.stop()


async def test_a_draining_line_keeps_its_calls_and_takes_no_new_ones(world: World) -> None:
    customer = await world.phone("+8613800138000")
    _, leg = await world.answered_call(customer)
    world.do(commands.DrainLine(True))
    assert (await world.reported.next(events.LineDraining)).legs == 1
    second = await world.phone("+8613800138001")
    refused = second.call("hotline")
    await until(refused.over.is_set)
    assert refused.ending is not None
    assert refused.ending.code == 503
    await world.phone("anna", "a-secret")
    world.do(commands.DialLeg("agent-leg", phone="anna", call=leg))
    await world.reported.next(events.LegAnswered, leg="agent-leg")
    for each in (leg, "agent-leg"):
        world.do(commands.HangUpLeg(each))
        await world.ended(each)
    assert (await world.reported.next(events.LineDraining, legs=0)).draining
    world.do(commands.DrainLine(False))
    await world.reported.next(events.LineDraining, draining=False)
    await world.answered_call(second)


async def test_a_dialog_bound_again_behind_its_end_is_forgotten(tmp_path: Path) -> None:
    ladder = Ladder(tmp_path)
    ladder.note(b"INVITE sip:x SIP/2.0\r\nCall-ID: mine\r\n\r\n", "in", PEER)
    ladder.bind("mine", "leg", "call")
    ladder.close("leg")
    lingers = ladder._dialogs["mine"].until
    ladder.bind("mine", "leg", "call")
    assert ladder._dialogs["mine"].until == lingers
    await ladder.stop()
