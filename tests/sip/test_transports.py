"""TLS, TCP, UDP and IPv6 on the wire: who is reached how, and what is refused."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Memory, Trunk
from callcenter.telephony.phone import Phone as SipPhone
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.transport import Listen
from tests.events import Reported, until
from tests.sip.certificates import Authority
from tests.sip.conftest import QUICK, World, config
from tests.sip.wire import SDP, Peer


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def world(authority: Authority) -> AsyncIterator[World]:
    """A line on IPv4 and IPv6, by UDP, TCP and TLS."""
    also = (Listen("::1", 0), Listen("127.0.0.1", 0, tls=True), Listen("::1", 0, tls=True))
    options = Options(
        also=also, tls=authority.server("127.0.0.1", "::1"), rtp_ports=(25000, 25499), timers=QUICK
    )
    line, reported, memory = SipuaLine(options), Reported(), Memory()
    world = World(line, reported, await line.start(reported, config(), memory), memory)
    yield world
    for phone in world.phones:
        await phone.stop()
    await line.stop()


def port(world: World, number: int) -> int:
    return world.line._agent._transport.listening[number].port


async def by_tls(world: World, authority: Authority, user: str, password: str = "") -> SipPhone:
    server = f"127.0.0.1:{port(world, 2)}"
    return await world.phone(user, password, server=server, transport="tls", tls=authority.client())


async def tls_stream(
    world: World, context: ssl.SSLContext
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port(world, 2), ssl=context)


async def test_a_phone_by_tls_calls_and_is_reached_on_its_own_connection(
    world: World, authority: Authority
) -> None:
    phone = await by_tls(world, authority, "anna", "a-secret")
    assert "transport=tls" in (await world.reported.next(events.PhoneRegistered)).contact
    world.do(commands.DialLeg("leg", phone="anna"))
    await world.reported.next(events.LegAnswered, leg="leg")
    world.do(commands.HangUpLeg("leg"))
    assert (await world.ended("leg")).outcome == "hung_up"
    _, inbound = await world.answered_call(phone)
    world.do(commands.HangUpLeg(inbound))
    await world.ended(inbound)
    assert len(world.line._agent._transport._connections) == 1


async def test_a_phone_by_tls_is_lost_with_its_connection(world: World, authority: Authority) -> None:
    phone = await by_tls(world, authority, "anna", "a-secret")
    await world.reported.next(events.PhoneRegistered)
    for connection in list(phone.agent._transport._connections.values()):
        connection.close()
    assert (await world.reported.next(events.PhoneUnregistered)).why == "lost"


async def test_tls_below_the_floor_is_refused(world: World, authority: Authority) -> None:
    context = ssl.create_default_context(cafile=authority.file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await tls_stream(world, context)


async def test_tls_1_2_is_spoken_where_a_setting_says_so(authority: Authority) -> None:
    tls = authority.server("127.0.0.1", minimum="1.2")
    line = SipuaLine(Options(also=(Listen("127.0.0.1", 0, tls=True),), tls=tls, rtp_ports=(25500, 25599)))
    reported = Reported()
    world = World(line, reported, await line.start(reported, config(), Memory()), Memory())
    context = ssl.create_default_context(cafile=authority.file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    _, writer = await asyncio.open_connection("127.0.0.1", port(world, 1), ssl=context)
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.2"
    writer.close()
    await line.stop()


async def test_a_renewed_certificate_is_shown_to_who_comes_then(world: World, authority: Authority) -> None:
    async def shown() -> bytes:
        context = ssl.create_default_context(cafile=authority.file)
        context.check_hostname = False
        _, writer = await tls_stream(world, context)
        certificate: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.close()
        return certificate

    before = await shown()
    tls = world.line._options.tls
    assert tls
    certificate, key = authority.issue("127.0.0.1", "renewed.example")
    tls.refresh()
    after = await shown()
    assert after != before
    key.write_text("no key")
    tls.refresh()
    assert await shown() == after
    certificate.unlink()
    tls.refresh()
    assert await shown() == after


@pytest.mark.parametrize(("names", "reached"), [(("127.0.0.1",), True), (("elsewhere.example",), False)])
async def test_a_trunk_by_tls_proves_the_name_that_we_call(
    tmp_path: Path, names: tuple[str, ...], reached: bool
) -> None:
    """The trunk is another line of ours."""
    authority = Authority(tmp_path)
    far, far_heard = (
        SipuaLine(
            Options(
                also=(Listen("127.0.0.1", 0, tls=True),),
                tls=authority.server(*names),
                rtp_ports=(25600, 25699),
            )
        ),
        Reported(),
    )
    there = World(far, far_heard, await far.start(far_heard, config(), Memory()), Memory())
    near, heard = (
        SipuaLine(Options(tls=authority.client(), timers=QUICK, rtp_ports=(25700, 25799))),
        Reported(),
    )
    trunk = Trunk("pbx", f"127.0.0.1:{port(there, 1)}", transport="tls")
    await near.start(heard, config(trunks=(trunk,), destinations=(r"\d+",)), Memory())
    near.execute(commands.DialLeg("out", number="4000", caller="+8613800138000"))
    if reached:
        there.do(commands.AnswerLeg((await there.arrived()).leg))
        await heard.next(events.LegAnswered, leg="out")
    else:
        assert (await heard.next(events.LegEnded, leg="out")).outcome == "unreachable"
        assert far_heard.of(events.CallArrived) == []
    await near.stop()
    await far.stop()


async def test_ipv6_by_udp_and_by_tls(world: World, authority: Authority) -> None:
    for number, kind, user in ((1, "udp", "anna"), (3, "tls", "bert")):
        phone = await world.phone(
            user, f"{user[0]}-secret", server=f"[::1]:{port(world, number)}", host="::1", transport=kind,
            tls=authority.client(),
        )  # fmt: skip
        event = await world.reported.next(events.PhoneRegistered, phone=user)
        assert "@[::1]:" in event.contact
        phone.answer_after = 0.0
        world.do(commands.DialLeg(f"to-{user}", phone=user))
        await world.reported.next(events.LegAnswered, leg=f"to-{user}")
        world.do(commands.PlayPrompts(f"to-{user}", "hello", ("tone:300:4000",)))
        call = phone.incoming[-1]
        await until(lambda call=call: call.voice.received > 10, "audio by IPv6")  # type: ignore[misc]


async def test_a_keep_alive_by_tls_is_answered(world: World, authority: Authority) -> None:
    reader, writer = await tls_stream(world, ssl.create_default_context(cafile=authority.file))
    writer.write(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"\r\n"
    writer.close()


async def test_a_connection_that_says_nothing_is_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, _, number = world.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    writer.write(b"INVITE sip:half-a-mess")
    transport = world.line._agent._transport
    await until(lambda: bool(transport._connections))
    monkeypatch.setattr("callcenter.telephony.sipua.transport.SPEECHLESS", -1.0)
    transport._sweep()
    with contextlib.suppress(ConnectionError):
        assert await reader.read() == b""
    writer.close()


async def test_connections_beyond_the_limit_are_closed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callcenter.telephony.sipua.transport.MOST_CONNECTIONS", 0)
    host, _, number = world.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    writer.close()


async def test_a_message_of_too_many_lines_is_not_read(world: World) -> None:
    peer = await Peer.open(world.address)
    peer.send(peer.request("OPTIONS", extra="X-Flood: 1\r\n" * 400))
    peer.send(peer.request("OPTIONS", cseq=2, extra="X-Some: 1\r\n" * 100))
    assert (await peer.take(200)).headers.get_first("cseq") == "2 OPTIONS"
    peer.close()


LONG = "x" * 60


async def test_a_large_request_goes_by_tcp_where_the_peer_has_it(world: World) -> None:
    """A phone of ours listens by both."""
    phone = await world.phone("desk")
    await world.line.configure(config(destinations=(r"sip:.*",)))
    world.do(commands.DialLeg("leg", number=f"sip:desk@{phone.address};x={LONG * 20}", caller_name=LONG))
    await world.reported.next(events.LegAnswered, leg="leg")
    assert phone.agent._transport._connections


async def test_a_large_request_goes_by_udp_to_who_has_no_tcp(world: World) -> None:
    peer = await Peer.open(world.address)
    await world.line.configure(config(destinations=(r"sip:.*",)))
    for leg in ("one", "two"):
        world.do(commands.DialLeg(leg, number=f"sip:desk@127.0.0.1:{peer.port};x={LONG * 20}"))
        invite = await peer.take("INVITE")
        assert invite.headers.get("via")[0].startswith("SIP/2.0/UDP")
        peer.answer(invite, 200, body=SDP)
        await peer.take("ACK")
        await world.reported.next(events.LegAnswered, leg=leg)
        world.do(commands.HangUpLeg(leg))
        peer.answer(await peer.take("BYE"), 200, tag="")
    peer.close()
