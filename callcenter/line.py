"""The line process: a driver between SIP and the store. Wiring only.

Events go up through `Post` (spooled while the store is away), commands come down from the line's own stream; `Alone`
takes care of callers when nobody leads.
"""

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import orjson
import structlog
import uvloop
from redis import RedisError

from callcenter import commands, events, stream
from callcenter.ids import new_id
from callcenter.messages import UnknownMessage
from callcenter.settings import SPOKEN, Settings
from callcenter.telephony import config as line_config
from callcenter.telephony.alone import Alone
from callcenter.telephony.dialplan import plans_of
from callcenter.telephony.drivers import Unavailable, driver
from callcenter.telephony.line import Ban, Binding, Line, LineConfig, Memory, SavedDialog
from callcenter.telephony.post import Post
from callcenter.telephony.sealed import Seal
from callcenter.telephony.spool import Spool
from callcenter.telephony.tally import Tally

log = structlog.get_logger()

ALIVE_MS = 2000
RENEW = 0.5
"""Life of the line's lease in the store, and seconds between two renewals."""
LADDER_SHOWN = 300
"""Seconds that a ladder stays in the store."""
_LIMIT = 5.0
"""Seconds that the store may take to answer a read before it counts as away."""
_TROUBLE = (RedisError, OSError, TimeoutError)


def main(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; 0 after a clean stop, 1 when the address cannot be bound or the PBX does not take
    us, 2 with a sentence when the driver cannot run here or a certificate is none."""
    return uvloop.run(_run(settings))


async def _run(settings: Settings) -> int:
    leaving = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leaving.set)
    try:
        line = driver(settings)
    except Unavailable as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        log.error("CALLCENTER_TLS_CERTIFICATE, _KEY or _AUTHORITIES cannot be used", error=str(error))
        return 2
    door = Door(settings, line)
    try:
        await door.start()
    except OSError as error:
        log.error("the line cannot start", address=settings.sip, error=str(error))
        await door.stop()
        return 1
    await leaving.wait()
    await door.stop()
    return 0


def first_config(settings: Settings) -> LineConfig:
    """What a line without any word from a conductor works with."""
    return LineConfig(
        numbers=settings.numbers,
        trunks=line_config.trunks_of(settings),
        destinations=settings.destinations,
        open_calls=settings.open_calls,
        country=settings.country,
        srtp=settings.srtp,
        plans=plans_of(settings.dial_classes, settings.dial_plans),
    )


class Door:
    """One line between its driver and the store."""

    def __init__(self, settings: Settings, line: Line) -> None:
        self._line = line
        self._name = settings.line
        self._boot = new_id()
        self._folder = settings.data_dir / "line" / settings.line
        self._first = first_config(settings)
        self._client = stream.connect_async(settings.redis_url, limit=None)
        self._reader = stream.connect_async(settings.redis_url, limit=None)
        self._seal = Seal(self._folder / "bindings.key")
        self._post = Post(self._client, self._boot, Spool(self._folder / "events.spool"))
        spoken = tuple(SPOKEN[language] for language in settings.languages)
        self._alone = Alone(line.execute, lambda: self._post.away, spoken, country=settings.country)
        self._config_body = b""
        self._prompts = settings.data_dir / "prompts"
        self._sounds_wanted: set[str] = set()
        self._cursor = "$"
        self._epoch = 0
        self._former = 0.0
        self._early: list[Any] | None = []
        self._tally = Tally()
        self._tasks: list[asyncio.Task[None]] = []
        self._aside: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Take up what the store remembers, open the line, announce it. Raises OSError for a taken address."""
        memory = await self._recall()
        config = self._known_config()
        address = await self._line.start(self._report, config, memory)
        self._report_now(self._started(address))
        early, self._early = self._early or [], None
        for event in early:
            self._report(event)
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(work) for work in (self._post.run(), self._read(), self._stay_alive())
        ]
        log.info("the line is up", line=self._name, address=address, boot=self._boot)

    async def stop(self) -> None:
        """End every call, say so, leave."""
        self._alone.stop()
        await self._line.stop()
        self._post.event(events.LineStopped(time.time(), self._name, self._boot))
        await self._post.flush(2.0)
        tasks = [*self._tasks, *self._aside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(*_TROUBLE):
            async with asyncio.timeout(1):
                await self._client.delete(stream.line_alive(self._name))
        for client in (self._client, self._reader):
            with contextlib.suppress(*_TROUBLE):
                await client.aclose()

    # ---- up ------------------------------------------------------------------------------------------------------

    def _report(self, event: Any) -> None:
        """From the driver. What it says before LineStarted waits for that."""
        if self._early is not None:
            self._early.append(event)
        else:
            self._report_now(self._alone.event(event))

    def _report_now(self, event: Any) -> None:
        self._tally.hear(event)
        self._post.event(event)

    def _started(self, address: str) -> events.LineStarted:
        line = self._line
        return events.LineStarted(
            time.time(),
            self._name,
            self._boot,
            line.name,
            address,
            line.capacity(),
            tuple(sorted(line.lacks)),
            self._former,
        )

    async def _stay_alive(self) -> None:
        """Renew the lease, with the figures; look at the configuration too, should its LoadConfig have been lost."""
        while True:
            with contextlib.suppress(*_TROUBLE):
                async with asyncio.timeout(1):
                    figures = orjson.dumps({**self._line.figures(), **self._tally.figures()})
                    pipe = self._client.pipeline(transaction=False)
                    pipe.set(stream.line_alive(self._name), self._boot, px=ALIVE_MS)
                    pipe.set(stream.line_seen(self._name), f"{time.time():.3f}")
                    pipe.set(stream.line_figures(self._name), figures, px=ALIVE_MS)
                    pipe.set(stream.line_sounds(self._name), orjson.dumps(self._line.sounds()), px=ALIVE_MS)
                    await pipe.execute()
                    await self._load_config()
                    await self._fetch_sounds()
            await asyncio.sleep(RENEW)

    # ---- down ----------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Commands in order. One that cannot be read or executed is skipped: the next may hang up a call."""
        name = stream.line_commands(self._name)
        while True:
            try:
                async with asyncio.timeout(_LIMIT):
                    if self._cursor == "$":
                        self._cursor = await stream.last_id(self._reader, name)
                    found = await stream.read(self._reader, {name: self._cursor})
                for _, entries in found:
                    for key, fields in entries:
                        self._cursor = key
                        self._command(fields)
            except _TROUBLE:
                await asyncio.sleep(0.1)

    def _command(self, fields: dict[bytes, bytes]) -> None:
        try:
            command = commands.line.decode(fields[b"body"])
            epoch = int(fields.get(b"epoch", b"0"))
        except (UnknownMessage, KeyError, ValueError, TypeError) as error:
            log.error("a command cannot be read", error=str(error))
            return
        leg = getattr(command, "leg", "")
        if epoch < self._epoch:
            self._refuse(command, leg, "stale_epoch")
            return
        if epoch > self._epoch:
            self._epoch = epoch
            self._post.keep(f"line:cursor:{self._name}", "epoch", str(epoch).encode())
        if isinstance(command, commands.LoadConfig):
            self._beside(self._reload())
        elif isinstance(command, commands.ShowLadder):
            self._beside(self._show_ladder(command.call))
        elif not self._alone.allows(command):
            self._refuse(command, leg, "wrong_state")
        else:
            self._execute(command, leg)

    def _execute(self, command: Any, leg: str) -> None:
        try:
            self._line.execute(command)
        except Exception:
            log.exception("a command failed", command=type(command).__name__, leg=leg)
            self._refuse(command, leg, "failed")

    async def _show_ladder(self, call: str) -> None:
        """Into the store, for as long as somebody reads it."""
        body = orjson.dumps(await self._line.ladder(call))
        with contextlib.suppress(*_TROUBLE):
            async with asyncio.timeout(_LIMIT):
                pipe = self._client.pipeline(transaction=False)
                pipe.hset(stream.ladder(call), self._name, body)
                pipe.expire(stream.ladder(call), LADDER_SHOWN)
                await pipe.execute()

    def _refuse(self, command: Any, leg: str, code: str) -> None:
        name = type(command).__name__
        self._post.event(events.CommandRefused(time.time(), self._name, name, leg, code))

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    # ---- configuration and memory --------------------------------------------------------------------------------

    async def _reload(self) -> None:
        with contextlib.suppress(*_TROUBLE):
            await self._load_config()

    async def _load_config(self) -> None:
        body: Any = await self._client.get(stream.LINE_CONFIG)
        if not body or body == self._config_body:
            return
        self._config_body = body
        try:
            config = line_config.decode(body)
        except ValueError as error:
            log.error("the line's configuration cannot be read", error=str(error))
            return
        self._sounds_wanted = set(config.prompts)
        await self._fetch_sounds()
        await self._line.configure(config)
        line_config.write(self._folder / "config.json", config)

    async def _fetch_sounds(self) -> None:
        """Uploaded prompts that are not on this disk yet. What the store lacks is asked for again with the lease."""
        for digest in sorted(self._sounds_wanted):
            path = self._prompts / f"prompt-{digest}.wav"
            if not path.exists():
                body: Any = await self._client.hget(stream.PROMPT_SOUNDS, digest)
                if not body:
                    continue
                try:
                    await asyncio.to_thread(_replace, path, body)
                except OSError as error:
                    log.error("a prompt cannot be kept", prompt=path.name, error=str(error))
            self._sounds_wanted.discard(digest)

    async def _recall(self) -> Memory:
        """Bindings and dialogs of the process before us; commands of its time are not executed again."""
        memory = Memory(
            save_bindings=self._save_bindings, save_dialog=self._save_dialog, drop_dialog=self._drop_dialog,
            save_ban=self._save_ban,
        )  # fmt: skip
        if not await stream.wait_for_store(self._client, 5.0):
            self._post.away = True
            return memory
        self._cursor = await stream.last_id(self._client, stream.line_commands(self._name))
        self._former = float(await self._client.get(stream.line_seen(self._name)) or 0.0)
        kept: Any = await self._client.hget(f"line:cursor:{self._name}", "epoch")
        self._epoch = int(kept or 0)
        bindings: Any = await self._client.hgetall(f"line:bindings:{self._name}")
        dialogs: Any = await self._client.hgetall(f"line:dialogs:{self._name}")
        memory.bindings = [
            Binding(**one)
            for phone, body in bindings.items()
            for one in orjson.loads(self._seal.take(f"{self._name}/{phone.decode()}", body))
        ]
        bans: Any = await self._client.hgetall(stream.line_bans(self._name))
        memory.bans = [Ban(**orjson.loads(body)) for body in bans.values()]
        memory.dialogs = [SavedDialog(**orjson.loads(body)) for body in dialogs.values()]
        body: Any = await self._client.get(stream.LINE_CONFIG)
        self._config_body = body or b""
        return memory

    def _known_config(self) -> LineConfig:
        """The store's, else the one kept on disk, else the settings'."""
        path = self._folder / "config.json"
        try:
            config = line_config.decode(self._config_body)
        except ValueError:
            self._config_body = b""
            return line_config.read(path) or self._first
        line_config.write(path, config)
        self._sounds_wanted = set(config.prompts)
        return config

    def _save_bindings(self, phone: str, bindings: list[Binding]) -> None:
        body = orjson.dumps([dataclasses.asdict(binding) for binding in bindings])
        sealed = self._seal.put(f"{self._name}/{phone}", body) if bindings else None
        self._post.keep(f"line:bindings:{self._name}", phone, sealed)

    def _save_ban(self, source: str, ban: Ban | None) -> None:
        body = orjson.dumps(dataclasses.asdict(ban)) if ban else None
        self._post.keep(stream.line_bans(self._name), source, body)

    def _save_dialog(self, dialog: SavedDialog) -> None:
        self._post.keep(f"line:dialogs:{self._name}", dialog.leg, orjson.dumps(dataclasses.asdict(dialog)))

    def _drop_dialog(self, leg: str) -> None:
        self._post.keep(f"line:dialogs:{self._name}", leg, None)


def _replace(path: Path, body: bytes) -> None:
    """The file whole or not at all: lines of one host share the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_bytes(body)
    beside.replace(path)
