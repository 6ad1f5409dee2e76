"""The line's way to the store: events in order, none lost, none doubled; and what the line wants remembered.

With the store away events go to the spool and are appended, with their true times, when it is back.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import redis.asyncio
import structlog
from redis import RedisError

from callcenter import events, stream
from callcenter.telephony.spool import Spool

log = structlog.get_logger()

_BATCH = 500
_PATIENCE = 2.0
"""Seconds that the store may take before it counts as away."""
_AGAIN = 0.2
_LOOK_BACK = 2000
"""Entries of the stream that are searched for ours before a replay: a request whose answer was lost may have worked."""


class Post:
    """`event` and `keep` return at once; `run` carries. `away`: whether the store did not take the last batch."""

    def __init__(self, client: redis.asyncio.Redis, boot: str, spool: Spool) -> None:
        self._client = client
        self._boot = boot
        self._spool = spool
        self._number = 0
        self._events: list[tuple[str, bytes]] = []
        self._kept: dict[tuple[str, str], bytes | None] = {}
        self._wake = asyncio.Event()
        self.away = bool(spool)
        self.on_back: Callable[[], None] = lambda: None

    def event(self, event: Any) -> None:
        """Append an event to the stream."""
        self._number += 1
        self._events.append((f"{self._boot}:{self._number}", events.line.encode(event)))
        self._wake.set()

    def keep(self, name: str, field: str, value: bytes | None) -> None:
        """Write a field of a hash, or delete it; of several changes the last one counts."""
        self._kept[name, field] = value
        self._wake.set()

    async def run(self) -> None:
        while True:
            if self.away:
                await self._try_again()
            else:
                await self._wake.wait()
                self._wake.clear()
                await self._send()

    async def flush(self, seconds: float) -> None:
        """Wait until everything is in the store or in the spool."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._events or (self._kept and not self.away):
            if asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.01)
        self._put_by()

    async def _send(self) -> None:
        while self._events or self._kept:
            batch, kept = self._events[:_BATCH], self._kept
            self._events, self._kept = self._events[_BATCH:], {}
            try:
                await self._write(batch, kept)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("the store is away", error=str(error))
                self.away = True
                self._events = batch + self._events
                self._kept = kept | self._kept
                return

    async def _write(self, batch: list[tuple[str, bytes]], kept: dict[tuple[str, str], bytes | None]) -> None:
        pipe = self._client.pipeline(transaction=False)
        for number, body in batch:
            entry: Any = {"body": body, "n": number}
            pipe.xadd(stream.LINE_EVENTS, entry, maxlen=stream.KEEP, approximate=True)
        for (name, field), value in kept.items():
            if value is None:
                pipe.hdel(name, field)
            else:
                pipe.hset(name, field, value)
        async with asyncio.timeout(_PATIENCE):
            await pipe.execute()

    async def _try_again(self) -> None:
        self._put_by()
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._client.ping()
            await self._replay()
        except (RedisError, OSError, TimeoutError):
            await asyncio.sleep(_AGAIN)
            return
        self.away = False
        self._wake.set()
        log.info("the store is back")
        self.on_back()

    async def _replay(self) -> None:
        """What waited, but for what had reached the store although we were not told."""
        newest: Any = await self._client.xrevrange(stream.LINE_EVENTS, count=_LOOK_BACK)
        there = {fields[b"n"].decode() for _, fields in newest if b"n" in fields}
        waiting = [entry for entry in self._spool.entries() if entry[0] not in there]
        for start in range(0, len(waiting), _BATCH):
            await self._write(waiting[start : start + _BATCH], {})
        self._spool.clear()

    def _put_by(self) -> None:
        if not self._events:
            return
        try:
            self._spool.append(self._events)
        except OSError as error:
            log.error("events cannot be spooled", error=str(error))
            return
        self._events = []
