"""Blind, attended and conference in a whole installation: real SIP, real audio, checked by frequency."""

import asyncio
from pathlib import Path

from callcenter import commands
from callcenter.telephony.phone import Phone, PhoneCall
from callcenter.telephony.sipua.replaces import Replaces
from tests.hotline import AGENT_TONE, CUSTOMER_TONE, soon
from tests.house import BERT_TONE, NUMBER, OUTSIDE, OUTSIDE_TONE, hears, house, incoming, on_board, talk


async def test_by_the_desk(tmp_path: Path) -> None:
    async with house(tmp_path) as (hotline, anna, bert, outside):
        async with talk(hotline, anna) as (call, customer, hers):
            hotline.ask(commands.TransferCall("anna", call, "agent", "bert", "the contract"))
            his = await incoming(bert, 0)
            await hears(customer, BERT_TONE)
            await hears(his, CUSTOMER_TONE)
            await asyncio.wait_for(hers.over.wait(), 30)
            await soon(lambda: on_board(hotline, "anna")["activity"] == "wrap_up", "anna's wrap-up")
            # Bert asks somebody outside; the customer must not hear it.
            hotline.ask(commands.ConsultCall("bert", call, "number", OUTSIDE))
            guest = await incoming(outside, 0)
            await hears(guest, BERT_TONE)
            await hears(his, OUTSIDE_TONE)
            await hears(customer)
            hotline.ask(commands.JoinCall("bert", call))
            await hears(customer, BERT_TONE, OUTSIDE_TONE)
            await hears(guest, BERT_TONE, CUSTOMER_TONE)
            await hears(his, OUTSIDE_TONE, CUSTOMER_TONE)
            hotline.ask(commands.LeaveCall("bert", call))
            await hears(customer, OUTSIDE_TONE)
            await hears(guest, CUSTOMER_TONE)
            customer.hang_up()
            await asyncio.wait_for(guest.over.wait(), 30)
        await soon(lambda: hotline.record(NUMBER).get("outcome"), "the record")
        row = hotline.record(NUMBER)
        assert (row["outcome"], row["agent"], row["last_agent"], row["transfers"]) == (
            "answered",
            "anna",
            "bert",
            2,
        )


async def test_the_phone_holds_and_transfers_at_once(tmp_path: Path) -> None:
    async with house(tmp_path) as (hotline, anna, bert, _), talk(hotline, anna) as (_, customer, hers):
        hers.hold()
        await hears(customer)
        hers.resume()
        await hears(customer, AGENT_TONE)
        hers.refer("sip:bert@127.0.0.1")
        his = await incoming(bert, 0)
        await hears(customer, BERT_TONE)
        await hears(his, CUSTOMER_TONE)
        await asyncio.wait_for(hers.over.wait(), 30)
        assert hers.transfer == 200


async def over_by_phone(
    anna: Phone, asked: Phone, number: str, hers: PhoneCall, customer: PhoneCall, tone: float
) -> None:
    """Anna holds the customer, rings somebody with a second call of her phone, and brings both together."""
    hers.hold()
    await hears(customer)
    second, theirs = anna.call(number), await incoming(asked, len(asked.incoming))
    await hears(second, tone)
    await hears(theirs, AGENT_TONE)
    await hears(customer)
    hers.refer(f"sip:{number}@127.0.0.1", replaces=second)
    await hears(customer, tone)
    await hears(theirs, CUSTOMER_TONE)
    for leg in (hers, second):
        await asyncio.wait_for(leg.over.wait(), 30)
    assert hers.transfer == 200


async def test_the_phone_asks_first(tmp_path: Path) -> None:
    """REFER with Replaces: to a colleague, and to a number outside, whom the phone rang itself."""
    async with house(tmp_path) as (hotline, anna, bert, outside):
        async with talk(hotline, anna) as (_, customer, hers):
            await over_by_phone(anna, bert, "bert", hers, customer, BERT_TONE)
        await soon(lambda: hotline.record(NUMBER).get("last_agent") == "bert", "the record")
        assert hotline.record(NUMBER)["transfers"] == 1
        await hotline.freed()
        async with talk(hotline, anna) as (_, customer, hers):
            await over_by_phone(anna, outside, OUTSIDE, hers, customer, OUTSIDE_TONE)


async def test_a_phone_takes_the_place_of_another(tmp_path: Path) -> None:
    """INVITE with Replaces: as when anna's phone has sent bert's there."""
    async with house(tmp_path) as (hotline, anna, bert, _), talk(hotline, anna) as (_, customer, hers):
        assert hers._session
        dialog = hers._session.dialog
        assert dialog
        wanted = Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag).value()
        his = bert.call("anna", {"Replaces": wanted, "Require": "replaces"})
        await hears(customer, BERT_TONE)
        await hears(his, CUSTOMER_TONE)
        await asyncio.wait_for(hers.over.wait(), 30)
        assert on_board(hotline, "anna")["activity"] == "wrap_up"
        again = anna.call("bert", {"Replaces": wanted, "Require": "replaces"})
        await asyncio.wait_for(again.over.wait(), 30)
        assert again.ending
        assert again.ending.code in (481, 603)


async def test_the_system_that_the_caller_came_by_takes_the_caller_back(tmp_path: Path) -> None:
    async with house(tmp_path) as (hotline, anna, _, outside):
        customer = outside.call(f"sip:hotline@{hotline.place.sip}")
        await soon(lambda: anna.incoming, "anna's phone to ring")
        await hears(customer, AGENT_TONE)
        call = str(hotline.agent()["call"])
        hotline.ask(commands.TransferCall("anna", call, "release", "4021"))
        there = await incoming(outside, 0)
        assert there.called == "4021"
        await asyncio.wait_for(anna.incoming[0].over.wait(), 30)
        await asyncio.wait_for(customer.over.wait(), 30)
        assert not there.over.is_set()
        await soon(lambda: on_board(hotline, "anna")["activity"] == "wrap_up", "anna's wrap-up")
