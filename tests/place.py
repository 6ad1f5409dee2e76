"""A whole installation as its user starts it: `callcenter up` on free ports in a folder of its own.

Everything is asked over HTTP and SIP; processes are found by name, so that a test can kill one and watch what the
others make of it.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from callcenter.settings import Settings
from tests.ports import free_port, free_range

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds that anything may take on a loaded machine; nothing asserts how fast it was."""


def until(found: Callable[[], T], what: str, patience: float = PATIENCE) -> T:
    """What `found` returns as soon as it is true."""
    end = time.monotonic() + patience
    while True:
        value = found()
        if value:
            return value
        assert time.monotonic() < end, f"waited {patience:.0f} s for {what}"
        time.sleep(0.05)


class Refused(AssertionError):
    """The pages answered with an error."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class Place:
    """One running installation."""

    def __init__(self, folder: Path, database_url: str = "", **settings: str) -> None:
        self.folder = folder
        self.http = f"127.0.0.1:{free_port()}"
        self.sip = f"127.0.0.1:{free_port()}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")},
            "CALLCENTER_DATA_DIR": str(folder),
            "CALLCENTER_HTTP": self.http,
            "CALLCENTER_SIP": self.sip,
            "CALLCENTER_RTP_PORTS": "{}-{}".format(*free_range(200)),
            "CALLCENTER_DATABASE_URL": database_url,
            **{f"CALLCENTER_{name.upper()}": value for name, value in settings.items()},
        }
        self.environment.pop("REDIS_URL", None)
        self.process: subprocess.Popen[bytes] | None = None
        self.token = ""
        self.sql = Settings(data_dir=folder, database_url=database_url).sql

    def run(self, *arguments: str) -> str:
        """`callcenter ARGUMENTS` to its end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "callcenter", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout} {done.stderr}"
        return done.stdout

    def start(self) -> None:
        """Up, and every part well."""
        with (self.folder / "up.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "callcenter", "up"], env=self.environment, stdout=log, stderr=log
            )
        until(self.well, "the installation to be well")

    def stop(self) -> None:
        """SIGTERM, and everything is gone."""
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def well(self) -> bool:
        """Whether /health says that each part is well."""
        assert self.process is None or self.process.poll() is None, (self.folder / "up.log").read_text()
        with contextlib.suppress(Refused, OSError):
            self.get("/health")
            return True
        return False

    def pid(self, part: str) -> int:
        """Process id of `web`, `line`, `conductor`, `timers`, `store` or `worker QUEUE`; 0 when it is not there."""
        assert self.process
        for child in _children(self.process.pid):
            command = _command(child)
            if command.endswith(f"callcenter {part}") or (part == "store" and "-server " in command):
                return child
        return 0

    def kill(self, part: str) -> int:
        """kill -9; the former process id."""
        pid = until(lambda: self.pid(part), f"a process {part}")
        os.kill(pid, signal.SIGKILL)
        return pid

    def back(self, part: str, former: int) -> None:
        """Wait until the part runs again and all is well."""
        until(lambda: self.pid(part) not in (0, former), f"{part} to start again")
        until(self.well, f"all to be well after {part}")

    def administer(self) -> None:
        """From now on it is an administrator who asks (`get`, `ask`)."""
        self.token = self.run("token", "add", "root", "--role", "admin").split()[-1]

    def get(self, path: str, **headers: str) -> Any:
        """JSON of a page."""
        return self.ask("GET", path, None, **headers)

    def ask(self, method: str, path: str, body: Any, **headers: str) -> Any:
        """JSON of an answer; Refused with its status and body otherwise."""
        request = urllib.request.Request(
            f"http://{self.http}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
                **headers,
            },
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=20) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                said = error.read()
            raise Refused(error.code, said.decode(errors="replace")) from None


@contextlib.contextmanager
def running(folder: Path, database_url: str = "", **settings: str) -> Iterator[Place]:
    """A started place, stopped at the end."""
    place = Place(folder, database_url, **settings)
    try:
        yield place
    finally:
        place.stop()


def _children(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return ""
