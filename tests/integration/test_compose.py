"""docker-compose.yml without Docker: the same commands with the same environment, on real PostgreSQL and Valkey."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url, text

from callcenter import jobs, store
from tests import postgres
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent
CHOSEN = {"DATABASE_PASSWORD": "the-records", "STORE_PASSWORD": "the-stores", "HOST_ADDRESS": "127.0.0.1"}


def substituted(value: str) -> str:
    """`${NAME:-default}` and `${NAME:?message}` as Compose reads them."""
    found = re.compile(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}")
    return found.sub(lambda match: CHOSEN.get(match[1], match[2] or ""), value)


def services() -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    return read


def test_every_process_has_its_service() -> None:
    ours = {service["command"] for service in services().values() if service["image"] == "callcenter"}
    doors = {"web", "line", "conductor", "timers", "ledger"}
    assert ours == doors | {f"worker {queue}" for queue in jobs.QUEUES}


@pytest.fixture
def store_port(tmp_path: Path) -> Iterator[int]:
    """The store service's own command, with our binary on a port of the system's."""
    port = free_port()
    command = shlex.split(substituted(services()["store"]["command"]))
    command = [
        store.program(),
        *command[1:],
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
        "--dir",
        str(tmp_path),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def record(postgres_server: postgres.Server) -> Iterator[str]:
    """The database service: a role with its password that owns an empty database; host, port and name."""
    url = postgres_server.create()
    name = make_url(url).database
    with postgres_server.admin.connect() as connection:
        password = CHOSEN["DATABASE_PASSWORD"].replace("'", "''")
        connection.execute(text(f"CREATE ROLE callcenter LOGIN PASSWORD '{password}'"))
        connection.execute(text(f"ALTER DATABASE {name} OWNER TO callcenter"))
    yield f"127.0.0.1:{postgres_server.port}/{name}"
    postgres_server.drop(url)
    with postgres_server.admin.connect() as connection:
        connection.execute(text("DROP ROLE callcenter"))


@pytest.mark.needs("postgres")
def test_the_services_run_and_are_well(record: str, store_port: int, tmp_path: Path) -> None:
    http, sip = free_port(), free_port()
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, service in services().items():
            if service["image"] == "callcenter":
                environment = placed(service["environment"], record, store_port, http, sip)
                started[name] = start(name, service["command"], environment, tmp_path)
        until_well(http, started, tmp_path)
        for process in started.values():
            process.send_signal(signal.SIGTERM)
        # uvicorn leaves cleanly and then lets the signal have its way.
        ended = {name: process.wait(20) for name, process in started.items()}
        assert set(ended.values()) <= {0, -signal.SIGTERM}, ended
    finally:
        for process in started.values():
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()


def placed(environment: dict[str, str], record: str, store_port: int, http: int, sip: int) -> dict[str, str]:
    """The service's environment with this machine's addresses for the containers'."""
    values = {name: substituted(str(value)) for name, value in environment.items()}
    values["CALLCENTER_DATABASE_URL"] = values["CALLCENTER_DATABASE_URL"].replace(
        "database/callcenter", record
    )
    values["REDIS_URL"] = re.sub(r"@[^/]+/", f"@127.0.0.1:{store_port}/", values["REDIS_URL"])
    values["CALLCENTER_HTTP"] = f"127.0.0.1:{http}"
    if "CALLCENTER_SIP" in values:
        values["CALLCENTER_SIP"] = f"127.0.0.1:{sip}"
    return values


def start(name: str, command: str, environment: dict[str, str], folder: Path) -> subprocess.Popen[bytes]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("CALL")
    }
    with (folder / f"{name}.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "callcenter", *shlex.split(command)],
            env={
                **clean,
                "PYTHONPATH": str(ROOT),
                "CALLCENTER_DATA_DIR": str(folder / "data"),
                **environment,
            },
            stdout=log,
            stderr=log,
        )


def until_well(http: int, started: dict[str, subprocess.Popen[bytes]], folder: Path) -> None:
    deadline = time.monotonic() + 60
    answer = "nothing answers"
    asked = urllib.request.Request(f"http://127.0.0.1:{http}/health", headers={"Accept": "application/json"})
    while time.monotonic() < deadline:
        ended = {
            name: (folder / f"{name}.log").read_text() for name, process in started.items() if process.poll()
        }
        assert ended == {}
        try:
            with urllib.request.urlopen(asked, timeout=5):
                return
        except urllib.error.HTTPError as error:
            answer = error.read().decode()
        except OSError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"not well after a minute: {answer}")
