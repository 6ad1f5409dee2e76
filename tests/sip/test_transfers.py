"""REFER both ways (RFC 3515, RFC 4488) and Replaces (RFC 3891), message by message and between phones."""

import pytest

from callcenter import commands, events
from callcenter.telephony.line import Trunk
from tests.events import until
from tests.sip.conftest import World, config, up
from tests.sip.wire import SDP, Peer, tag_of

OTHER = "Refer-To: <sip:+8613900139000@127.0.0.1>\r\n"


async def sipfrag(peer: Peer) -> tuple[str, str, str]:
    """The next NOTIFY, answered: its first line, its subscription's state, its event."""
    notify = await peer.take("NOTIFY")
    peer.answer(notify, 200, tag="")
    headers = notify.headers
    return (
        notify.body.decode().strip(),
        (headers.get_first("subscription-state") or "").partition(";")[0],
        headers.get_first("event") or "",
    )


async def test_a_refer_is_taken_told_and_finished(world: World, peer: Peer) -> None:
    leg, tag = await up(world, peer)
    peer.send(peer.request("REFER", cseq=2, to_tag=tag, extra=OTHER))
    await peer.take(202)
    assert await sipfrag(peer) == ("SIP/2.0 100 Trying", "active", "refer")
    asked = await world.reported.next(events.TransferAsked)
    assert (asked.leg, asked.target, asked.replaces) == (leg, "+8613900139000", "")
    peer.send(peer.request("REFER", cseq=3, to_tag=tag, extra=OTHER))
    await peer.take(491)
    world.do(commands.FinishReferral(leg, 486))
    assert await sipfrag(peer) == ("SIP/2.0 486 Busy Here", "terminated", "refer")
    peer.send(peer.request("REFER", cseq=4, to_tag=tag, extra=OTHER))
    await peer.take(202)
    assert (await sipfrag(peer))[2] == "refer;id=4"
    assert len(world.reported.of(events.TransferAsked)) == 2


async def test_a_refer_without_subscription_gets_no_notify(world: World, peer: Peer) -> None:
    leg, tag = await up(world, peer)
    peer.send(peer.request("REFER", cseq=2, to_tag=tag, extra=OTHER + "Refer-Sub: false\r\n"))
    assert (await peer.take(202)).headers.get_first("refer-sub") == "false"
    await world.reported.next(events.TransferAsked)
    world.do(commands.FinishReferral(leg, 200))
    world.do(commands.HangUpLeg(leg))
    while not peer.inbox.empty():
        assert peer.inbox.get_nowait().headers.get_first("event") is None


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ("", 400),
        (OTHER + OTHER.replace("Refer-To", "r"), 400),
        ("Refer-To: <http://127.0.0.1/>\r\n", 416),
        ("Refer-To: <sip:x@127.0.0.1;method=BYE>\r\n", 603),
        ("Refer-To: <sip:x@127.0.0.1?Replaces=nothing%3Bto-tag%3D1>\r\n", 400),
        ("Refer-To: <sip:x@127.0.0.1?Replaces=nothing%3Bto-tag%3D1%3Bfrom-tag%3D2>\r\n", 603),
    ],
)
async def test_a_refer_that_cannot_be_followed(world: World, peer: Peer, extra: str, code: int) -> None:
    leg, tag = await up(world, peer)
    peer.send(peer.request("REFER", cseq=2, to_tag=tag, extra=extra))
    await peer.take(code)
    assert world.reported.of(events.TransferAsked) == []
    assert world.line.legs() == [leg]


@pytest.mark.parametrize(
    ("refer_to", "target"),
    [
        ("tel:+86-139-0013-9000", "+8613900139000"),
        ("sip:bert@callcenter", "bert"),
        ("sip:4000@127.0.0.1:5060;transport=udp", "4000"),
        ("sip:carol@example.org", "sip:carol@example.org"),
    ],
)
async def test_whom_a_refer_means(world: World, peer: Peer, refer_to: str, target: str) -> None:
    _, tag = await up(world, peer)
    peer.send(peer.request("REFER", cseq=2, to_tag=tag, extra=f"Refer-To: <{refer_to}>\r\n"))
    await peer.take(202)
    assert (await world.reported.next(events.TransferAsked)).target == target


async def test_nobody_outside_a_call_may_refer(world: World, peer: Peer) -> None:
    peer.send(peer.request("REFER", extra=OTHER))
    await peer.take(603)
    peer.send(peer.request("NOTIFY", cseq=2, extra="Event: refer\r\n"))
    await peer.take(481)


async def test_a_transfer_out_is_followed_by_its_notifies(world: World, peer: Peer) -> None:
    leg, tag = await up(world, peer)
    world.do(commands.TransferLeg(leg, "+8613900139000"))
    refer = await peer.take("REFER")
    assert refer.headers.get_first("refer-to") == f"<sip:+8613900139000@{world.address}>"
    peer.answer(refer, 202, tag="")
    world.do(commands.TransferLeg(leg, "another"))
    assert (await world.reported.next(events.CommandRefused)).code == "wrong_state"
    said = {"extra": "Event: refer\r\nSubscription-State: active\r\n", "to_tag": tag}
    for cseq, line in ((2, "SIP/2.0 100 Trying"), (3, "SIP/2.0 180 Ringing"), (4, "SIP/2.0 200 OK")):
        notify = peer.request("NOTIFY", cseq=cseq, body=line, **said)
        peer.send(notify.replace("application/sdp", "message/sipfrag"))
        await peer.take(200)
    came = await world.reported.next(events.LegTransferred)
    assert (came.leg, came.target, came.code) == (leg, "+8613900139000", 200)
    peer.send(peer.request("NOTIFY", cseq=5, to_tag=tag, extra="Event: presence\r\n"))
    await peer.take(489)
    assert world.line.legs() == [leg]


@pytest.mark.parametrize("how", ["declined", "silent", "gone"])
async def test_a_transfer_out_that_is_not_told(world: World, peer: Peer, how: str) -> None:
    leg, tag = await up(world, peer)
    world.do(commands.TransferLeg(leg, "bert"))
    refer = await peer.take("REFER")
    if how == "declined":
        peer.answer(refer, 603, tag="")
    else:
        peer.answer(refer, 202, tag="")
    if how == "gone":
        peer.send(peer.request("BYE", cseq=2, to_tag=tag))
        await peer.take(200)
    assert (await world.reported.next(events.LegTransferred)).code == (603 if how == "declined" else 0)
    if how == "gone":
        ended = await world.ended(leg)
        assert (ended.outcome, ended.by) == ("hung_up", "remote")
        kinds = [type(event) for event in world.reported.all]
        assert kinds.index(events.LegTransferred) < kinds.index(events.LegEnded)


async def test_an_attended_transfer_out_names_the_other_dialog(world: World, peer: Peer) -> None:
    leg, _ = await up(world, peer)
    await world.line.configure(config())
    bert = await world.phone("bert", "b-secret")
    world.do(commands.DialLeg("other", phone="bert"))
    await world.reported.next(events.LegAnswered, leg="other")
    world.do(commands.TransferLeg(leg, "bert", "other"))
    refer = await peer.take("REFER")
    session = bert.incoming[0]._session
    assert session
    assert session.dialog
    dialog = session.dialog
    wanted = (refer.headers.get_first("refer-to") or "").replace("%3B", ";").replace("%3D", "=")
    assert f"sip:bert@{bert.address}" in wanted
    assert f"to-tag={dialog.local_tag};from-tag={dialog.remote_tag}" in wanted


async def test_a_phone_follows_our_transfer(world: World) -> None:
    anna = await world.phone("anna", "a-secret", tone=700)
    call, leg = await world.answered_call(anna)
    world.do(commands.TransferLeg(leg, "4000"))
    second = await world.arrived(called="4000")
    world.do(commands.AnswerLeg(second.leg))
    assert (await world.reported.next(events.LegTransferred, leg=leg)).code == 200
    world.do(commands.HangUpLeg(leg))
    await until(call.over.is_set)
    assert world.line.legs() == [second.leg]


def replaces(peer: Peer, tag: str, **changes: str) -> str:
    words = {"call_id": peer.call_id, "to": tag, "from": "peer", "more": ""} | changes
    return f"Replaces: {words['call_id']};to-tag={words['to']};from-tag={words['from']}{words['more']}\r\n"


async def trunk_call(world: World, peer: Peer) -> tuple[str, str]:
    """A call by the trunk that the peer is."""
    await world.line.configure(config(trunks=(Trunk("carrier", f"127.0.0.1:{peer.port}"),)))
    return await up(world, peer)


async def test_an_invite_takes_the_place_of_a_call(world: World, peer: Peer) -> None:
    leg, tag = await trunk_call(world, peer)
    wanted, peer.call_id = replaces(peer, tag), "another"
    peer.send(peer.request("INVITE", "sip:anything@127.0.0.1", body=SDP, extra=wanted))
    call = await world.arrived()
    assert (call.replaces, call.trunk) == (leg, "carrier")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"more": ";early-only"}, 486),
        ({"to": "wrong"}, 481),
        ({"from": "wrong"}, 481),
        ({"more": "\r\nReplaces: a;to-tag=b;from-tag=c"}, 400),
        ({"more": ";to-tag=twice"}, 400),
    ],
)
async def test_a_replaces_that_fits_nothing(
    world: World, peer: Peer, changes: dict[str, str], code: int
) -> None:
    leg, tag = await trunk_call(world, peer)
    wanted, peer.call_id = replaces(peer, tag, **changes), "another"
    peer.send(peer.request("INVITE", body=SDP, extra=wanted))
    await peer.take(code)
    assert world.line.legs() == [leg]


async def test_a_stranger_replaces_nothing(world: World, peer: Peer) -> None:
    _, tag = await up(world, peer)
    wanted, peer.call_id = replaces(peer, tag), "another"
    peer.send(peer.request("INVITE", body=SDP, extra=wanted))
    await peer.take(403)


async def test_a_call_that_is_over_is_not_replaced(world: World, peer: Peer) -> None:
    leg, tag = await trunk_call(world, peer)
    peer.send(peer.request("BYE", cseq=2, to_tag=tag))
    await world.ended(leg)
    wanted, peer.call_id = replaces(peer, tag), "another"
    peer.send(peer.request("INVITE", body=SDP, extra=wanted))
    await peer.take(603)
    assert tag_of(await peer.take(603)) != tag
