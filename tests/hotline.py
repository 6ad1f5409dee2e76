"""A running installation with an agent whose phone is real, and customers who ring: what fault tests start from."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import redis

from callcenter import commands, db, store, stream
from callcenter.telephony.phone import Phone, PhoneCall
from tests.place import PATIENCE, Place

T = TypeVar("T")
CUSTOMER_TONE, AGENT_TONE = 440.0, 700.0
NEAR = 15.0
"""Hz by which a heard tone may differ."""


def another_time() -> str:
    """Calling hours that do not hold now in China: an owed callback stays owed, and rings nobody in between."""
    hour = (datetime.now(UTC).hour + 8 + 6) % 23
    return f"{hour:02d}:00-{hour + 1:02d}:00"


async def soon(found: Callable[[], T], what: str) -> T:
    """What `found` returns as soon as it is true; phones go on meanwhile."""
    end = asyncio.get_running_loop().time() + PATIENCE
    while True:
        value = found()
        if value:
            return value
        assert asyncio.get_running_loop().time() < end, f"waited {PATIENCE:.0f} s for {what}"
        await asyncio.sleep(0.05)


class Hotline:
    """One agent, `anna`, at `place`; without her when the test brings agents of its own (`agent` empty)."""

    def __init__(self, place: Place, agent: str = "anna") -> None:
        self.place = place
        self.secrets: dict[str, str] = {}
        if not agent:
            return
        said = place.run("user", "add", "anna", "--phone", "anna", "--password", "anna-signs-in")
        found = re.search(r"password (\S+),", said)
        assert found, said
        self.secret = found[1]

    @property
    def store(self) -> redis.Redis:
        return stream.connect(store.url("", self.place.folder))

    def ask(self, message: Any) -> None:
        """A command of a desk."""
        stream.append(self.store, stream.DESK_COMMANDS, commands.desk.encode(message))

    def agent(self) -> dict[str, Any]:
        """Anna on the board; {} while the store is away."""
        with contextlib.suppress(redis.RedisError):
            body = self.store.hget("board:agents", "anna")
            return json.loads(body) if body else {}  # type: ignore[arg-type]
        return {}

    def record(self, caller: str) -> dict[str, Any]:
        """The newest call of this caller, as the record has it."""
        engine = db.connect(self.place.sql)
        with engine.connect() as connection:
            found = connection.exec_driver_sql(
                f"SELECT * FROM call WHERE caller = '{caller}' ORDER BY started_at DESC"
            ).mappings()
            row = dict(found.first() or {})
        engine.dispose()
        return row

    def owed(self, number: str) -> list[str]:
        """States of the callbacks that this number has."""
        engine = db.connect(self.place.sql)
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(f"SELECT state FROM callback WHERE number = '{number}'").all()
        engine.dispose()
        return [row[0] for row in rows]

    async def rule(self, **rules: Any) -> None:
        """An administrator (`place.token`) changes the rules of the queue, and the conductor follows them."""
        version = self.place.get("/queues/default")["queue"]["version"]
        await asyncio.to_thread(self.place.ask, "PUT", "/queues/default", {**rules, "version": version})

        def followed() -> bool:
            shown = json.loads(self.store.hget("board:queues", "default") or "{}")  # type: ignore[arg-type]
            return all(shown.get(name) == value for name, value in rules.items())

        await soon(followed, "the rules to be followed")

    @contextlib.asynccontextmanager
    async def desk(self, answers: float | None = 0.0) -> AsyncIterator[Phone]:
        """Anna's desk is open, her phone registered and she is available; `answers` as in Phone.answer_after."""
        phone = Phone("anna", self.secret, server=self.place.sip, tone=AGENT_TONE)
        phone.answer_after = answers
        await self.registered(phone)
        self.store.set("desk:anna", "desk:test", px=600_000)
        self.ask(commands.SignIn("anna"))
        self.ask(commands.SetStatus("anna", "available"))
        try:
            await soon(self.free, "anna to be available")
            yield phone
        finally:
            self.ask(commands.SetStatus("anna", "not_ready"))
            await phone.stop()

    async def registered(self, phone: Phone) -> None:
        """A line that started a moment ago may not know its phones yet: a phone tries again."""
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError):
                await phone.start()
                return
            await asyncio.sleep(0.2)
        raise AssertionError("the phone cannot register")

    def free(self) -> bool:
        """Whether anna can be offered a call."""
        now = self.agent()
        return bool(now) and now["activity"] == "idle" and now["reachable"] and not now["paused"]

    async def wrapped_up(self) -> None:
        """Anna's call has ended, and her wrap-up after it."""
        await soon(lambda: self.agent().get("activity") in ("idle", "wrap_up"), "the agent's call to end")
        now = self.agent()
        if now["activity"] == "wrap_up":
            self.ask(commands.FinishWrapUp("anna", now["wrap_call"], "resolved"))

    async def freed(self) -> None:
        """Anna has wrapped up, and is free."""
        await self.wrapped_up()
        await soon(self.free, "the agent to be free")

    @contextlib.asynccontextmanager
    async def customer(self, number: str) -> AsyncIterator[PhoneCall]:
        """A customer who rings the hotline."""
        phone = Phone(number, server=self.place.sip, tone=CUSTOMER_TONE)
        await phone.start()
        try:
            yield phone.call("hotline")
        finally:
            await phone.stop()


async def hear_each_other(customer: PhoneCall, agent: PhoneCall) -> None:
    """Both directions of audio, by frequency."""
    await soon(lambda: abs(customer.voice.loudest() - AGENT_TONE) < NEAR, "the customer to hear the agent")
    await soon(lambda: abs(agent.voice.loudest() - CUSTOMER_TONE) < NEAR, "the agent to hear the customer")
