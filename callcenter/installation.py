"""The whole installation as child processes of one: starts them, restarts one that died, stops them in order.

No child outlives us: on Linux each asks the kernel for SIGTERM at its parent's death (prctl(2), PR_SET_PDEATHSIG).
"""

import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callcenter import assets, jobs, store
from callcenter.settings import Settings, host_port

PR_SET_PDEATHSIG = 1
WRONG_SETTING = 2
"""Exit code of a process whose setting is wrong: starting it again would not help."""

FIRST_PAUSE, LONGEST_PAUSE, STEADY = 0.2, 30.0, 60.0
"""Seconds before a restart, doubled up to the longest; forgotten after a steady run."""

STOPS_WITHIN = 10.0
FETCHED_WITHIN = 3.0
"""Seconds that the start waits for the pages' files of others; later ones are there at the next load of a page."""
HEALTHY_WITHIN = 15.0
"""Seconds after which pages that answer are enough: one part that is not well must not hide the others."""

LOG_KEEPS = 10 * 1024 * 1024


class CannotStart(RuntimeError):
    """A setting names something that does not answer; the text says which."""


@dataclass(frozen=True)
class Part:
    """One process: its name in messages and logs, and the program with its arguments."""

    name: str
    command: tuple[str, ...]


@dataclass
class Child:
    """A part as it runs. `restarts` counts how often it died."""

    part: Part
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0
    task: asyncio.Task[None] | None = field(default=None, repr=False)


def callcenter(*arguments: str) -> tuple[str, ...]:
    """Our own command under this very Python."""
    return (sys.executable, "-m", "callcenter", *arguments)


def parts() -> list[Part]:
    """Every process of an installation but the store, in the order of starting."""
    doors = [Part(name, callcenter(name)) for name in ("web", "line", "conductor", "timers", "ledger")]
    return doors + [Part(f"worker-{queue}", callcenter("worker", queue)) for queue in jobs.QUEUES]


def environment(settings: Settings) -> dict[str, str]:
    """The settings as the children read them: the environment wins over any file, so all see the same."""
    values: dict[str, Any] = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    redis_url = store.url(settings.redis_url, settings.data_dir)
    for name in ("redis_url", "REDIS_URL"):
        values.pop(name, None)
    named = {
        f"CALLCENTER_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
    return {**os.environ, **named, "REDIS_URL": redis_url}


def run(
    settings: Settings,
    extra: Sequence[Part] = (),
    greeting: Callable[[], Sequence[str]] = tuple,
    processes: Sequence[Part] | None = None,
) -> int:
    """Run everything until Ctrl-C or SIGTERM; the exit code.

    `extra` parts (the demo's callers) start when the pages answer; `greeting` gives the lines that are printed then.
    `processes` is all of an installation's unless told otherwise.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with _only_one(settings.data_dir) as alone:
        if not alone:
            say(
                f"An installation runs in {settings.data_dir} already; give this one its own CALLCENTER_DATA_DIR."
            )
            return WRONG_SETTING
        if problem := busy_port(settings):
            say(problem)
            return WRONG_SETTING
        installation = Installation(settings, parts() if processes is None else processes, extra, greeting)
        return asyncio.run(installation.run())


def addresses(settings: Settings) -> list[str]:
    """What a person needs to know when all runs."""
    return [
        f"Pages      {settings.pages}",
        f"Hotline    sip:{settings.numbers[0]}@{settings.sip}"
        if settings.numbers
        else "Hotline    no number is set",
        f"Data       {settings.data_dir}",
        "Stop with Ctrl-C.",
    ]


def busy_port(settings: Settings) -> str:
    """The sentence that names a port which is taken, also one that is asked for twice; empty when all are free."""
    udp, tcp = socket.SOCK_DGRAM, socket.SOCK_STREAM
    wanted = [("HTTP", settings.http, tcp), ("SIP", settings.sip, udp)]
    wanted += [("SIP_ALSO", address, udp) for address in settings.sip_also]
    wanted += [("SIP_TLS", address, tcp) for address in settings.sip_tls]
    with contextlib.ExitStack() as held:
        for name, value, kind in wanted:
            host, port = host_port(value)
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            probe = held.enter_context(socket.socket(family, kind))
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if kind == tcp:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                return f"CALLCENTER_{name}={value} cannot be used: {reason}."
    return ""


class Installation:
    """The parent of all processes."""

    def __init__(
        self,
        settings: Settings,
        processes: Sequence[Part],
        extra: Sequence[Part],
        greeting: Callable[[], Sequence[str]],
    ) -> None:
        self.settings = settings
        self.processes = processes
        self.extra = extra
        self.greeting = greeting
        self.environment = environment(settings)
        self.logs = settings.data_dir / "log"
        self.children: list[Child] = []
        self.stopping = asyncio.Event()
        self.code = 0

    async def run(self) -> int:
        """Start, wait for a signal, stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self.stopping.set)
        self.logs.mkdir(exist_ok=True)
        fetched = self._fetch_assets()
        try:
            if await self._start_store():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(fetched.wait(), FETCHED_WITHIN)
                await self._check_outside()
                for part in self.processes:
                    self._keep(part)
                if await self._until_pages_answer():
                    for part in self.extra:
                        self._keep(part)
                    for line in self.greeting():
                        say(line)
                await self.stopping.wait()
        except (store.StoreMissing, CannotStart) as error:
            say(str(error))
            self.code = WRONG_SETTING
        finally:
            await self._stop()
        return self.code

    async def _start_store(self) -> bool:
        if self.settings.redis_url:
            return True
        listens = store.socket_path(self.settings.data_dir)
        if store.answers(listens):
            await asyncio.to_thread(store.stop, listens)
        self._keep(Part("store", tuple(store.command(self.settings.data_dir))))
        while not self.stopping.is_set():
            if store.answers(listens):
                return True
            await asyncio.sleep(0.02)
        return False

    async def _check_outside(self) -> None:
        """A database or store of the operator's must answer once before anything starts; later we wait for them."""
        if not (self.settings.redis_url or self.settings.database_url):
            return
        asked = await asyncio.create_subprocess_exec(
            *callcenter("ready"), env=self.environment, stderr=asyncio.subprocess.PIPE, start_new_session=True
        )
        _, said = await asked.communicate()
        if asked.returncode:
            raise CannotStart(said.decode(errors="replace").strip())

    def _fetch_assets(self) -> asyncio.Event:
        """In a thread that nobody waits for at the end: a slow network must not hold up a stop."""
        done, loop = asyncio.Event(), asyncio.get_running_loop()

        def fetch() -> None:
            try:
                assets.fetch(assets.folder(self.settings.data_dir))
            except (assets.FetchFailed, OSError) as error:
                say(f"The pages run without Turbo and charts. {error}")
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=fetch, name="assets", daemon=True).start()
        return done

    async def _until_pages_answer(self) -> bool:
        """False when a stop was asked for first."""
        patience = time.monotonic() + HEALTHY_WITHIN
        while not self.stopping.is_set():
            status = await asyncio.to_thread(_health, self.settings.http)
            if status == 200 or (status and time.monotonic() > patience):
                return True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 0.1)
        return False

    def _keep(self, part: Part) -> None:
        child = Child(part)
        child.task = asyncio.create_task(self._tend(child))
        self.children.append(child)

    async def _tend(self, child: Child) -> None:
        """Run a part, and again whenever it dies, until the installation stops."""
        pause = FIRST_PAUSE
        while not self.stopping.is_set():
            began = time.monotonic()
            code = await self._run_once(child)
            if self.stopping.is_set():
                return
            if code == WRONG_SETTING:
                say(_last_words(self._log(child.part)) or f"{child.part.name} cannot start.")
                self.code = WRONG_SETTING
                self.stopping.set()
                return
            child.restarts += 1
            if time.monotonic() - began > STEADY:
                pause = FIRST_PAUSE
            log = self._log(child.part)
            say(f"{child.part.name} ended ({_ending(code)}) and starts again; see {log}: {_last_words(log)}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _run_once(self, child: Child) -> int:
        path = self._log(child.part)
        _shorten(path)
        with path.open("ab") as log:
            child.process = await asyncio.create_subprocess_exec(
                *child.part.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.environment,
                # Ctrl-C in a terminal goes to the whole group; we alone decide the order of stopping.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        if self.stopping.is_set():
            _signal(child, signal.SIGTERM)
        return await child.process.wait()

    def _log(self, part: Part) -> Path:
        return self.logs / f"{part.name}.log"

    async def _stop(self) -> None:
        """Callers and processes first, the store last: what they still write must find it."""
        self.stopping.set()
        servers = [child for child in self.children if child.part.name == "store"]
        others = [child for child in self.children if child.part.name != "store"]
        await _end(others)
        await _end(servers)


async def _end(children: list[Child]) -> None:
    running = [child for child in children if child.process and child.process.returncode is None]
    for child in running:
        _signal(child, signal.SIGTERM)
    tasks = [child.task for child in children if child.task]
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=STOPS_WITHIN)
    if late:
        for child in running:
            _signal(child, signal.SIGKILL)
        await asyncio.wait(late, timeout=STOPS_WITHIN)


def _signal(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if child.process and child.process.returncode is None:
            child.process.send_signal(number)


_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """Runs in the child between fork and exec: nothing may be imported or allocated from here."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextlib.contextmanager
def _only_one(data_dir: Path) -> Any:
    """Hold the folder; yields False when another installation does."""
    with (data_dir / "installation.lock").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True


def _health(http: str) -> int:
    """HTTP status of /health: 200 when every part is well, 0 when nobody answers yet."""
    host, port = host_port(http)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{shown}:{port}/health", timeout=2) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except OSError:
        return 0


def _last_words(path: Path) -> str:
    with contextlib.suppress(OSError):
        lines = path.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else ""
    return ""


def _shorten(path: Path) -> None:
    """One older log is kept."""
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size > LOG_KEEPS:
            path.replace(path.with_suffix(".log.1"))


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def say(line: str) -> None:
    """A line for the person at the terminal."""
    print(line, flush=True)  # noqa: T201
