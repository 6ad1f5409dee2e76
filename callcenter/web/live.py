"""Live updates: one reader of the public stream a process, fanned out in memory to every open page (SSE).

A page is rendered with the stream's id read before its data and asks with `?after=<id>`; an id that was trimmed away
is answered 410, and the page loads itself anew.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson
import redis
import redis.asyncio
import structlog
from starlette.requests import Request
from starlette.responses import StreamingResponse

from callcenter import events, stream
from callcenter.errors import DomainError
from callcenter.messages import UnknownMessage
from callcenter.web import auth
from callcenter.web.parts import parts

log = structlog.get_logger()

WAITING = 5_000
"""Items that a slow browser may lag behind before its connection is cut; it comes back with `?after`."""
KEEP_ALIVE = 10.0
"""Seconds between two comments on a silent connection."""
UNWATCHED = 0.1
"""Seconds between two looks at the stream while nobody follows; whoever begins to reads the store first."""
PACE = 0.5
"""Seconds between two frames of what a person looks at: more often nobody can read it."""

ABOUT = {
    "ticket": ("TicketChanged", "CallbackChanged", "SurveyChanged", "NoticeSent"),
    "tickets": ("TicketChanged",),
    "agents": ("AgentChanged", "SupervisorActed"),
    "queues": ("QueueChanged", "CallFinished", "SupervisorActed"),
    "callbacks": ("CallbackChanged",),
    "messages": ("MessageChanged", "CallbackChanged", "RecordingChanged"),
    "surveys": ("SurveyChanged",),
    "lines": ("LineChanged", "TrunkStateChanged"),
    "calls": ("CallStarted", "CallAnswered", "CallFinished"),
    "call": (
        *("CallQueued", "CallOffered", "OfferEnded", "SupervisorActed", "CallAnswered", "CallFinished"),
        *("CustomerBound", "RecordingChanged", "WrapUpEnded"),
    ),
    "recordings": ("RecordingChanged",),
}
"""What a page is about -> the events that change it."""

Position = tuple[int, int]


class EventsGone(DomainError):
    """These events are no longer kept. Read the data anew and follow from its `after`."""

    status: ClassVar[int] = 410


@dataclass(frozen=True, slots=True)
class Item:
    """One public event: the stream's id, the message, and its JSON as it stood there."""

    id: str
    message: Any
    body: bytes


@dataclass(eq=False)
class Reader:
    """What one connection has not seen yet.

    `wants`: whether a connection that waits is to be woken up for an event, asked for each event and each of them. One
    that is at work gets every event: what it will show, and what concerns it then, is not known before.
    """

    queue: asyncio.Queue[Item | None] = field(default_factory=lambda: asyncio.Queue(WAITING))
    wants: Callable[[Any], bool] | None = None
    at_work: bool = True
    cut: bool = False
    """Too far behind, or the process stops: the connection ends."""

    async def batch(self, seconds: float) -> list[Item]:
        """At least one item and all that wait with it; [] when none came within `seconds`, or somebody nudged."""
        self.at_work = not self.queue.empty()
        try:
            found = [await asyncio.wait_for(self.queue.get(), seconds)]
        except TimeoutError:
            return []
        finally:
            self.at_work = True
        while not self.queue.empty():
            found.append(self.queue.get_nowait())
        return [item for item in found if item is not None]

    def take(self, item: Item) -> None:
        """An event, unless it does not concern who waits here."""
        if not self.at_work and self.wants is not None and not self.wants(item.message):
            return
        try:
            self.queue.put_nowait(item)
        except asyncio.QueueFull:
            self.cut = True

    def nudge(self) -> None:
        """Wake the connection up: something is due."""
        with contextlib.suppress(asyncio.QueueFull):
            self.queue.put_nowait(None)

    def end(self) -> None:
        """Wake the connection up to end."""
        self.cut = True
        self.nudge()


class Feed:
    """Tails the public stream for all connections of this process."""

    def __init__(self, store: redis.asyncio.Redis) -> None:
        self.store = store
        self.readers: set[Reader] = set()
        self.seen: Position = (0, 0)
        """The newest event that was handed out."""
        self.closed = False

    async def run(self) -> None:
        """Until cancelled. With the store away it waits, and goes on behind the last event that it saw."""
        after: str | None = None
        while True:
            try:
                if after is None:
                    after = await stream.last_id(self.store, stream.PUBLIC)
                for _name, entries in await stream.read(self.store, {stream.PUBLIC: after}, block_ms=1000):
                    for entry, fields in entries:
                        after = entry
                        self._hand_out(entry, fields.get(b"body", b""))
                if not self.readers:
                    await asyncio.sleep(UNWATCHED)
            except (redis.RedisError, OSError) as error:
                log.warning("live updates wait for the store", error=str(error))
                await asyncio.sleep(0.25)

    @contextlib.contextmanager
    def follow(self) -> Iterator[Reader]:
        """A reader that gets every event from now on."""
        reader = Reader(cut=self.closed)
        self.readers.add(reader)
        try:
            yield reader
        finally:
            self.readers.discard(reader)

    def close(self) -> None:
        """End every connection: the process stops."""
        self.closed = True
        for reader in self.readers:
            reader.end()

    async def check(self, after: str) -> None:
        """Raises EventsGone when something behind `after` is no longer kept, or the store was begun anew."""
        wanted = position(after)
        try:
            state = await self.store.xinfo_stream(stream.PUBLIC)
        except redis.ResponseError:  # no such stream: nothing was ever told
            if wanted > (0, 0):
                raise EventsGone from None
            return
        if position(_text(state["last-generated-id"])) < wanted:
            raise EventsGone
        trimmed = int(state["entries-added"]) > int(state["length"])
        oldest = state["first-entry"]
        if trimmed and (not oldest or wanted < position(_text(oldest[0]))):
            raise EventsGone

    async def since(self, after: str, reader: Reader) -> AsyncIterator[list[Item]]:
        """Everything behind `after`, first from the store, then as it happens; [] as a sign of life."""
        seen = position(after)
        while True:
            kept: Any = await self.store.xrange(stream.PUBLIC, min=f"({seen[0]}-{seen[1]}", count=500)
            if not kept:
                break
            seen = position(_text(kept[-1][0]))
            yield [item for entry, fields in kept if (item := _item(_text(entry), fields.get(b"body", b"")))]
        while not reader.cut:
            news = [item for item in await reader.batch(KEEP_ALIVE) if position(item.id) > seen]
            if news:
                seen = position(news[-1].id)
            yield news

    def _hand_out(self, entry: str, body: bytes) -> None:
        self.seen = position(entry)
        item = _item(entry, body) if self.readers else None
        if item is None:
            return
        for reader in self.readers:
            reader.take(item)


def position(entry: str) -> Position:
    """A stream id as numbers that can be compared. EventsGone when it is none."""
    try:
        first, _, second = entry.partition("-")
        return int(first), int(second or 0)
    except ValueError:
        raise EventsGone(after="not an id of the event stream") from None


def asked_after(request: Request, otherwise: str = "0-0") -> str:
    """Where a browser wants to go on: its own memory of the last frame wins over the page's."""
    return request.headers.get("last-event-id") or request.query_params.get("after") or otherwise


def frame(event: str, data: Any, entry: str = "") -> bytes:
    """One SSE frame (WHATWG HTML, 9.2.6); `data` as JSON, so it never holds a line break."""
    body = data if isinstance(data, bytes) else orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)
    return (f"id: {entry}\n".encode() if entry else b"") + b"event: %b\ndata: %b\n\n" % (event.encode(), body)


KEEP = b": still here\n\n"


def answer(frames: AsyncIterator[bytes]) -> StreamingResponse:
    """A response that stays open."""
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(frames, media_type="text/event-stream", headers=headers)


async def events_json(request: Request) -> StreamingResponse:
    """`GET /events?after=ID`: every public event as JSON, resumable by id."""
    feed = parts(request).feed
    after = asked_after(request, await stream.last_id(feed.store, stream.PUBLIC))
    await feed.check(after)

    async def frames() -> AsyncIterator[bytes]:
        with feed.follow() as reader:
            yield KEEP
            async for items in feed.since(after, reader):
                if not await auth.still_open(request, request.state.viewer):
                    return
                yield b"".join(frame(type(i.message).__name__, i.body, i.id) for i in items) or KEEP

    return answer(frames())


async def changes(request: Request) -> StreamingResponse:
    """`GET /feed?about=ticket:7&after=ID`: tells an open page that what it shows has changed; it fetches itself."""
    feed, after = parts(request).feed, asked_after(request)
    await feed.check(after)
    concerns = _concerns(request.query_params.get("about", ""))

    async def frames() -> AsyncIterator[bytes]:
        with feed.follow() as reader:
            async for items in feed.since(after, reader):
                if not await auth.still_open(request, request.state.viewer):
                    return
                news = [item for item in items if concerns(item.message)]
                yield frame("changed", {}, news[-1].id) if news else KEEP
                await asyncio.sleep(PACE)

    return answer(frames())


def _concerns(about: str) -> Callable[[Any], bool]:
    """Whether an event changes what a page about `ticket:7`, `tickets`, `agents` ... shows."""
    kind, _, ref = about.partition(":")
    names = ABOUT.get(kind, ())
    if not ref:
        return lambda message: type(message).__name__ in names
    return lambda message: type(message).__name__ in names and str(getattr(message, kind, "")) == ref


def _item(entry: str, body: bytes) -> Item | None:
    """None for a message of a newer release."""
    try:
        return Item(entry, events.public.decode(body), body)
    except (UnknownMessage, ValueError, KeyError, TypeError):
        return None


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
