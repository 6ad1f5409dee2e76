"""Streams of the store: events up, commands down, public events to everybody.

An entry holds `body` (JSON, see `callcenter.messages`) and, on a line's command stream, `epoch` of the conductor that
wrote it. Streams are trimmed to about `KEEP` entries.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import redis
import redis.asyncio
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

LINE_EVENTS = "line:events"
DESK_COMMANDS = "commands"
PUBLIC = "events"
PROMPT_SOUNDS = "line:prompts"
"""Hash: digest -> WAV of an uploaded prompt, for the lines."""
LINE_CONFIG = "line:config"
KEEP = 100_000
CONNECTIONS = 64
"""To the store, of one client at most; who finds all of them busy waits for one. Without a bound of ours a hundred are
allowed, and the next command fails: three hundred desks that ask at one moment would lose their connections."""

Entry = tuple[str, dict[bytes, bytes]]
"""Stream id, fields."""


def line_commands(line: str) -> str:
    """Name of a line's command stream."""
    return f"line:commands:{line}"


def line_alive(line: str) -> str:
    """Key with the line's boot id, living 2 s: the line's lease."""
    return f"line:alive:{line}"


def line_seen(line: str) -> str:
    """Key with the instant at which the line last renewed its lease, seconds since 1970; it stays."""
    return f"line:seen:{line}"


def line_figures(line: str) -> str:
    """Key with the line's figures as a JSON object, living 2 s."""
    return f"line:figures:{line}"


def line_sounds(line: str) -> str:
    """Key with how the line's legs sound now, a JSON list of `telephony.line.Sound`, living 2 s."""
    return f"line:sounds:{line}"


def ladder(call: str) -> str:
    """Hash line -> the SIP messages of a call that it kept, as JSON; there on demand (`ShowLadder`)."""
    return f"line:ladder:{call}"


def connect(url: str) -> redis.Redis:
    """A sync client; raises redis.ConnectionError at the first command when the store is away."""
    return redis.Redis.from_url(
        url, socket_timeout=5, socket_connect_timeout=2, retry=Retry(ExponentialBackoff(), 1)
    )


def connect_async(url: str, limit: float | None = 5.0) -> redis.asyncio.Redis:
    """An asyncio client whose commands take at most `limit` seconds.

    With None the caller sets the limit by `asyncio.timeout`: redis-py's own starts a task a command, and on
    Python 3.11 its `wait_for` may swallow the cancellation of a task that is sending.
    """
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=5, socket_connect_timeout=2, socket_timeout=limit
    )
    return redis.asyncio.Redis.from_pool(pool)


def append(client: redis.Redis, stream: str, body: bytes) -> str:
    """Append one entry; its id."""
    return _text(client.xadd(stream, {"body": body}, maxlen=KEEP, approximate=True))


async def append_async(client: redis.asyncio.Redis, stream: str, body: bytes) -> str:
    """Append one entry; its id."""
    return _text(await client.xadd(stream, {"body": body}, maxlen=KEEP, approximate=True))


async def read(
    client: redis.asyncio.Redis, after: dict[str, str], block_ms: int = 1000, count: int = 200
) -> list[tuple[str, list[Entry]]]:
    """Entries behind each stream's id, waiting at most `block_ms`; [] when none came."""
    behind: Any = dict(after)
    found: Any = await client.xread(behind, count=count, block=block_ms)
    pairs = found.items() if isinstance(found, dict) else found or []
    return [
        (_text(name), [(_text(key), fields) for key, fields in _flat(entries)]) for name, entries in pairs
    ]


async def last_id(client: redis.asyncio.Redis, stream: str) -> str:
    """Id of the newest entry, `0-0` when the stream is empty: read it before the data that it goes with."""
    newest = await client.xrevrange(stream, count=1)
    return _text(newest[0][0]) if newest else "0-0"


async def first_id(client: redis.asyncio.Redis, stream: str) -> str:
    """Id of the oldest entry that is still kept, `0-0` when the stream is empty."""
    oldest = await client.xrange(stream, count=1)
    return _text(oldest[0][0]) if oldest else "0-0"


async def wait_for_store(client: redis.asyncio.Redis, seconds: float) -> bool:
    """Whether the store answers a PING within `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            await client.ping()
            return True
        except (redis.ConnectionError, redis.TimeoutError, OSError):
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.05)


async def end(tasks: Iterable[asyncio.Task[Any]], again_after: float = 0.5) -> None:
    """Cancel tasks that use an async client, and again every `again_after` seconds until all have ended.

    On Python 3.11 a cancellation that meets the answer of a command is swallowed by redis-py's `wait_for`: a task that
    was asked once would then go on for ever, and whoever waits for its end too.
    """
    every = list(tasks)
    while left := [task for task in every if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=again_after)
    await asyncio.gather(*every, return_exceptions=True)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _flat(entries: Sequence[Any]) -> Sequence[Any]:
    """redis-py wraps entries in one more list under RESP3."""
    return (
        entries[0]
        if entries and isinstance(entries[0], list) and isinstance(entries[0][0], tuple | list)
        else entries
    )


def line_bans(line: str) -> str:
    """Hash address -> ban, of one line."""
    return f"line:bans:{line}"
