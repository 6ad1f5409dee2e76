"""A hotline without a network: a real store, a real record, the conductor, and a line with the fake driver."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import redis
from sqlalchemy import Engine

from callcenter import commands, db, events, stream
from callcenter.calls import ledger
from callcenter.conductor import Conductor, Finder
from callcenter.ledger import FOLLOWERS
from callcenter.line import Door
from callcenter.people.models import QueueMember, User
from callcenter.routing.board import Board, read_board
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.telephony.fake import FakeLine, Outside

T = TypeVar("T")
PATIENCE = 30.0


class Switchboard:
    """What a test does to a hotline, and what it sees of it."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings, self.engine = settings, engine
        self.store = redis.Redis.from_url(settings.redis_url)
        self.reader = stream.connect_async(settings.redis_url)
        self.line = FakeLine()
        self.outside: Outside = self.line.outside
        self.door: Door | None = None
        self.spool: Path | None = settings.data_dir / "line" / settings.line / "recordings"

    def seed(self, *agents: str, **rules: Any) -> None:
        """Agents with registering phones, named as they are, in the queue `default` with these rules."""
        usual: dict[str, Any] = {"greeting": "-", "wrap_up": 0.0, "announce_every": 0.0}
        with db.write(self.engine) as session:
            session.merge(QueueRow(name="default", **{**usual, **rules}))
            for name in agents:
                user = User(name=name, phone=name, phone_ha1="x", created_at=db.now())
                session.add(user)
                session.flush()
                assert user.id
                session.add(QueueMember(user_id=user.id, queue="default"))

    async def start_line(self) -> None:
        """A line process comes up; one that was up is gone without a word."""
        await self.kill_line()
        self.line = FakeLine(self.settings.line, spool=self.spool)
        self.outside = self.line.outside
        self.door = Door(self.settings, self.line)
        await self.door.start()

    async def kill_line(self) -> None:
        """What kill -9 leaves: no LineStopped, no hang-up."""
        if self.door is None:
            return
        for task in self.door._tasks:
            task.cancel()
        await asyncio.gather(*self.door._tasks, return_exceptions=True)
        await self.door._client.aclose()
        await self.door._reader.aclose()
        self.door = None

    async def ready(self, *agents: str, behaviour: str | int = "answer") -> None:
        """Agents sign in, their phones register, and they are available."""
        for name in agents:
            self.outside.register(name, behaviour)
            self.ask(commands.SignIn(name))
            self.ask(commands.SetStatus(name, "available"))

        def all_free(board: Board) -> bool:
            return all(
                board.agents[name].reachable and board.agents[name].status == "available" for name in agents
            )

        await self.board_when(all_free)

    def ask(self, command: Any) -> None:
        """A desk command."""
        stream.append(self.store, stream.DESK_COMMANDS, commands.desk.encode(command))

    def told(self, kind: type[T], **fields: Any) -> list[T]:
        """Public events of a kind with these values."""
        found: Any = self.store.xrange(stream.PUBLIC)
        every = [events.public.decode(entry[b"body"]) for _, entry in found]
        return [
            event
            for event in every
            if isinstance(event, kind) and all(getattr(event, k) == v for k, v in fields.items())
        ]

    async def hears(self, kind: type[T], **fields: Any) -> T:
        """The first such event, as soon as it is told."""
        return (await until(lambda: self.told(kind, **fields)))[0]

    async def board_when(self, seen: Callable[[Board], Any]) -> Board:
        """The board as soon as it looks so."""
        end = time.monotonic() + PATIENCE
        while True:
            board = await read_board(self.reader)
            with contextlib.suppress(KeyError):
                if seen(board):
                    return board
            assert time.monotonic() < end, f"the board stayed {board}"
            await asyncio.sleep(0.01)


async def until(found: Callable[[], T]) -> T:
    """What `found` returns as soon as it is true."""
    end = time.monotonic() + PATIENCE
    while not (value := found()):
        assert time.monotonic() < end, "waited in vain"
        await asyncio.sleep(0.01)
    return value


@contextlib.asynccontextmanager
async def conducting(settings: Settings, engine: Engine) -> AsyncIterator[Conductor]:
    """A conductor in this process, and the ledger beside it."""
    find = Finder(settings, engine)
    conductor = Conductor(settings, engine, find)
    task = asyncio.create_task(conductor.run())
    leaving, store = threading.Event(), stream.connect(settings.redis_url)
    writing = threading.Thread(target=ledger.run, args=(engine, store, leaving, FOLLOWERS), daemon=True)
    writing.start()
    try:
        yield conductor
    finally:
        task.cancel()
        leaving.set()
        await asyncio.to_thread(writing.join, PATIENCE)
        store.close()
        ended = (await asyncio.gather(task, return_exceptions=True))[0]
        find.close()
        assert not isinstance(ended, Exception), ended


@contextlib.asynccontextmanager
async def switchboard(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    """Line and store clients; the conductor is started by the test."""
    place = Switchboard(settings, engine)
    try:
        await place.start_line()
        yield place
    finally:
        if place.door is not None:
            await place.door.stop()
        await place.reader.aclose()
        place.store.close()
