"""Several trunks: which one is taken, when another, and what is said to them and believed of them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiosipua import SipRequest

from callcenter import commands, events
from callcenter.telephony.line import Trunk
from tests.events import until
from tests.sip.conftest import World, config
from tests.sip.wire import SDP, Peer

NUMBER = "+8613800138000"


@pytest.fixture
async def carriers(world: World) -> AsyncIterator[list[Peer]]:
    """Two carriers that say what they are told to."""
    peers = [await Peer.open(world.address) for _ in range(2)]
    yield peers
    for peer in peers:
        peer.close()


def trunks(carriers: list[Peer], **more: Any) -> tuple[Trunk, ...]:
    options: dict[str, Any] = {"keepalive": 0.0, "caller": "+864001234567", **more}
    return tuple(
        Trunk(name, f"127.0.0.1:{peer.port}", **options)
        for name, peer in zip(("one", "two"), carriers, strict=False)
    )


async def use(world: World, carriers: list[Peer], **more: Any) -> None:
    await world.line.configure(config(trunks=trunks(carriers, **more)))


def dial(world: World, leg: str = "leg", **more: Any) -> None:
    world.do(commands.DialLeg(leg, number=NUMBER, **more))


async def invited(peer: Peer) -> SipRequest:
    invite = await peer.take("INVITE")
    assert isinstance(invite, SipRequest)
    return invite


@pytest.mark.parametrize("code", [408, 500, 503, 504])
async def test_the_next_trunk_is_taken_when_one_fails_before_ringing(
    world: World, carriers: list[Peer], code: int
) -> None:
    one, two = carriers
    await use(world, carriers)
    dial(world)
    invite = await invited(one)
    one.answer(invite, 100)
    one.answer(invite, code)
    await one.take("ACK")
    two.answer(await invited(two), 200, body=SDP)
    await two.take("ACK")
    await world.reported.next(events.LegAnswered, leg="leg")
    assert len(world.reported.of(events.LegEnded)) == 0


@pytest.mark.parametrize(
    ("code", "outcome"), [(486, "busy"), (404, "unreachable"), (603, "refused"), (480, "unreachable")]
)
async def test_what_speaks_of_the_called_party_is_believed(
    world: World, carriers: list[Peer], code: int, outcome: str
) -> None:
    await use(world, carriers)
    dial(world)
    carriers[0].answer(await invited(carriers[0]), code)
    assert (await world.ended("leg")).outcome == outcome
    assert carriers[1].inbox.empty()


@pytest.mark.parametrize("ringing", [180, 183])
async def test_after_ringing_no_other_trunk_is_tried(
    world: World, carriers: list[Peer], ringing: int
) -> None:
    await use(world, carriers)
    dial(world)
    invite = await invited(carriers[0])
    carriers[0].answer(invite, ringing, body=SDP if ringing == 183 else "")
    await world.reported.next(events.LegRinging, leg="leg")
    carriers[0].answer(invite, 503)
    assert (await world.ended("leg")).code == 503
    assert carriers[1].inbox.empty()


async def test_a_trunk_that_says_nothing_is_left_after_a_few_seconds(
    world: World, carriers: list[Peer]
) -> None:
    one, two = carriers
    await use(world, carriers)
    dial(world)
    late = await invited(one)
    two.answer(await invited(two), 200, body=SDP)
    await world.reported.next(events.LegAnswered, leg="leg")
    one.answer(late, 200, body=SDP)
    await one.take("ACK")
    await one.take("BYE")
    assert world.line.legs() == ["leg"]


async def test_when_all_fail_the_call_ends_once(world: World, carriers: list[Peer]) -> None:
    await use(world, carriers)
    dial(world)
    for carrier in carriers:
        carrier.answer(await invited(carrier), 503)
    ended = await world.ended("leg")
    assert (ended.outcome, ended.fault, ended.retry, ended.code) == ("failed", "network", True, 503)


async def test_a_named_trunk_is_the_only_one(world: World, carriers: list[Peer]) -> None:
    await use(world, carriers)
    dial(world, trunk="two")
    carriers[1].answer(await invited(carriers[1]), 503)
    assert (await world.ended("leg")).code == 503
    assert carriers[0].inbox.empty()


async def test_a_hang_up_ends_the_search(world: World, carriers: list[Peer]) -> None:
    await use(world, carriers)
    dial(world)
    invite = await invited(carriers[0])
    carriers[0].answer(invite, 100)
    world.do(commands.HangUpLeg("leg"))
    await carriers[0].take("CANCEL")
    carriers[0].answer(invite, 503)
    assert (await world.ended("leg")).outcome == "cancelled"
    assert carriers[1].inbox.empty()


async def test_channels_are_counted_both_ways(world: World, carriers: list[Peer]) -> None:
    one, two = carriers
    await use(world, carriers, channels=1)
    one.send(one.request("INVITE", body=SDP))
    inbound = await world.arrived(trunk="one")
    dial(world, "second")
    await invited(two)
    dial(world, "third")
    assert (await world.reported.next(events.CommandRefused, leg="third")).code == "no_capacity"
    one.call_id += "again"
    one.send(one.request("INVITE", body=SDP))
    await one.take(503)
    assert (await world.ended((await world.arrived(trunk="one")).leg)).code == 503
    world.do(commands.HangUpLeg(inbound.leg))
    await world.ended(inbound.leg)
    dial(world, "fourth")
    await invited(one)


async def test_options_say_whether_a_trunk_is_up(world: World, carriers: list[Peer]) -> None:
    """It takes two silences to be down, and two answers to be up again."""
    one, two = carriers
    await world.line.configure(
        config(trunks=(*trunks([one], keepalive=0.5), Trunk("two", f"127.0.0.1:{two.port}", keepalive=0.0)))
    )
    one.answer(await one.take("OPTIONS"), 405)
    assert (await world.reported.next(events.TrunkChanged)).up
    one.answer(await one.take("OPTIONS"), 503)
    changed = await world.reported.next(events.TrunkChanged)
    assert (changed.trunk, changed.up, changed.why) == ("one", False, "OPTIONS: 408")
    dial(world)
    await invited(two)
    answering = asyncio.get_running_loop().create_task(_answer_options(one))
    assert (await world.reported.next(events.TrunkChanged)).up
    answering.cancel()
    dial(world, "again")
    await invited(one)


async def _answer_options(peer: Peer) -> None:
    while True:
        peer.answer(await peer.take("OPTIONS"), 200)


async def test_a_refused_registration_takes_the_trunk_down(world: World, carriers: list[Peer]) -> None:
    one, two = carriers
    await use(world, carriers[:1], register=True, username="hotline", password="secret")
    request = await one.take("REGISTER")
    one.answer(request, 200, extra=f"Contact: {request.headers.get('contact')[0]};expires=1")
    assert (await world.reported.next(events.TrunkChanged)).up
    one.answer(await one.take("REGISTER"), 403)
    changed = await world.reported.next(events.TrunkChanged)
    assert (changed.up, changed.why) == (False, "registration: 403")
    assert two.inbox.empty()


async def test_an_ailing_registrar_leaves_what_it_granted(world: World, carriers: list[Peer]) -> None:
    one = carriers[0]
    await use(world, [one], register=True, username="hotline", password="secret")
    registration = world.line._trunks._ways["one"].registration
    assert registration
    request = await one.take("REGISTER")
    one.answer(request, 200, extra="Expires: 60")
    await world.reported.next(events.TrunkChanged, up=True)
    registration._send(60)
    one.answer(await one.take("REGISTER"), 500)
    await until(lambda: registration.code == 500)
    assert registration.standing
    registration._good_until = 0.0
    registration._send(60)
    one.answer(await one.take("REGISTER"), 500)
    assert (await world.reported.next(events.TrunkChanged)).why == "registration: 500"


@pytest.mark.parametrize(
    ("form", "dialled", "caller"),
    [
        ("+e164", "+8613800138000", "+864001234567"),
        ("e164", "8613800138000", "864001234567"),
        ("national", "13800138000", "4001234567"),
    ],
)
async def test_numbers_are_written_as_the_trunk_wants_them(
    world: World, carriers: list[Peer], form: str, dialled: str, caller: str
) -> None:
    await use(world, carriers, number_format=form)
    dial(world)
    invite = await invited(carriers[0])
    assert invite.uri.removeprefix("sip:").partition("@")[0] == dialled
    assert f"<sip:{caller}@" in invite.headers.get("from")[0]
    assert invite.headers.get("p-asserted-identity")[0].startswith(f"<sip:{caller}@")
    assert not invite.headers.get("privacy")


async def test_who_calls_is_told_withheld_and_diverted(world: World, carriers: list[Peer]) -> None:
    one = carriers[0]
    await use(world, carriers)
    dial(world, caller="+862155550100", caller_name='Anna "A"', diverted_from="+8610999999")
    invite = await invited(one)
    assert '"Anna A" <sip:+862155550100@' in invite.headers.get("from")[0]
    assert "<sip:+8610999999@" in invite.headers.get("diversion")[0]
    dial(world, "hidden", caller="+862155550100", caller_name="Anna", withhold=True)
    invite = await invited(one)
    assert invite.headers.get("from")[0].startswith('"Anonymous" <sip:anonymous@anonymous.invalid>')
    assert invite.headers.get("privacy") == ["id"]
    assert invite.headers.get("p-asserted-identity")[0].startswith("<sip:+862155550100@")
    assert "Anna" not in invite.text
    dial(world, "inner", caller="anna")
    assert "<sip:+864001234567@" in (await invited(one)).headers.get("from")[0]


@pytest.mark.parametrize(
    ("headers", "caller", "withheld"),
    [
        ("P-Asserted-Identity: <sip:anna@pbx>, <tel:13800138000>\r\n", NUMBER, False),
        ("P-Asserted-Identity: <sip:13800138000@pbx;user=phone>\r\nPrivacy: id\r\n", "", True),
        ('Remote-Party-ID: "A, B" <sip:13800138000@pbx>;party=calling;privacy=off\r\n', NUMBER, False),
        ("Remote-Party-ID: <sip:13800138000@pbx>;party=calling;privacy=full\r\n", "", True),
    ],
)
async def test_what_a_trusted_trunk_asserts_is_the_caller(
    world: World, carriers: list[Peer], headers: str, caller: str, withheld: bool
) -> None:
    one = carriers[0]
    await use(world, carriers)
    one.send(one.request("INVITE", body=SDP, extra=headers))
    arrived = await world.arrived()
    assert (arrived.caller, arrived.withheld, arrived.trunk) == (caller, withheld, "one")
    assert "13800138000" in arrived.raw_caller


async def test_what_others_assert_is_not(world: World, carriers: list[Peer]) -> None:
    one, two = carriers
    said = f"P-Asserted-Identity: <tel:{NUMBER}>\r\nDiversion: <sip:{NUMBER}@x>\r\n"
    await use(world, [one], trusted=False)
    for peer in (one, two):
        peer.send(peer.request("INVITE", body=SDP, extra=said))
        arrived = await world.arrived()
        assert (arrived.caller, arrived.diverted_from) == ("1001", "")


@pytest.mark.parametrize(
    ("headers", "first"),
    [
        (
            "Diversion: <sip:4000@pbx>;reason=no-answer, <tel:02155550100>;reason=user-busy\r\n",
            "+862155550100",
        ),
        ("Diversion: <sip:4000@pbx>\r\nDiversion: <sip:anna@pbx>\r\n", "anna"),
        ("History-Info: <sip:02155550100@pbx>;index=1, <sip:hotline@pbx>;index=1.1\r\n", "+862155550100"),
        ("History-Info: <sip:hotline@pbx>;index=1\r\n", ""),
        ("", ""),
    ],
)
async def test_who_was_called_first_is_told(
    world: World, carriers: list[Peer], headers: str, first: str
) -> None:
    one = carriers[0]
    await use(world, carriers)
    one.send(one.request("INVITE", body=SDP, extra=headers))
    assert (await world.arrived()).diverted_from == first


@pytest.mark.parametrize("called", ["+862155550100", "862155550100", "02155550100", "008621 55550100"])
async def test_our_number_in_each_of_its_spellings(world: World, carriers: list[Peer], called: str) -> None:
    one = carriers[0]
    await world.line.configure(config(trunks=trunks(carriers), numbers=("+862155550100",), country="GB"))
    one.send(one.request("INVITE", f"sip:{called.replace(' ', '')}@127.0.0.1", body=SDP))
    assert (await world.arrived()).called == "+862155550100"


async def test_a_trunk_by_name_is_known_by_its_addresses(world: World, carriers: list[Peer]) -> None:
    one = carriers[0]
    trunk = Trunk("named", f"localhost:{one.port}", keepalive=0.0)
    await world.line.configure(config(trunks=(trunk,)))
    await until(lambda: "127.0.0.1" in world.line._trunks._ways["named"].hosts)
    one.send(one.request("INVITE", body=SDP))
    assert (await world.arrived()).trunk == "named"
    dial(world)
    assert (await invited(one)).uri == f"sip:{NUMBER}@localhost:{one.port}"
