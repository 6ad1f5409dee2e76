"""Backup and restore of the record: SQLite's online backup, PostgreSQL's pg_dump and psql.

Processes hold `running.lock` of the data folder, shared; a restore wants it alone.
"""

import contextlib
import fcntl
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, make_url


class ArchiveFailed(RuntimeError):
    """The text says what stood in the way; the record is as it was."""


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[None]:
    """Tell others that a process uses the record of this folder. Raises ArchiveFailed during a restore."""
    with (data_dir / "running.lock").open("a") as held:
        _lock(held.fileno(), fcntl.LOCK_SH, "The record is being restored; start again when that is done.")
        yield


def backup(url: str, file: Path) -> None:
    """Write the record to `file`, readable by us alone. An existing file is never overwritten."""
    if file.exists():
        raise ArchiveFailed(f"{file} exists already; choose another name.")
    if not file.absolute().parent.is_dir():
        raise ArchiveFailed(f"There is no folder {file.absolute().parent}.")
    part = file.with_name(f".{file.name}.part")
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600))
    try:
        database = make_url(url)
        if database.get_backend_name() == "sqlite":
            _copy(_existing(Path(str(database.database))), part)
        else:
            _postgres(
                database, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={part}"
            )
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)


def restore(url: str, data_dir: Path, file: Path) -> None:
    """Replace the record by the backup in `file`; all or nothing."""
    _existing(file)
    database = make_url(url)
    with (data_dir / "running.lock").open("a") as held:
        _lock(held.fileno(), fcntl.LOCK_EX, "Processes of this installation are running: stop them first.")
        if database.get_backend_name() == "sqlite":
            _check_sqlite(file)
            _copy(file, Path(str(database.database)))
        else:
            _restore_postgres(database, file)


def _restore_postgres(database: URL, file: Path) -> None:
    """In one transaction: what is there goes only when what comes is complete."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    if (
        _postgres(
            database, "psql", "--no-psqlrc", "--tuples-only", "--no-align", f"--command={others}"
        ).strip()
        != "0"
    ):
        raise ArchiveFailed("Somebody is connected to the database: stop the processes first.")
    script = file.with_name(f".{file.name}.sql")
    try:
        os.close(os.open(script, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))
        _run(
            [_program("pg_restore"), "--no-owner", "--no-privileges", f"--file={script}", str(file)],
            dict(os.environ),
        )
        _postgres(
            database,
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            "--command=DROP SCHEMA public CASCADE",
            "--command=CREATE SCHEMA public",
            f"--file={script}",
        )
    finally:
        script.unlink(missing_ok=True)


def _postgres(database: URL, program: str, *arguments: str) -> str:
    """Run a program of PostgreSQL's against the database; the password travels in the environment."""
    address = database.set(drivername="postgresql", password=None).render_as_string()
    environment = {**os.environ, "PGOPTIONS": "--client-min-messages=warning"}
    if database.password:
        environment["PGPASSWORD"] = str(database.password)
    return _run([_program(program), f"--dbname={address}", *arguments], environment)


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ArchiveFailed(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
    return done.stdout


def _program(name: str) -> str:
    """On PATH, else the newest of Debian's."""
    newest = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    found = shutil.which(name) or (str(newest[-1]) if newest else "")
    if not found:
        raise ArchiveFailed(f"{name} is not installed; it comes with PostgreSQL's client programs.")
    return found


def _copy(source: Path, target: Path) -> None:
    """SQLite's online backup: a consistent copy, also while others write."""
    with (
        contextlib.closing(sqlite3.connect(source, timeout=10)) as reads,
        contextlib.closing(sqlite3.connect(target, timeout=10)) as writes,
    ):
        reads.backup(writes)


def _check_sqlite(file: Path) -> None:
    try:
        with contextlib.closing(
            sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            whole = connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
            ours = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE name = 'alembic_version'"
            ).fetchone()[0]
    except sqlite3.DatabaseError:
        whole, ours = False, 0
    if not (whole and ours):
        raise ArchiveFailed(f"{file} is no backup of this program.")


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise ArchiveFailed(f"There is no file {file}.")
    return file


def _lock(descriptor: int, kind: int, otherwise: str) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        raise ArchiveFailed(otherwise) from None
