"""The record's schema: brought up to date at the start of every process that uses it, by one of them at a time.

Revisions are numbered files in `versions/`. Until the first release there is one, made anew from the models by
`python -m callcenter.migrations`; a test compares it with the models on SQLite and on PostgreSQL.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

HERE = Path(__file__).parent
ADVISORY_LOCK = 7_266_842
"""Any number that nothing else locks in this database."""


class NewerRecord(RuntimeError):
    """The database was written by a newer release."""


def head() -> str:
    """Newest revision of this release."""
    return max(path.name.split("_")[0] for path in (HERE / "versions").glob("[0-9]*.py"))


def upgrade(engine: Engine) -> bool:
    """Bring the schema to the newest revision; whether there was something to do. Raises NewerRecord."""
    with _alone(engine):
        found = current(engine)
        if found == head():
            return False
        if found and found not in {path.name.split("_")[0] for path in (HERE / "versions").glob("[0-9]*.py")}:
            raise NewerRecord(
                f"The database is at revision {found}, this release knows {head()}: install the newer one."
            )
        with engine.connect().execution_options(write=True) as connection:
            _run(connection)
            connection.commit()
    return True


def current(engine: Engine) -> str:
    """The database's revision, empty for a new one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _run(connection: Connection) -> None:
    # Alembic takes 0.2 s to import and is needed once.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    command.upgrade(config, "head")


@contextlib.contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Five processes that start at once do not fight: one upgrades, the others wait.

    Held before the first look: two connections that turn a new SQLite file to WAL at once fail as "locked".
    """
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
            try:
                yield
            finally:
                connection.execute(text(f"SELECT pg_advisory_unlock({ADVISORY_LOCK})"))
        return
    with Path(f"{engine.url.database}.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
