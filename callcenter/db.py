"""The record: one engine a process, sync sessions, UTC instants, an outbox for events that follow from a commit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import redis
from sqlalchemy import Connection, DateTime, Engine, Index, create_engine, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, Session, SQLModel, select

from callcenter import events, stream


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant in UTC: timestamptz in PostgreSQL, naive UTC text in SQLite. A naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value} has no place in the record")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Outbox(SQLModel, table=True):
    """A public event that waits to be appended to the stream; written in the transaction that it tells of."""

    id: int | None = Field(default=None, primary_key=True)
    body: bytes
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        Index(
            "ix_outbox_waiting",
            "id",
            sqlite_where=text("sent_at IS NULL"),
            postgresql_where=text("sent_at IS NULL"),
        ),
    )


class Cursor(SQLModel, table=True):
    """How far a consumer has read a stream; moved in the transaction that holds what it read."""

    name: str = Field(primary_key=True)
    position: str


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


def connect(url: str, pool: int = 5) -> Engine:
    """An engine. SQLite: WAL, foreign keys, 10 s busy timeout and every write transaction IMMEDIATE.

    SQLite maps up to 1 GiB of its file: a lookup among a million customers takes half the time without system calls.
    """
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=pool, max_overflow=pool, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": 10, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=10000",
            "mmap_size=1073741824",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if not options.get("single", False):
            connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("write", False) else "BEGIN")

    return engine


@contextmanager
def write(engine: Engine) -> Iterator[Session]:
    """A write transaction: committed at the end, rolled back on an exception."""
    with (
        engine.connect().execution_options(write=True) as connection,
        Session(connection, expire_on_commit=False) as session,
    ):
        yield session
        session.commit()


@contextmanager
def read(engine: Engine) -> Iterator[Session]:
    """A read-only view; nothing is committed."""
    with Session(engine, expire_on_commit=False) as session:
        yield session


def reader(engine: Engine) -> Connection:
    """A connection that is kept for look-ups: each statement sees the newest commit, and begins and ends nothing."""
    if engine.dialect.name == "sqlite":
        return engine.connect().execution_options(single=True)
    return engine.connect().execution_options(isolation_level="AUTOCOMMIT")


def tell(session: Session, message: Any) -> None:
    """Put a public event into the outbox of this transaction; `relay` brings it to the stream."""
    session.add(Outbox(body=events.public.encode(message), created_at=now()))


def unsent(session: Session, limit: int = 500) -> list[Outbox]:
    """Outbox rows that wait, oldest first."""
    return list(session.exec(select(Outbox).where(Outbox.sent_at == None).order_by(Outbox.id).limit(limit)))  # type: ignore[arg-type]  # noqa: E711


def relay(engine: Engine, store: redis.Redis) -> int:
    """Append waiting outbox events to the public stream; how many. One may go out twice after a crash, none is lost."""
    with read(engine) as session:
        if not unsent(session, 1):
            return 0
    with write(engine) as session:
        waiting = unsent(session)
        for row in waiting:
            stream.append(store, stream.PUBLIC, row.body)
            row.sent_at = now()
    return len(waiting)


def put(
    session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]], told: Sequence[str] = ()
) -> None:
    """Insert rows, all with the same columns; of one whose primary key is there already change only what is `told`."""
    if not rows:
        return
    dialect: Any = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    inserted = dialect.insert(table)
    keys = [column.name for column in table.__table__.primary_key]  # type: ignore[attr-defined]
    if told:
        changed = {name: inserted.excluded[name] for name in told}
        statement = inserted.on_conflict_do_update(index_elements=keys, set_=changed)
    else:
        statement = inserted.on_conflict_do_nothing(index_elements=keys)
    session.execute(statement, list(rows))


def as_json(value: Any) -> Any:
    """A value for a JSON column: only what orjson takes."""
    return orjson.loads(orjson.dumps(value))
