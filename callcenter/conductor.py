"""The conductor process: the only writer of the live board. Wiring: streams in, steps, one script out.

One is active by its lease; others wait and take over what stands in the store. All that is awaited here is the store;
the record is read in threads.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import redis
import structlog
import uvloop
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from callcenter import commands, db, events, ids, messages, stream
from callcenter.prompts import desk as prompts
from callcenter.routing import board as live
from callcenter.routing import directory, enquiries, flows
from callcenter.routing.board import Board
from callcenter.routing.clock import Clock
from callcenter.routing.flows import (
    CallerFound,
    ClockSet,
    ComplaintFound,
    DirectoryRead,
    Effects,
    House,
    Tick,
)
from callcenter.routing.lease import Lease, LeaseLost, Operation
from callcenter.routing.walk import Complaint
from callcenter.screenpop.lookups import Lookups
from callcenter.settings import SPOKEN, Settings
from callcenter.telephony import config as line_config
from callcenter.telephony import dialplan

log = structlog.get_logger()

TICK = 0.25
RENEW = 1.0
STANDBY = 0.5
"""Seconds between two looks of a standby at the lease."""
LIMIT = 5.0
"""Seconds that the store may take for one answer before it counts as away."""
LEAVE_WITHIN = 5.0
"""Seconds that giving the lease back may take."""
LOOKUP = 0.5
"""Seconds after which a caller counts as unknown."""
AT_ONCE = 0.003
"""Seconds that a write waits for the record's answers, so that arrival and offer are one write."""
TOGETHER = 32
"""Inputs that one script writes at most, so that the first of a burst does not wait for the last."""
AWAY = (redis.ConnectionError, redis.TimeoutError, redis.exceptions.ReadOnlyError, OSError)

VOCABULARIES = {stream.LINE_EVENTS: events.line, stream.DESK_COMMANDS: commands.desk}

Find = Callable[[str], CallerFound]
"""A number -> what the record knows of it; runs in a thread. `call` of the answer stays empty."""


@dataclass(frozen=True, slots=True)
class Input:
    """Something to take. `source` and `entry`: its place in a stream, empty for the conductor's own.

    `message` is None for an entry that this release cannot read. `config`: a newer `line:config`.
    """

    message: Any
    source: str = ""
    entry: str = ""
    config: bytes = b""

    @property
    def written_at(self) -> float | None:
        """When it was appended; None for our own."""
        return int(self.entry.partition("-")[0]) / 1000 if self.entry else None


def main(settings: Settings) -> int:
    """Conduct, or wait to, until SIGTERM or SIGINT."""
    engine = db.connect(settings.sql)
    find = Finder(settings, engine)
    # A thread that reads the record hands the interpreter back within half a millisecond: an offer never waits for it.
    sys.setswitchinterval(0.0005)
    try:
        uvloop.run(_until_told(Conductor(settings, engine, find)))
    finally:
        find.close()
        engine.dispose()
    return 0


class Finder:
    """The look-up of a caller in the record."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._look_up = Lookups(engine, settings.country)

    def __call__(self, number: str) -> CallerFound:
        found = self._look_up(number)
        return CallerFound("", **dataclasses.asdict(found))

    def close(self) -> None:
        """Nobody asks any more."""
        self._look_up.close()


async def _until_told(conductor: "Conductor") -> None:
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    conducting = asyncio.create_task(conductor.run())
    waiting = asyncio.create_task(told.wait())
    await asyncio.wait({conducting, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await stream.end((conducting, waiting), LEAVE_WITHIN)
    ended = None if conducting.cancelled() else conducting.exception()
    if isinstance(ended, Exception):
        raise ended


class Conductor:
    """Waits for the lease; then reads, steps and writes until it is lost."""

    def __init__(self, settings: Settings, engine: Engine, find: Find) -> None:
        self._settings, self._engine, self._find = settings, engine, find
        self._client = stream.connect_async(settings.redis_url, limit=None)
        self._lease = Lease(self._client, f"{ids.new_id()}-{os.getpid()}")
        self._threads = ThreadPoolExecutor(3, "record")
        self._house = House(
            settings.numbers,
            settings.home_zone,
            tuple(SPOKEN[language] for language in settings.languages),
            settings.greeting,
            recording_pause=settings.recording_pause,
            country=settings.country,
            second_call=settings.second_call,
            resume_within=settings.resume_within,
            guests_go_on=settings.guests_go_on,
            releasing=frozenset(trunk.name for trunk in settings.trunks if trunk.release),
            may_ring=dialplan.for_house(
                settings.country,
                dialplan.plans_of(settings.dial_classes, settings.dial_plans),
                settings.destinations,
            ),
        )
        self._board = Board()
        self._clock = Clock()
        self._after: dict[str, str] = {}
        self._inputs: asyncio.Queue[Input] = asyncio.Queue(1000)
        self._ticking = False
        self._directory_read = asyncio.Event()
        self._aside: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until cancelled. The lease is given back then: a standby need not wait for its end."""
        try:
            while True:
                try:
                    if await self._lease.take():
                        await self._conduct()
                    await asyncio.sleep(STANDBY)
                except AWAY as error:
                    log.warning("the conductor waits for the store", error=str(error))
                    await asyncio.sleep(STANDBY)
                except LeaseLost:
                    log.warning("the lease is lost")
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            with contextlib.suppress(*AWAY):
                await self._client.aclose()

    async def _conduct(self) -> None:
        """Everything while the lease is ours. Raises LeaseLost when it is not any more."""
        log.info("conducting", epoch=self._lease.epoch)
        self._inputs = asyncio.Queue(1000)
        self._ticking = False
        self._directory_read = asyncio.Event()
        renewing = asyncio.create_task(self._renew())
        try:
            await self._load()
            await self._until_one_ends(
                renewing, self._read(), self._work(), self._tick(), self._read_directory()
            )
        finally:
            await stream.end([renewing, *self._aside])
            with contextlib.suppress(*AWAY):
                await self._lease.leave()

    async def _until_one_ends(self, renewing: asyncio.Task[None], *works: Coroutine[Any, Any, None]) -> None:
        tasks = {renewing, *(asyncio.create_task(work) for work in works)}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            await stream.end(tasks)

    # ---- in ------------------------------------------------------------------------------------------------------

    async def _load(self) -> None:
        """The board as the last commit left it, and how far the streams were handled."""
        found = await live.read_hashes(self._client, [*live.HASHES, live.CURSOR])
        cursor = {key.decode(): value.decode() for key, value in found.pop(live.CURSOR).items()}
        self._take_over(found)
        self._after = {name: cursor.get(name, "0-0") for name in VOCABULARIES}
        for call in self._board.calls.values():
            if call.state == "arriving" and call.kind == "inbound":
                self._look_up(call.id, call.caller)
            elif call.state == "menu" and call.walk is not None and call.walk.pending:
                self._inquire(call.id, call.walk.pending)

    async def _read(self) -> None:
        """Both streams, in order, line events first."""
        after = dict(self._after)
        await self._queues_known()
        while True:
            try:
                async with asyncio.timeout(LIMIT):
                    found = await stream.read(self._client, after)
            except AWAY as error:
                log.warning("streams cannot be read", error=str(error))
                await asyncio.sleep(0.2)
                continue
            for source, entries in found:
                for entry, fields in entries:
                    after[source] = entry
                    await self._inputs.put(Input(_decoded(source, entry, fields), source, entry))

    async def _tick(self) -> None:
        """Time, the leases of lines and of open pages; never two rounds in the queue at once."""
        while True:
            if not self._ticking:
                try:
                    tick = await self._observe()
                    self._ticking = True
                    await self._inputs.put(Input(tick))
                except AWAY:
                    await asyncio.sleep(TICK)
            await asyncio.sleep(TICK)

    async def _observe(self) -> Tick:
        lines = list(self._board.lines)
        agents = [agent.name for agent in self._board.agents.values() if agent.status != "signed_out"]
        keys = [stream.line_alive(name) for name in lines] + [stream.line_seen(name) for name in lines]
        keys += [f"desk:{name}" for name in agents]
        async with asyncio.timeout(LIMIT):
            values: Any = await self._client.mget(keys) if keys else []
        alive = {name: value.decode() for name, value in zip(lines, values, strict=False) if value}
        seen = {name: float(value) for name, value in zip(lines, values[len(lines) :], strict=False) if value}
        here = {name for name, value in zip(agents, values[2 * len(lines) :], strict=True) if value}
        return Tick(alive, frozenset(here), seen)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW)
            try:
                await self._lease.renew()
            except AWAY as error:
                log.warning("the lease cannot be renewed", error=str(error))

    def _look_up(self, call: str, number: str) -> asyncio.Task[None]:
        """Ask the record who rings; the answer is an input. Unknown when it takes too long."""

        async def ask() -> None:
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(LOOKUP):
                    found = await loop.run_in_executor(self._threads, self._find, number)
            except (TimeoutError, DBAPIError) as error:
                log.warning("the caller is not looked up", call=call, error=repr(error))
                found = CallerFound("")
            await self._inputs.put(Input(dataclasses.replace(found, call=call)))

        return self._beside(ask())

    def _inquire(self, call: str, number: str) -> asyncio.Task[None]:
        """Ask the record for a complaint whose number a caller entered; the answer is an input."""

        def find() -> Complaint | None:
            with db.read(self._engine) as session:
                return enquiries.complaint(session, number)

        async def ask() -> None:
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(LOOKUP):
                    found = ComplaintFound(call, number, await loop.run_in_executor(self._threads, find))
            except (TimeoutError, DBAPIError) as error:
                log.warning("a complaint is not looked up", call=call, error=repr(error))
                found = ComplaintFound(call, number, known=False)
            await self._inputs.put(Input(found))

        return self._beside(ask())

    async def _read_directory(self) -> None:
        """Users and queues from the record, a newer configuration for the lines when it says something else."""
        while True:
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout(LIMIT):
                    stored: Any = await self._client.get(stream.LINE_CONFIG)
                    there: Any = await self._client.hkeys(stream.PROMPT_SOUNDS)
                read, config = await loop.run_in_executor(self._threads, self._directory, stored)
                await self._give_sounds({digest.decode() for digest in there})
                await self._inputs.put(Input(read, config=config))
                self._directory_read.set()
                return
            except (*AWAY, DBAPIError) as error:
                log.warning("the directory cannot be read", error=str(error))
                await asyncio.sleep(1.0)

    async def _give_sounds(self, there: set[str]) -> None:
        """Uploaded prompts into the store, where the lines fetch them; before the configuration that names them."""

        def read() -> tuple[set[str], dict[str, bytes]]:
            with db.read(self._engine) as session:
                wanted = set(prompts.digests(session))
                return wanted, dict(prompts.bodies(session, wanted - there))

        wanted, bodies = await asyncio.get_running_loop().run_in_executor(self._threads, read)
        async with asyncio.timeout(LIMIT):
            for digest, body in bodies.items():
                await self._client.hset(stream.PROMPT_SOUNDS, digest, body)
            if there - wanted:
                await self._client.hdel(stream.PROMPT_SOUNDS, *(there - wanted))

    def _directory(self, stored: bytes | None) -> tuple[DirectoryRead, bytes]:
        with db.read(self._engine) as session:
            config = directory.newer(directory.line_config(session, self._settings), stored)
            return directory.read(session), line_config.encode(config) if config else b""

    async def _queues_known(self) -> None:
        """The first start of all: no call is taken before there is a queue for it."""
        if not self._board.queues:
            await self._directory_read.wait()

    # ---- step and out --------------------------------------------------------------------------------------------

    async def _work(self) -> None:
        while True:
            batch = [await self._inputs.get()]
            batch += self._waiting(TOGETHER - 1)
            try:
                await self._take(batch)
            except (*AWAY, LeaseLost):
                raise
            except Exception:
                log.error("a step failed", inputs=len(batch), trace=traceback.format_exc())
                await self._one_by_one(batch)

    async def _take(self, batch: list[Input], growing: bool = True) -> None:
        """Step over each input, write all of it at once. The batch grows: a caller whom the record knows at once is
        offered by the very write that says that he arrived."""
        operations: list[Operation] = []
        taken = 0
        while taken < len(batch):
            new, asked = batch[taken:], []
            for one in new:
                for effects in self._step(one):
                    operations += self._lease.operations(effects)
                    asked += [self._look_up(call, number) for call, number in effects.lookups]
                    asked += [self._inquire(call, number) for call, number in effects.enquiries]
                if one.config:
                    operations += self._new_config(one.config)
            taken = len(batch)
            if asked and growing:
                await asyncio.wait(asked, timeout=AT_ONCE)
                batch += self._waiting(TOGETHER - taken)
        cursors = {one.source: one.entry for one in batch if one.entry}
        operations += [("h", live.CURSOR, source, entry) for source, entry in cursors.items()]
        if operations:
            await self._commit(operations)

    def _waiting(self, most: int) -> list[Input]:
        """At most so many of the inputs that are there."""
        return [self._inputs.get_nowait() for _ in range(min(most, self._inputs.qsize()))]

    def _step(self, one: Input) -> Iterator[Effects]:
        now, by = self._clock.read()
        if by:
            log.warning("the clock was set", by=by)
            yield flows.step(self._board, ClockSet(by), now, self._house)
        if isinstance(one.message, Tick):
            self._ticking = False
        elif isinstance(one.message, commands.ReloadDirectory):
            self._beside(self._read_directory())
        yield flows.step(self._board, one.message, now, self._house, one.written_at)

    def _new_config(self, config: bytes) -> list[Operation]:
        version = line_config.decode(config).version
        effects = Effects([], [], [(line, commands.LoadConfig(version)) for line in self._board.lines], [])
        return [("s", stream.LINE_CONFIG, config), *self._lease.operations(effects)]

    async def _commit(self, operations: list[Operation]) -> None:
        """Write; with the store away for a moment, the same again: it is written once."""
        while True:
            try:
                return await self._lease.commit(operations)
            except AWAY as error:
                log.warning("the board cannot be written", error=str(error))
                await asyncio.sleep(0.1)

    async def _one_by_one(self, batch: list[Input]) -> None:
        """Find the input that cannot be taken, and leave it out: the others must not wait for it."""
        for one in batch:
            await self._reload()
            try:
                await self._take([one], growing=False)
            except (*AWAY, LeaseLost):
                raise
            except Exception as error:
                log.error("an input is left out", message=repr(one.message), error=repr(error))
                await self._reload()
                subject = type(one.message).__name__
                told = events.Healed(time.time(), "input", subject, f"left out: {error!r}"[:300])
                cursor = [("h", live.CURSOR, one.source, one.entry)] if one.entry else []
                await self._commit([*cursor, ("x", stream.PUBLIC, events.public.encode(told))])

    async def _reload(self) -> None:
        self._take_over(await live.read_hashes(self._client))

    def _take_over(self, found: dict[str, Any]) -> None:
        self._board = live.load(found)
        self._clock.take_over(self._board)

    # ---- beside --------------------------------------------------------------------------------------------------

    def _beside(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task


def _decoded(source: str, entry: str, fields: dict[bytes, bytes]) -> Any:
    try:
        return VOCABULARIES[source].decode(fields[b"body"])
    except (messages.UnknownMessage, ValueError, TypeError, KeyError) as error:
        log.error("an entry cannot be read", stream=source, entry=entry, error=repr(error))
        return None
