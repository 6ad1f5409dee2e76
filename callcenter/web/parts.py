"""What the web process holds: made once in `app.build`, reached by every view through `parts(request)`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
import redis
import redis.asyncio
import structlog
from sqlalchemy import Engine
from sqlmodel import Session
from starlette.requests import HTTPConnection

from callcenter import db
from callcenter.recordings.vault import Vault
from callcenter.settings import Settings
from callcenter.tickets.desk import Desk

if TYPE_CHECKING:
    from callcenter.web.live import Feed
    from callcenter.web.pages import Pages
    from callcenter.web.wallboard import Wall

log = structlog.get_logger()

T = TypeVar("T")

SQLITE_THREADS = 2
"""More than two halve what SQLite does in a second (STACK)."""
POOL = 8


class Record:
    """SQL for an event loop: each piece of work runs in a thread, few at a time, in a session of its own."""

    def __init__(self, engine: Engine, store: redis.Redis) -> None:
        self.engine = engine
        self.store = store
        self.limiter = anyio.CapacityLimiter(SQLITE_THREADS if engine.dialect.name == "sqlite" else POOL)

    async def work(self, work: Callable[[], T]) -> T:
        """What `work` returns, run in one of the record's threads."""
        return await anyio.to_thread.run_sync(work, limiter=self.limiter)

    async def read(self, work: Callable[[Session], T]) -> T:
        """What `work` returns; nothing is committed."""

        def run() -> T:
            with db.read(self.engine) as session:
                return work(session)

        return await anyio.to_thread.run_sync(run, limiter=self.limiter)

    async def write(self, work: Callable[[Session], T]) -> T:
        """What `work` returns, committed; then the events that it put into the outbox go out."""

        def run() -> T:
            with db.write(self.engine) as session:
                done = work(session)
            self._relay()
            return done

        return await anyio.to_thread.run_sync(run, limiter=self.limiter)

    def _relay(self) -> None:
        """At once, for the page that waits; the timers process relays what is left when the store is away."""
        try:
            db.relay(self.engine, self.store)
        except (redis.RedisError, OSError) as error:
            log.warning("events wait in the outbox", error=str(error))


@dataclass
class Parts:
    """The store twice: `store` for the event loop, `record.store` for its threads."""

    settings: Settings
    record: Record
    store: redis.asyncio.Redis
    feed: "Feed"
    pages: "Pages"
    wall: "Wall"
    vault: Vault
    """Recordings: file store and keys."""
    desk: Desk
    """What people do with complaints; callbacks and surveys follow from it."""
    passwords: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(2))
    """Argon2 takes 64 MiB and 200 ms of a core each."""


def parts(connection: HTTPConnection) -> Parts:
    """The parts of the process that serves this request."""
    held: Parts = connection.app.state.parts
    return held
