"""Phones that register with us, and what they may do wrong; trunks that we register with."""

import asyncio
import dataclasses
import time

import pytest

from callcenter import commands, events
from callcenter.telephony.line import LineConfig, Memory, Trunk
from callcenter.telephony.sipua.digest import _md5, ha1
from callcenter.telephony.sipua.driver import Options, SipuaLine
from tests.events import Reported, until
from tests.sip.conftest import World, config
from tests.sip.wire import SDP, Peer


async def registered(peer: Peer, nonce: str = "", contact: str = "", expires: int = 60, cseq: int = 5) -> str:
    """One REGISTER of anna's with an answer to `nonce`; its text."""
    uri = "sip:127.0.0.1"
    response = _md5(f"{ha1('anna', 'callcenter', 'a-secret')}:{nonce}:{_md5(f'REGISTER:{uri}')}")
    extra = f"Expires: {expires}\r\n"
    if nonce:
        extra += (
            f'Authorization: Digest username="anna", realm="callcenter", nonce="{nonce}", uri="{uri}", '
            f'response="{response}", algorithm=MD5\r\n'
        )
    text = peer.request("REGISTER", uri, cseq=cseq, extra=extra).replace(
        "<sip:hotline@127.0.0.1>", "<sip:anna@127.0.0.1>"
    )
    return text.replace(f"<sip:1001@127.0.0.1:{peer.port}>", contact or f"<sip:anna@127.0.0.1:{peer.port}>")


async def challenge(peer: Peer) -> str:
    """A nonce of the line's."""
    peer.send(await registered(peer, cseq=1))
    asked = (await peer.take(401)).headers.get_first("www-authenticate") or ""
    return asked.partition('nonce="')[2].partition('"')[0]


async def test_a_phone_registers_by_digest_and_leaves(world: World) -> None:
    phone = await world.phone("anna", "a-secret")
    event = await world.reported.next(events.PhoneRegistered)
    assert (event.phone, event.contact) == ("anna", f"sip:anna@{phone.address}")
    assert event.expires > time.time()
    await phone.unregister()
    assert (await world.reported.next(events.PhoneUnregistered)).why == "removed"


@pytest.mark.parametrize(
    ("user", "password"), [("anna", "wrong"), ("stranger", "a-secret"), ("bert", "a-secret")]
)
async def test_a_wrong_secret_or_an_unknown_phone_is_refused(world: World, user: str, password: str) -> None:
    with pytest.raises(ConnectionRefusedError):
        await world.phone(user, password)
    assert world.reported.of(events.PhoneRegistered) == []


async def test_whoever_guesses_secrets_is_refused_for_a_while(world: World) -> None:
    guesses = (world.phone("anna", "guess") for _ in range(20))
    for refused in await asyncio.gather(*guesses, return_exceptions=True):
        assert isinstance(refused, ConnectionRefusedError)
    with pytest.raises(ConnectionRefusedError):
        await world.phone("anna", "a-secret")


async def test_a_phone_registers_over_tcp_and_is_lost_with_its_connection(world: World) -> None:
    phone = await world.phone("anna", "a-secret", transport="tcp")
    await world.reported.next(events.PhoneRegistered)
    world.do(commands.DialLeg("leg", phone="anna"))
    await world.reported.next(events.LegAnswered, leg="leg")
    for connection in list(phone.agent._transport._connections.values()):
        connection.close()
    assert (await world.reported.next(events.PhoneUnregistered)).why == "lost"


async def test_a_nonce_grows_stale_and_is_renewed(world: World) -> None:
    peer = await Peer.open(world.address)
    nonce = await challenge(peer)
    world.line._challenger._life = -1
    peer.send(await registered(peer, nonce=nonce, cseq=2))
    answer = await peer.take(401)
    assert "stale=true" in (answer.headers.get_first("www-authenticate") or "")
    world.line._challenger._life = 300
    peer.send(await registered(peer, nonce="made-up", cseq=3))
    assert "stale=true" in ((await peer.take(401)).headers.get_first("www-authenticate") or "")
    peer.send(await registered(peer, nonce=await challenge(peer), cseq=4))
    await peer.take(200)
    peer.close()


async def test_contacts_are_kept_apart_expire_and_are_removed(world: World) -> None:
    peer = await Peer.open(world.address)
    nonce = await challenge(peer)
    peer.send(await registered(peer, nonce=nonce, cseq=2))
    await peer.take(200)
    peer.send(
        await registered(
            peer, nonce=nonce, cseq=3, contact=f"<sip:anna@127.0.0.1:{peer.port};x=1>;expires=10"
        )
    )
    answer = await peer.take(200)
    assert len(answer.headers.get("contact")) == 2
    kept = world.line._registrar._kept["anna"]
    kept[:] = [
        dataclasses.replace(one, binding=dataclasses.replace(one.binding, expires=0.0)) for one in kept
    ]
    assert (await world.reported.next(events.PhoneUnregistered)).why == "expired"
    peer.send(await registered(peer, nonce=nonce, cseq=4, expires=3))
    assert (await peer.take(423)).headers.get_first("min-expires") == "10"
    peer.send(await registered(peer, nonce=nonce, cseq=5, contact="*"))
    await peer.take(400)
    peer.send(await registered(peer, nonce=nonce, cseq=6, contact="*", expires=0))
    await peer.take(200)
    peer.close()


async def test_a_phone_that_calls_proves_itself(world: World) -> None:
    phone = await world.phone("anna", "a-secret")
    phone.call("hotline")
    assert (await world.arrived()).phone == "anna"
    stranger = await world.phone("anna")
    call = stranger.call("hotline")
    await until(call.over.is_set)
    assert call.ending
    assert call.ending.code == 407


async def test_strangers_are_kept_out_when_calls_are_not_open(world: World) -> None:
    await world.line.configure(config(open_calls=False))
    call = (await world.phone("1001")).call("hotline")
    await until(call.over.is_set)
    assert call.ending
    assert call.ending.code == 403


async def test_a_caller_who_withholds_the_number(world: World) -> None:
    peer = await Peer.open(world.address)
    peer.send(peer.request("INVITE", body=SDP, user="anonymous"))
    arrived = await world.arrived()
    assert (arrived.withheld, arrived.caller, arrived.raw_caller) == (True, "", "")
    peer.close()


async def test_a_caller_has_no_control_characters(world: World) -> None:
    peer = await Peer.open(world.address)
    peer.send(peer.request("INVITE", body=SDP, user="a%00%07b"))
    arrived = await world.arrived()
    assert (arrived.caller, arrived.raw_caller) == ("ab", "ab")
    peer.close()


@pytest.mark.parametrize(
    ("sent", "caller"),
    [
        ("13800138000", "+8613800138000"),
        ("008613800138000", "+8613800138000"),
        ("1001", "1001"),
        ("+442079460000", "+442079460000"),
    ],
)
async def test_numbers_become_e164_where_they_can(world: World, sent: str, caller: str) -> None:
    (await world.phone(sent)).call("hotline")
    arrived = await world.arrived()
    assert (arrived.caller, arrived.raw_caller) == (caller, sent)


async def test_a_trunk_carries_calls_both_ways(world: World) -> None:
    carrier = await world.phone("+8613900139000")
    trunk = Trunk("carrier", carrier.address, country="GB", caller="+864001234567")
    await world.line.configure(config(trunks=(trunk,), open_calls=False))
    call = carrier.agent
    carrier.call("4000", headers={"P-Asserted-Identity": "<tel:02079460000>"})
    arrived = await world.arrived()
    assert (arrived.trunk, arrived.caller, arrived.called) == ("carrier", "+442079460000", "4000")
    world.do(commands.DialLeg("leg", number="+8613800138000"))
    await world.reported.next(events.LegAnswered, leg="leg")
    assert carrier.incoming[0].caller == "+864001234567"
    assert call.sessions == 2


async def test_we_register_with_a_trunk_and_answer_its_challenges(world: World, options: Options) -> None:
    """The trunk is another line of ours: it asks for digest at REGISTER and at INVITE."""
    ours, heard = SipuaLine(dataclasses.replace(options, rtp_ports=(24100, 24199))), Reported()
    trunk = Trunk("pbx", world.address, username="bert", password="b-secret", register=True)
    await ours.start(heard, LineConfig(trunks=(trunk,), destinations=(r"\d+|\+\d+",)), Memory())
    assert (await world.reported.next(events.PhoneRegistered)).phone == "bert"
    await until(lambda: ours._trunks.registered("pbx"))
    ours.execute(commands.DialLeg("out", number="4000", caller="1234"))
    arrived = await world.arrived()
    world.do(commands.AnswerLeg(arrived.leg))
    await heard.next(events.LegAnswered, leg="out")
    await ours.stop()
    await world.ended(arrived.leg)


async def test_a_call_that_a_registered_trunk_sends_to_our_contact(world: World) -> None:
    peer = await Peer.open(world.address)
    peer.send(peer.request("INVITE", "sip:callcenter@127.0.0.1", body=SDP))
    assert (await world.arrived()).called == "hotline"
    peer.close()


async def test_more_calls_than_ports_get_503_and_are_recorded(world: World) -> None:
    world.line._options = dataclasses.replace(world.line._options, most_legs=1)
    first = (await world.phone("1001")).call("hotline")
    await world.arrived()
    peer = await Peer.open(world.address)
    peer.send(peer.request("INVITE", body=SDP))
    assert (await peer.take(503)).headers.get_first("retry-after") == "5"
    ended = await world.ended((await world.arrived()).leg)
    assert (ended.outcome, ended.by, ended.fault, ended.retry, ended.code) == (
        "refused",
        "line",
        "us",
        True,
        503,
    )
    world.do(commands.DialLeg("leg", number="+8613800138000"))
    assert (await world.reported.next(events.CommandRefused)).code == "no_capacity"
    assert not first.over.is_set()
    peer.close()


async def test_a_tcp_caller_is_answered_on_its_own_connection(world: World) -> None:
    """Its Via and Contact name a port where nobody listens."""
    host, _, port = world.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    peer = Peer()
    peer.port = 9
    writer.write(peer.request("INVITE", body=SDP).replace("/UDP", "/TCP").encode())
    leg = (await world.arrived()).leg
    world.do(commands.AnswerLeg(leg))
    await reader.readuntil(b"\r\n\r\n")
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"SIP/2.0 200")
    tag = answer.decode().partition("To: ")[2].partition("tag=")[2].partition("\r")[0]
    writer.write(peer.request("ACK", to_tag=tag).replace("/UDP", "/TCP").encode())
    world.do(commands.HangUpLeg(leg))
    await reader.readuntil(b"BYE sip:1001@127.0.0.1:9 ")
    writer.close()
    await writer.wait_closed()


async def kept(peer: Peer, contact: str, cseq: int, nonce: str) -> None:
    peer.send(await registered(peer, nonce=nonce, cseq=cseq, contact=contact))
    await peer.take(200)


async def test_a_phone_that_vanished_is_lost_before_its_registration_ends(world: World) -> None:
    """It answered once; then it is asked twice and says nothing."""
    registrar = world.line._registrar
    registrar._keepalive = 0.5
    peer = await Peer.open(world.address)
    await kept(peer, "", 2, await challenge(peer))
    peer.answer(await peer.take("OPTIONS"), 200)
    await until(lambda: registrar._kept["anna"][0].answers)
    peer.close()
    assert (await world.reported.next(events.PhoneUnregistered)).why == "lost"


async def test_a_phone_that_answers_again_is_rung_again(world: World) -> None:
    """Its registration still stands: a network that was away for a minute costs it no more than that minute."""
    registrar = world.line._registrar
    registrar._keepalive = 0.5
    peer = await Peer.open(world.address)
    await kept(peer, "", 2, await challenge(peer))
    peer.answer(await peer.take("OPTIONS"), 200)
    await world.reported.next(events.PhoneUnregistered)
    world.do(commands.DialLeg("one", phone="anna"))
    assert (await world.reported.next(events.CommandRefused, leg="one")).code == "no_phone"
    before = len(world.reported.of(events.PhoneRegistered))
    while len(world.reported.of(events.PhoneRegistered)) == before:
        peer.answer(await peer.take("OPTIONS"), 200)
    assert len(registrar.contacts("anna")) == 1
    peer.close()


async def test_a_phone_that_knows_no_options_is_not_lost_by_them(world: World) -> None:
    registrar = world.line._registrar
    registrar._keepalive = 0.1
    peer = await Peer.open(world.address)
    await kept(peer, "", 2, await challenge(peer))
    await until(lambda: registrar._kept["anna"][0].missed > 3)
    assert world.reported.of(events.PhoneUnregistered) == []
    peer.close()


async def test_contacts_ring_by_their_preference(world: World) -> None:
    """Both of the higher one together; the lower one when they refused."""
    peers = [await Peer.open(world.address) for _ in range(3)]
    nonce = await challenge(peers[0])
    for peer, q in zip(peers, ("0.9", "0.9", "0.3"), strict=True):
        await kept(peer, f"<sip:anna@127.0.0.1:{peer.port}>;q={q}", 2, nonce)
    world.do(commands.DialLeg("leg", phone="anna"))
    for peer in peers[:2]:
        peer.answer(await peer.take("INVITE"), 486)
    peers[2].answer(await peers[2].take("INVITE"), 200, body=SDP)
    await world.reported.next(events.LegAnswered, leg="leg")
    for peer in peers:
        peer.close()


async def test_a_device_that_comes_from_elsewhere_replaces_itself(world: World) -> None:
    peer = await Peer.open(world.address)
    nonce = await challenge(peer)
    device = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'
    await kept(peer, f"<sip:anna@127.0.0.1:9>;{device}", 2, nonce)
    await kept(peer, f"<sip:anna@127.0.0.1:{peer.port}>;{device}", 3, nonce)
    assert [uri for uri, _ in world.line._registrar.contacts("anna")] == [f"sip:anna@127.0.0.1:{peer.port}"]
    peer.close()


async def test_more_contacts_than_a_phone_may_have_push_out_the_oldest(world: World) -> None:
    peer = await Peer.open(world.address)
    nonce = await challenge(peer)
    for number in range(10):
        await kept(peer, f"<sip:anna@127.0.0.1:{peer.port};n={number}>", number + 2, nonce)
    contacts = [uri for uri, _ in world.line._registrar.contacts("anna")]
    assert len(contacts) == 8
    assert contacts[0].endswith("n=9")
    peer.close()
