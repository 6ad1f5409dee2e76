"""The `callcenter` command: every process, and what an administrator does from a shell.

Modules are imported by the command that needs them: `callcenter --help` answers at once, and a process holds only
what it uses.
"""

import contextlib
import importlib
import os
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
record = typer.Typer(no_args_is_help=True, help="The database: schema, backup, restore.")
app.add_typer(record, name="db")
users = typer.Typer(no_args_is_help=True, help="People who work here.")
app.add_typer(users, name="user")
tokens = typer.Typer(no_args_is_help=True, help="Bearer tokens for other systems.")
app.add_typer(tokens, name="token")
files = typer.Typer(no_args_is_help=True, help="Take in what other systems know.")
app.add_typer(files, name="import")
words = typer.Typer(no_args_is_help=True, help="The written languages.")
app.add_typer(words, name="translations")

STORE_WITHIN = 3.0
"""Seconds that a process started alone waits for the embedded store."""

WRONG = 2
"""Exit code of a wrong setting or argument; a sentence says which."""


def show_version(wanted: bool) -> None:
    if wanted:
        print(metadata.version("callcenter"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True)] = False,
) -> None:
    """A hotline and its service desk in one."""


@app.command()
def up() -> None:
    """Everything: store, line, conductor, web, timers and workers, until Ctrl-C."""
    from callcenter import installation

    chosen = load_settings()
    check_recordings(chosen)

    def greeting() -> list[str]:
        from callcenter import administration

        return [*administration.first_admin(chosen), *installation.addresses(chosen)]

    raise typer.Exit(installation.run(chosen, greeting=greeting))


@app.command()
def demo() -> None:
    """Everything, with callers and agents' phones that keep the place alive."""
    chosen = load_settings(demo=True)
    check_recordings(chosen)
    raise typer.Exit(importlib.import_module("callcenter.demo").main(chosen) or 0)


@app.command()
def web() -> None:
    """Pages, JSON, live updates."""
    enter("callcenter.web.app")


@app.command()
def line() -> None:
    """SIP and RTP."""
    enter("callcenter.line", keeps_record=False)


@app.command()
def conductor() -> None:
    """Menus, queues, offers: the only writer of the live board."""
    enter("callcenter.conductor")


@app.command()
def timers() -> None:
    """The sweep that fires what is due."""
    enter("callcenter.timers")


@app.command()
def ledger() -> None:
    """The record of calls, written from what the conductor tells."""
    enter("callcenter.ledger")


@app.command()
def worker(queue: str) -> None:
    """Jobs of one queue."""
    from callcenter import jobs

    if queue not in jobs.QUEUES:
        refuse(f"There is no queue {queue!r}; choose from {', '.join(jobs.QUEUES)}.")
    enter("workers.run", queue)


@app.command()
def store() -> None:
    """The embedded store alone, for processes that are started one by one without REDIS_URL."""

    from callcenter import store

    try:
        command = store.command(load_settings().data_dir)
    except store.StoreMissing as error:
        refuse(str(error))
    os.execv(command[0], command)  # noqa: S606  # an argument list, no shell


@app.command()
def ready() -> None:
    """Upgrade the schema, and say whether database and store answer: what is checked before a start."""
    from redis import RedisError

    from callcenter import store, stream

    chosen = load_settings()
    upgraded(chosen)
    client = stream.connect(store.url(chosen.redis_url, chosen.data_dir))
    try:
        client.ping()
    except (RedisError, OSError) as error:
        refuse(f"The store (REDIS_URL) cannot be used: {error}")
    finally:
        client.close()


@app.command()
def assets() -> None:
    """Fetch the files of others that the pages use. `up` and `demo` do so at their start."""
    from callcenter import assets

    where = assets.folder(load_settings().data_dir)
    try:
        assets.fetch(where)
    except assets.FetchFailed as error:
        refuse(str(error))
    print(where)


@record.command()
def upgrade() -> None:
    """Bring the schema to this release's. Every process does so at its start."""
    from callcenter import migrations

    changed = upgraded(load_settings())
    print(f"{'Upgraded to' if changed else 'Already at'} revision {migrations.head()}.")


@record.command()
def backup(file: Path) -> None:
    """Write the whole record to FILE, while everything runs."""
    from callcenter import archive

    try:
        archive.backup(load_settings().sql, file)
    except archive.ArchiveFailed as error:
        refuse(str(error))


@record.command()
def restore(file: Path) -> None:
    """Replace the whole record by FILE. Refused while a process runs."""
    from callcenter import archive

    chosen = load_settings()
    try:
        archive.restore(chosen.sql, chosen.data_dir, file)
    except archive.ArchiveFailed as error:
        refuse(str(error))
    upgraded(chosen)


@users.command("add")
def add_user(
    name: str,
    role: Annotated[str, typer.Option(help="agent, supervisor or admin")] = "agent",
    phone: Annotated[
        str, typer.Option(help="sip:USER@HOST, or the user of a phone that registers here")
    ] = "",
    password: Annotated[str, typer.Option(help="made up and shown when not given")] = "",
    display_name: str = "",
    email: str = "",
    language: Annotated[str, typer.Option(help="en, zh_Hans or zh_Hant")] = "",
    department: str = "",
    supervisor: str = "",
    queue: Annotated[list[str], typer.Option(help="may be given several times")] = ["default"],  # noqa: B006
    heads: Annotated[bool, typer.Option(help="is the head of --department")] = False,
    remote_answer: Annotated[bool, typer.Option(help="the phone answers when told to (Call-Info)")] = False,
) -> None:
    """Add a person."""
    from callcenter.administration import NewUser, add_user

    new = NewUser(
        name,
        role,
        phone,
        password,
        display_name,
        email,
        language,
        department,
        supervisor,
        queue,
        heads,
        remote_answer,
    )
    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print("\n".join(add_user(chosen, new)))


@tokens.command("add")
def add_token(name: str, role: Annotated[str, typer.Option(help="agent, supervisor or admin")]) -> None:
    """Make a token for a system called NAME; it is shown this once."""
    from callcenter import administration

    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print(administration.add_token(chosen, name, role))


@tokens.command("revoke")
def revoke_token(name: str) -> None:
    """Revoke every token of NAME at once."""
    from callcenter import administration

    chosen = load_settings()
    upgraded(chosen)
    with sentences():
        print(f"{administration.revoke_token(chosen, name)} revoked.")


@files.command("customers")
def import_customers(file: Path) -> None:
    """Customers from FILE (CSV). Bad lines go to FILE.rejected.csv, with the reason; exit code 1 when there are any."""
    from callcenter import db
    from callcenter.customers import imports

    chosen = load_settings()
    upgraded(chosen)
    engine = db.connect(chosen.sql, pool=2)
    try:
        with sentences():
            done = imports.import_customers(engine, file, chosen.country, db.now(), imports.Shown(sys.stderr))
    except OSError as error:
        refuse(f"{file} cannot be imported: {(error.strerror or str(error)).lower()}.")
    finally:
        engine.dispose()
    print("\n".join(done.sentences()))
    raise typer.Exit(1 if done.rejected else 0)


@words.command("check")
def check_translations() -> None:
    """Fail when a text lacks a translation in any language."""
    from callcenter import catalogues

    problems = catalogues.problems()
    print("\n".join(problems) or "Every text is translated.")
    raise typer.Exit(1 if problems else 0)


@words.command("update")
def update_translations() -> None:
    """Bring new texts of the source into every catalogue."""
    from callcenter import catalogues

    catalogues.update()


@words.command("compile")
def compile_translations() -> None:
    """Make the binary catalogues. Every process that writes texts does so at its start."""
    from callcenter import catalogues

    catalogues.compile_all()


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


def main() -> None:
    """Entry point of the installed command. What it writes is its owner's alone: record, store and logs hold secrets."""
    os.umask(0o077)
    app(prog_name="callcenter")
