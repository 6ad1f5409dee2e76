"""A supervisor in a call of a whole installation: real SIP, real audio, who hears whom by frequency."""

import json
from pathlib import Path
from typing import Any

from callcenter import commands
from callcenter.telephony.phone import PhoneCall
from tests.hotline import AGENT_TONE, CUSTOMER_TONE, Hotline, soon
from tests.house import (
    BERT_TONE,
    SUPERVISOR_TONE,
    ever_heard,
    hears,
    house,
    incoming,
    on_board,
    phone_of,
    talk,
)
from tests.place import Place


async def whispers_through_hold_and_consultation(
    hotline: Hotline, call: str, customer: PhoneCall, hers: PhoneCall, sues: PhoneCall
) -> None:
    await hears(hers, CUSTOMER_TONE, SUPERVISOR_TONE)
    await hears(sues, CUSTOMER_TONE, AGENT_TONE)
    await hears(customer, AGENT_TONE)
    hotline.ask(commands.HoldCall("anna", call))
    await hears(hers, SUPERVISOR_TONE)
    await hears(sues, AGENT_TONE)
    await hears(customer)
    hotline.ask(commands.ResumeCall("anna", call))
    await hears(customer, AGENT_TONE)
    hotline.ask(commands.ConsultCall("anna", call, "agent", "bert"))
    await hears(hers, BERT_TONE, SUPERVISOR_TONE)
    await hears(sues, AGENT_TONE, BERT_TONE)
    await hears(customer)


async def test_a_whisper_reaches_the_agent_alone_whatever_becomes_of_the_call(tmp_path: Path) -> None:
    private = house(tmp_path, supervisors=("sue",), supervision="private")
    async with (
        private as (hotline, anna, bert, _),
        phone_of(hotline, "sue", SUPERVISOR_TONE) as sue,
        talk(hotline, anna) as (call, customer, hers),
    ):
        customer.voice.forget()
        hotline.ask(commands.Supervise("sue", call, "whisper"))
        sues = await incoming(sue, 0)
        await whispers_through_hold_and_consultation(hotline, call, customer, hers, sues)
        his = bert.incoming[0]
        hotline.ask(commands.JoinCall("anna", call))
        await hears(customer, AGENT_TONE, BERT_TONE)
        await hears(hers, CUSTOMER_TONE, BERT_TONE, SUPERVISOR_TONE)
        await hears(his, CUSTOMER_TONE, AGENT_TONE)
        await hears(sues, CUSTOMER_TONE, AGENT_TONE, BERT_TONE)
        assert not ever_heard(his, SUPERVISOR_TONE)
        assert_nobody_sees_it(hotline.place, call)
        hotline.ask(commands.DropParty("anna", call))
        await soon(lambda: on_board(hotline, "bert")["activity"] == "idle", "bert to be free")
        hotline.ask(commands.TransferCall("anna", call, "agent", "bert"))
        his = await incoming(bert, 1)
        await hears(his, CUSTOMER_TONE, SUPERVISOR_TONE)
        await hears(sues, CUSTOMER_TONE, BERT_TONE)
        await hears(customer, BERT_TONE)
        assert not ever_heard(customer, SUPERVISOR_TONE)
        hotline.ask(commands.Supervise("sue", call, "barge"))
        await hears(customer, BERT_TONE, SUPERVISOR_TONE)
        await hears(his, CUSTOMER_TONE, SUPERVISOR_TONE)
        await hears(sues, CUSTOMER_TONE, BERT_TONE)
        hotline.ask(commands.Supervise("sue", call, "listen"))
        await hears(customer, BERT_TONE)
        await hears(his, CUSTOMER_TONE)
        await hears(sues, CUSTOMER_TONE, BERT_TONE)
        hotline.ask(commands.StopSupervising("sue", call))
        await soon(sues.over.is_set, "the supervisor to be out")
        await hears(customer, BERT_TONE)
        await hears(his, CUSTOMER_TONE)


async def test_in_the_open_the_agent_sees_who_is_there(tmp_path: Path) -> None:
    async with (
        house(tmp_path, supervisors=("sue",)) as (hotline, anna, _, _),
        phone_of(hotline, "sue", SUPERVISOR_TONE) as sue,
        talk(hotline, anna) as (call, customer, _),
    ):
        hotline.ask(commands.Supervise("sue", call, "listen"))
        await hears(await incoming(sue, 0), CUSTOMER_TONE, AGENT_TONE)
        seen = as_agent(hotline.place)
        assert supervisors(seen("/desk")["call"]) == ["sue"]
        board = seen("/board")
        assert [supervisors(one) for one in board["calls"]] == [["sue"]]
        assert {one["name"]: one["activity"] for one in board["agents"]}["sue"] == "supervising"
        await hears(customer, AGENT_TONE)


def assert_nobody_sees_it(place: Place, call: str) -> None:
    """Nothing that Anna, or Bert, can ask the pages for tells of the supervisor; the supervisor sees it."""
    for name in ("anna", "bert"):
        seen = as_agent(place, name)
        for path, part in (("/desk", "call"), ("/board", "calls"), (f"/calls/{call}", "events")):
            told = json.dumps(seen(path)[part])
            assert "supervis" not in told.lower(), (name, path)
            assert "sue" not in told, (name, path)
        for one in (*seen("/board")["agents"], *(agent["live"] or {} for agent in seen("/agents")["agents"])):
            if one.get("name") == "sue":
                assert (one["activity"], one["call"]) == ("talking", "")
    assert "CallSupervised" in json.dumps(as_agent(place, "sue", "supervisor")(f"/calls/{call}"))


def as_agent(place: Place, name: str = "anna", role: str = "agent") -> Any:
    """What the pages answer this person as JSON."""
    token = place.run("token", "add", name, "--role", role).split()[-1]
    return lambda path: place.get(path, Authorization=f"Bearer {token}")


def supervisors(call: dict[str, Any]) -> list[str]:
    return [one["name"] for one in call["parties"].values() if one["role"] == "supervisor"]
