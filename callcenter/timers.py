"""Due timers: a SQL table, swept by compare-and-set; armed and cancelled in the transaction that changes the subject.

A timer is unique by (kind, ref). Its `epoch` grows whenever it is armed again, so that a claim of an older target
changes nothing. A claim is a lease: when the job was not enqueued within LEASE seconds (a crash in between), the next
sweep claims it again; jobs are idempotent.
"""

import signal
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
import structlog
from sqlalchemy import Engine, Index, UniqueConstraint, func, or_, text, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Field, Session, SQLModel, col, select

from callcenter import db, jobs, stream
from callcenter.db import UtcDateTime
from callcenter.settings import Settings

log = structlog.get_logger()

SWEEP = 0.25
"""Seconds between two sweeps."""
ALIVE = "timers:alive"
"""Store key with the lag in seconds, living 10 s: `/health` reads it."""
LEASE = timedelta(seconds=30)

JOBS = {
    "clock": ("notices", "escalations.fire"),
    "callback": ("callbacks", "callbacks.dial"),
    "survey": ("surveys", "surveys.dial"),
    "attempt": ("callbacks", "callbacks.sweep_attempt"),
    "wake": ("notices", "escalations.wake"),
    "notice": ("notices", "notices.send"),
    "recordings": ("recordings", "records.round"),
}
"""Timer kind -> (RQ queue, job); the job is called with the timer's `ref` and `epoch`."""


class Timer(SQLModel, table=True):
    """`state`: armed -> claimed -> fired, or cancelled. `ref` is what the kind's job takes, usually a row id."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    ref: str
    due: datetime = Field(sa_type=UtcDateTime)
    state: str = "armed"
    epoch: int = 1
    claimed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    fired_at: datetime | None = Field(default=None, sa_type=UtcDateTime)

    __table_args__ = (
        UniqueConstraint("kind", "ref"),
        Index(
            "ix_timer_due",
            "due",
            sqlite_where=text("state IN ('armed', 'claimed')"),
            postgresql_where=text("state IN ('armed', 'claimed')"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Due:
    """A claimed timer. `late_by`: seconds from due to this claim."""

    id: int
    kind: str
    ref: str
    epoch: int
    due: datetime
    late_by: float


def arm(session: Session, kind: str, ref: str | int, due: datetime) -> int:
    """Arm, or arm again with a new target; returns the new epoch."""
    timer = session.exec(select(Timer).where(Timer.kind == kind, Timer.ref == str(ref))).first()
    if timer is None:
        timer = Timer(kind=kind, ref=str(ref), due=due)
    else:
        timer.due, timer.state, timer.epoch = due, "armed", timer.epoch + 1
        timer.claimed_at = timer.fired_at = None
    session.add(timer)
    session.flush()
    return timer.epoch


def cancel(session: Session, kind: str, ref: str | int) -> None:
    """Disarm; nothing when it is not armed or claimed."""
    session.execute(
        update(Timer)
        .where(
            col(Timer.kind) == kind, col(Timer.ref) == str(ref), col(Timer.state).in_(("armed", "claimed"))
        )
        .values(state="cancelled", epoch=Timer.epoch + 1)
    )


def claim(session: Session, now: datetime, limit: int = 500) -> list[Due]:
    """Claim what is due, oldest first, by compare-and-set; never early. Call in a write transaction."""
    waiting = (
        select(Timer.id)
        .where(
            col(Timer.due) <= now,
            or_(
                col(Timer.state) == "armed",
                (col(Timer.state) == "claimed") & (col(Timer.claimed_at) <= now - LEASE),
            ),
        )
        .order_by(col(Timer.due))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        update(Timer)
        .where(col(Timer.id).in_(waiting))
        .values(state="claimed", claimed_at=now)
        .returning(Timer.id, Timer.kind, Timer.ref, Timer.epoch, Timer.due)  # type: ignore[call-overload]
    ).all()
    late = [
        Due(id_, kind, ref, epoch, due, (now - due).total_seconds()) for id_, kind, ref, epoch, due in rows
    ]
    return sorted(late, key=lambda timer: timer.due)


def fired(session: Session, due: Due, now: datetime) -> None:
    """The job is enqueued: the claim is done, unless the target moved meanwhile."""
    session.execute(
        update(Timer)
        .where(col(Timer.id) == due.id, col(Timer.epoch) == due.epoch, col(Timer.state) == "claimed")
        .values(state="fired", fired_at=now)
    )


def oldest_overdue(session: Session, now: datetime) -> float:
    """Seconds that the oldest armed timer is late: the sweep's lag; 0.0 when none is."""
    due = session.execute(
        select(func.min(Timer.due)).where(col(Timer.state) == "armed", col(Timer.due) <= now)
    ).scalar()
    return max(0.0, (now - due).total_seconds()) if due else 0.0


def main(settings: Settings) -> int:
    """The timers process: sweep what is due, relay the outbox, until SIGTERM or SIGINT. Several may run at once."""
    leaving = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: leaving.set())
    engine, store = db.connect(settings.sql), stream.connect(settings.redis_url)
    while not leaving.is_set():
        try:
            store.set(ALIVE, f"{sweep(engine, store):.3f}", ex=10)
            db.relay(engine, store)
        except (redis.RedisError, OSError) as error:
            log.warning("timers wait for the store", error=str(error))
        except OperationalError as error:
            log.warning("timers wait for the record", error=str(error.orig))
        leaving.wait(SWEEP)
    return 0


def sweep(engine: Engine, store: redis.Redis) -> float:
    """Claim what is due and enqueue its jobs; seconds that the oldest of them was late."""
    with db.read(engine) as session:
        lag = oldest_overdue(session, db.now())
        if not lag and not _claims_expired(session, db.now()):
            return 0.0
    with db.write(engine) as session:
        due = claim(session, db.now())
    for timer in due:
        queue, job = JOBS[timer.kind]
        jobs.enqueue(store, queue, job, timer.ref, timer.epoch)
    with db.write(engine) as session:
        for timer in due:
            fired(session, timer, db.now())
    return lag


def _claims_expired(session: Session, now: datetime) -> bool:
    """Whether a crash between claim and enqueue left something."""
    stuck = select(Timer.id).where(col(Timer.state) == "claimed", col(Timer.claimed_at) <= now - LEASE)
    return session.exec(stuck.limit(1)).first() is not None
