"""A line killed with twenty calls up: everybody is owed a callback at the old place, nobody is stuck."""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import pytest

from callcenter import commands, db
from callcenter.telephony.phone import Phone, PhoneCall
from tests.hotline import AGENT_TONE, Hotline, another_time, hear_each_other, soon
from tests.place import running

AGENTS = [f"agent{number}" for number in range(8)]
CALLERS = [f"+86138000001{number:02d}" for number in range(20)]


@pytest.fixture
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    settings = {"greeting": "false", "outbound_hours": another_time(), "languages": '["en"]'}
    with running(tmp_path_factory.mktemp("l"), **settings) as place:
        made = Hotline(place, agent="")
        made.secrets = {name: _secret(place.run("user", "add", name, "--phone", name, "--password", f"{name}-signs-in"))
                        for name in AGENTS}  # fmt: skip
        place.start()
        yield made


def _secret(said: str) -> str:
    found = re.search(r"password (\S+),", said)
    assert found, said
    return found[1]


@contextlib.asynccontextmanager
async def all_desks(hotline: Hotline) -> AsyncIterator[dict[str, Phone]]:
    phones = {}
    for name in AGENTS:
        phones[name] = Phone(name, hotline.secrets[name], server=hotline.place.sip, tone=AGENT_TONE)
        phones[name].answer_after = 0.0
        await hotline.registered(phones[name])
        hotline.store.set(f"desk:{name}", "desk:test", px=600_000)
        hotline.ask(commands.SignIn(name))
        hotline.ask(commands.SetStatus(name, "available"))
    try:
        yield phones
    finally:
        for phone in phones.values():
            await phone.stop()


def rows(hotline: Hotline, statement: str) -> dict[str, dict[str, Any]]:
    """Rows by the number in their first column."""
    engine = db.connect(hotline.place.sql)
    with engine.connect() as connection:
        found = [dict(row) for row in connection.exec_driver_sql(statement).mappings()]
    engine.dispose()
    return {next(iter(row.values())): row for row in found}


def instant(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


async def test_twenty_calls_are_owed_at_their_places_and_every_agent_is_free(hotline: Hotline) -> None:
    async with all_desks(hotline) as phones, contextlib.AsyncExitStack() as stack:
        calls: dict[str, PhoneCall] = {}
        for number in CALLERS:
            calls[number] = await stack.enter_async_context(hotline.customer(number))
            await asyncio.wait_for(calls[number].up.wait(), 60)
        agents = {
            phone.incoming[-1].caller: phone.incoming[-1] for phone in phones.values() if phone.incoming
        }
        assert len(agents) == len(AGENTS)
        talking = set(agents)
        for number in talking:
            await hear_each_other(calls[number], agents[number])
        await soon(lambda: hotline.store.hlen("line:dialogs:line1") == 28, "all dialogs in the store")
        places = {
            call["caller"]: call["queued"]
            for call in (json.loads(body) for body in hotline.store.hvals("board:calls"))  # type: ignore[union-attr]
        }
        former, killed = hotline.place.kill("line"), time.time()
        owed = "SELECT number, owner_id, place_at, created_at, state FROM callback WHERE reason = 'owed'"
        await soon(lambda: len(rows(hotline, owed)) == len(CALLERS), "twenty owed callbacks")
        print(f"twenty callbacks owed {time.time() - killed:.1f} s behind the kill")
        kept = rows(hotline, owed)
        assert kept.keys() == set(CALLERS)
        for number, row in kept.items():
            assert instant(row["place_at"]) == pytest.approx(places[number], abs=0.002)
            assert (row["owner_id"] is not None) == (number in talking)
        # The restarted line ends what the crash left open, and knows its phones.
        await asyncio.to_thread(hotline.place.back, "line", former)
        for call in (*calls.values(), *agents.values()):
            await asyncio.wait_for(call.over.wait(), 60)
        records = rows(
            hotline, "SELECT caller, outcome, ended_by, fault, started_at, ended_at, talk FROM call"
        )
        for number in CALLERS:
            record = records[number]
            assert (record["outcome"], record["ended_by"], record["fault"]) == (
                "answered" if number in talking else "lost_by_us",
                "us",
                "us",
            )
            assert instant(record["started_at"]) <= instant(record["ended_at"]) <= killed + 0.01
            assert (record["talk"] > 0) == (number in talking)
        await soon(lambda: all_free(hotline), "every agent to be free")
        async with hotline.customer("+8613800000999") as again:
            await soon(
                lambda: any(phone.incoming[-1].caller == "+8613800000999" for phone in phones.values()),
                "a ring",
            )
            again.hang_up()


def all_free(hotline: Hotline) -> bool:
    agents = [json.loads(body) for body in hotline.store.hvals("board:agents")]  # type: ignore[union-attr]
    for agent in agents:
        if agent["activity"] == "wrap_up":
            hotline.ask(commands.FinishWrapUp(agent["name"], agent["wrap_call"], "resolved"))
    return len(agents) == len(AGENTS) and all(
        agent["activity"] == "idle" and agent["reachable"] and not agent["paused"] for agent in agents
    )
