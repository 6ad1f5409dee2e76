"""What the commands share: settings, the schema, becoming a process, and leaving with a sentence."""

import contextlib
import importlib
import sys
import time
from collections.abc import Iterator
from typing import Any, NoReturn

import typer

STORE_WITHIN = 3.0
"""Seconds that a process started alone waits for the embedded store."""

WRONG = 2
"""Exit code of a wrong setting or argument; a sentence says which."""


def enter(module: str, *arguments: str, keeps_record: bool = True) -> None:
    """Become one process: settings, store, schema, then the module's `main`."""
    from callcenter import archive, catalogues
    from callcenter import store as embedded

    log_plainly()
    chosen = load_settings()
    if not chosen.redis_url:
        listens = embedded.socket_path(chosen.data_dir)
        if not embedded.wait(listens, STORE_WITHIN):
            refuse(
                "No store answers: set REDIS_URL, or run `callcenter up` or `callcenter store` beside this process."
            )
        chosen.redis_url = embedded.url("", chosen.data_dir)
    with archive.running(chosen.data_dir):
        if keeps_record:
            wait_for_record(chosen)
            catalogues.compile_all()
        code = importlib.import_module(module).main(chosen, *arguments)
    raise typer.Exit(code or 0)


def log_plainly() -> None:
    """The usual renderer draws every frame with its variables: secrets in a file, and seconds without a lease."""
    import structlog

    plain = structlog.dev.ConsoleRenderer(
        colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def wait_for_record(chosen: Any) -> None:
    """Bring the schema up to date. A database that is away for a while is no wrong setting: wait, then be restarted."""
    deadline = time.monotonic() + 30
    while True:
        try:
            upgraded(chosen)
            return
        except SystemExit:
            if time.monotonic() > deadline:
                raise SystemExit(1) from None
            time.sleep(1)


def load_settings(**overrides: Any) -> Any:
    """The settings, with the data folder made."""
    from callcenter import settings

    chosen = settings.load(**overrides)
    try:
        chosen.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(
            f"CALLCENTER_DATA_DIR={chosen.data_dir} cannot be used: {(error.strerror or str(error)).lower()}."
        )
    return chosen


def check_recordings(chosen: Any) -> None:
    """A key or a folder that can never be is told before anything starts; one that is away or full is an alarm later."""
    from callcenter.recordings import seal

    try:
        seal.load(chosen.data_dir, chosen.recording_key)
    except ValueError as error:
        where = "" if chosen.recording_key else f" (here {chosen.data_dir / seal.KEY_FILE})"
        refuse(f"CALLCENTER_RECORDING_KEY{where} is wrong: {error}.")
    try:
        chosen.file_store.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (FileExistsError, FileNotFoundError, NotADirectoryError, PermissionError) as error:
        reason = (error.strerror or str(error)).lower()
        refuse(f"CALLCENTER_RECORDINGS={chosen.file_store} cannot be used: {reason}.")
    except OSError:
        return


def upgraded(chosen: Any) -> bool:
    """Whether the schema had to be brought up to date. A record that does not answer ends the process."""
    from sqlalchemy.exc import DBAPIError

    from callcenter import db, defaults, migrations

    try:
        engine = db.connect(chosen.sql, pool=2)
        try:
            changed = migrations.upgrade(engine)
            defaults.ensure(engine, chosen)
            return changed
        finally:
            engine.dispose()
    except DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        refuse(f"The database (CALLCENTER_DATABASE_URL) cannot be used: {reason}")
    except migrations.NewerRecord as error:
        refuse(str(error))


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """A domain error as its sentence."""
    from callcenter.errors import DomainError

    try:
        yield
    except DomainError as error:
        refuse("; ".join(f"{name}: {text}" for name, text in error.fields.items()) or str(error))


def refuse(sentence: str) -> NoReturn:
    """Leave with the sentence; no traceback."""
    print(sentence, file=sys.stderr)
    raise SystemExit(WRONG)
