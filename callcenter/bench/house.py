"""A whole installation of the benchmarks' own: real processes on free ports, in a folder that is removed."""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import redis

from callcenter import commands, db, defaults, migrations, store, stream
from callcenter.people import desk as people
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.telephony.line import LineConfig
from callcenter.telephony.phone import Phone, registered

PASSWORD = "benchmark-only"  # noqa: S105  # of a folder that lives for a minute, on loopback
STARTS_WITHIN = 60.0
LOOKS = 0.05


class House:
    """`settings` of the installation; SQLite and the embedded store. `phones` are the agents', registered."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(
            data_dir=folder,
            http=f"127.0.0.1:{_free(socket.SOCK_STREAM)}",
            sip=f"127.0.0.1:{_free(socket.SOCK_DGRAM)}",
            rtp_ports="10000-29999",
            greeting=False,
            database_url=f"sqlite:///{folder / 'callcenter.db'}",
        )
        self.engine = db.connect(self.settings.sql)
        self.phones: list[Phone] = []
        self._process: subprocess.Popen[bytes] | None = None

    def seed(self, agents: int, **rules: Any) -> None:
        """Agents `agent0` ... with phones of the same name, in a queue without a greeting."""
        migrations.upgrade(self.engine)
        defaults.ensure(self.engine, self.settings)
        realm = LineConfig().realm
        with db.write(self.engine) as session:
            usual = {"greeting": "-", "wrap_up": 0.0, "announce_every": 0.0}
            session.merge(QueueRow(name="default", **{**usual, **rules}))
            for name in (f"agent{number}" for number in range(agents)):
                ha1 = people.phone_ha1(name, realm, PASSWORD)
                password = PASSWORD if name == "agent0" else ""
                people.add_user(
                    session, name, "agent", db.now(), password=password, phone=name, phone_ha1=ha1
                )

    async def open(self, agents: int) -> None:
        """Start every process, register the phones, make the agents available."""
        await asyncio.to_thread(self._start)
        self.store = stream.connect(store.url("", self.settings.data_dir))
        for name in (f"agent{number}" for number in range(agents)):
            self.phones.append(await registered(partial(Phone, name, PASSWORD, server=self.settings.sip)))
            self.ask(commands.SignIn(name))
            self.ask(commands.SetStatus(name, "available"))

    def ask(self, command: Any) -> None:
        """A desk command."""
        stream.append(self.store, stream.DESK_COMMANDS, commands.desk.encode(command))

    def told(self, name: str, vocabulary: Any) -> list[Any]:
        """Every message that a stream keeps."""
        entries: Any = self.store.xrange(name)
        return [vocabulary.decode(fields[b"body"]) for _, fields in entries]

    def children(self) -> dict[str, int]:
        """Part -> process id, with the audio process of the line."""
        assert self._process is not None
        return {_name(pid): pid for pid in _below(self._process.pid)}

    async def close(self) -> None:
        """Everything ends."""
        await asyncio.gather(*(phone.stop() for phone in self.phones), return_exceptions=True)
        if self._process is not None:
            self._process.terminate()
            await asyncio.to_thread(self._process.wait, 30)
        with contextlib.suppress(AttributeError, redis.RedisError):
            self.store.close()
        self.engine.dispose()

    def environment(self) -> dict[str, str]:
        """What a process of this installation reads its settings from."""
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")
        }
        environment.pop("REDIS_URL", None)
        values = self.settings.model_dump(mode="json", include=self.settings.model_fields_set)
        environment |= {
            f"CALLCENTER_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
            for name, value in values.items()
        }
        return environment

    def _start(self) -> None:
        """Every process, until all say that they are well."""
        with (self.settings.data_dir / "up.log").open("wb") as log:
            command = [sys.executable, "-m", "callcenter", "up"]
            self._process = subprocess.Popen(command, env=self.environment(), stdout=log, stderr=log)
        end = time.monotonic() + STARTS_WITHIN
        while not self._well():
            if time.monotonic() > end:
                raise TimeoutError((self.settings.data_dir / "up.log").read_text())
            time.sleep(LOOKS)

    def _well(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise RuntimeError((self.settings.data_dir / "up.log").read_text())
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"http://{self.settings.http}/health", timeout=5) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, OSError):
            return False


@contextlib.asynccontextmanager
async def house() -> AsyncIterator[House]:
    """A house that is pulled down at the end."""
    folder = Path(tempfile.mkdtemp(prefix="callcenter-bench-"))
    made = House(folder)
    try:
        yield made
    finally:
        await made.close()
        shutil.rmtree(folder, ignore_errors=True)


def seconds_used(pids: list[int]) -> float:
    """Processor time of these processes so far; 0.0 where /proc is not."""
    used = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            used += int(fields[11]) + int(fields[12])
    return used / os.sysconf("SC_CLK_TCK")


def _below(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [one for child in children for one in _below(child)]


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    after = [words[at + 1 :] for at, word in enumerate(words) if word == "callcenter"]
    if after:
        return "-".join(word for word in after[0] if word)
    return "store" if "-server" in words[0] else f"audio-{pid}"


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
