"""The record of calls, written from the public stream: rows, what follows from them, each exactly once. Door: `main`.

A transaction writes rows and moves the cursor; then jobs are enqueued, which may happen twice after a crash and never
not at all: how far that has come is a cursor of its own, moved in the next transaction.
"""

import dataclasses
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import redis
import structlog
from sqlalchemy import Engine, update
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlmodel import Session, col, select

from callcenter import db, events, jobs, messages, stream
from callcenter.calls import life, visits
from callcenter.calls.models import Call, CallEvent

log = structlog.get_logger()

NAME = "ledger"
ENQUEUED = "ledger-jobs"
BATCH = 100
"""Entries a transaction: SQLite's one writer is held for a few milliseconds."""
PAUSE = 0.05
"""Seconds between two batches."""
PATIENCE = 1.0
"""Seconds between two tries while the record or the store is away."""

NOTHING = b"{}"
"""In the place of an entry that cannot be written: the cursor moves on."""

ALIVE = "ledger:alive"
"""Store key with the seconds that the newest written entry is old, 0 when all is written; lives 10 s."""

Entry = tuple[str, bytes]
Job = tuple[str, str, tuple[str | int, ...]]
Follower = Callable[[Session, Any], None]
"""Another slice's rows of an event, written in the same transaction; the same event may come twice."""


def run(
    engine: Engine, store: redis.Redis, leaving: threading.Event, followers: Sequence[Follower] = ()
) -> None:
    """Follow the stream until `leaving`. What is away is waited for; nothing is skipped."""
    position = ""
    while not leaving.is_set():
        try:
            position = position or resume(engine, store)
            entries = read(store, position, 500)
            store.set(ALIVE, f"{_age(entries):.3f}", ex=10)
            if entries:
                position = take_all(engine, store, position, entries, followers)
                # What comes meanwhile goes into one transaction; calls need the processor more than the record does.
                leaving.wait(PAUSE)
        except (DBAPIError, redis.RedisError, OSError) as error:
            log.warning("the ledger waits", error=str(getattr(error, "orig", error)))
            position = ""
            leaving.wait(PATIENCE)
        except Exception:
            log.exception("the ledger stumbled")
            position = ""
            leaving.wait(PATIENCE)


def resume(engine: Engine, store: redis.Redis) -> str:
    """Enqueue again what a crash may have left out; the position to go on from."""
    with db.read(engine) as session:
        position = _cursor(session, NAME)
        enqueued = _cursor(session, ENQUEUED)
    while enqueued != position:
        entries = [entry for entry in read(store, enqueued, 0) if not _behind(position, entry[0])]
        if not entries:
            break
        for _, event in decoded(entries):
            enqueue(store, event)
        enqueued = entries[-1][0]
    return position


def take_all(
    engine: Engine,
    store: redis.Redis,
    position: str,
    entries: list[Entry],
    followers: Sequence[Follower] = (),
) -> str:
    """As `take`; an entry whose content the record refuses is left out and told, lest all others wait behind it."""
    try:
        return take(engine, store, position, entries, followers)
    except (DataError, IntegrityError):
        log.warning("the record refuses something of a batch: one entry after another", behind=position)
    for entry in entries:
        try:
            position = take(engine, store, position, [entry], followers)
        except (DataError, IntegrityError) as error:
            log.error("the record refuses an entry", entry=entry[0], error=str(error.orig))
            position = take(engine, store, position, [(entry[0], NOTHING)])
        if not position:
            break
    return position


def take(
    engine: Engine,
    store: redis.Redis,
    position: str,
    entries: list[Entry],
    followers: Sequence[Follower] = (),
) -> str:
    """Write a batch behind `position`, then enqueue its jobs; the new position. Empty when another ledger was first."""
    known = decoded(entries)
    last = entries[-1][0]
    with db.write(engine) as session:
        if not _move(session, NAME, position, last):
            session.rollback()
            return ""
        _set(session, ENQUEUED, position)
        record(session, known)
        visits.record(session, [event for _, event in known])
        for _, event in known:
            for follower in followers:
                follower(session, event)
    for _, event in known:
        enqueue(store, event)
    return last


def read(store: redis.Redis, after: str, block_ms: int) -> list[Entry]:
    """At most BATCH entries behind `after`; without `block_ms` only what is there."""
    found: Any = store.xread({stream.PUBLIC: after}, count=BATCH, block=block_ms or None)
    pairs = found.items() if isinstance(found, dict) else found or []
    return [
        (entry.decode() if isinstance(entry, bytes) else entry, fields[b"body"])
        for _, entries in pairs
        for entry, fields in (entries[0] if entries and isinstance(entries[0], list) else entries)
    ]


def decoded(entries: list[Entry]) -> list[tuple[str, Any]]:
    """Entries as events; those of a newer release, and what is no event, are left out."""
    known = []
    for entry, body in entries:
        try:
            known.append((entry, _storable(events.public.decode(body), body)))
        except (messages.UnknownMessage, ValueError, TypeError, KeyError) as error:
            log.warning("not an event that we know", entry=entry, error=repr(error))
    return known


def _storable(event: Any, body: bytes) -> Any:
    """The event without NUL in its texts: PostgreSQL refuses one, and every later entry would wait behind it."""
    if b"\\u0000" not in body:
        return event
    texts = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
    clean = {name: text.replace("\0", "") for name, text in texts.items() if isinstance(text, str)}
    return dataclasses.replace(event, **clean)


def record(session: Session, known: list[tuple[str, Any]]) -> None:
    """Write what events say of their calls, in few statements; an entry that is there already changes nothing."""
    of_calls = [(entry, event, name) for entry, event in known if (name := _call_of(event))]
    if not of_calls:
        return
    entries = [entry for entry, _, _ in of_calls]
    there = set(session.exec(select(CallEvent.entry).where(col(CallEvent.entry).in_(entries))).all())
    named = {name for _, _, name in of_calls}
    calls = {call.id: call for call in session.exec(select(Call).where(col(Call.id).in_(named))).all()}
    for entry, event, name in of_calls:
        if entry in there or (isinstance(event, events.DeskCommandRefused) and name not in calls):
            continue  # what somebody asked of a call that there never was is no call
        session.add(
            CallEvent(
                entry=entry,
                call_id=name,
                type=type(event).__name__,
                at=_time(event.at),
                body=events.public.encode(event),
            )
        )
        if event.call:
            if name not in calls and isinstance(event, events.CustomerBound | events.CallQuality):
                continue  # of a call that there never was
            if name not in calls:
                calls[name] = Call(id=name, started_at=_time(getattr(event, "started", 0.0) or event.at))
                session.add(calls[name])
            tell(calls[name], event)


def tell(call: Call, event: Any) -> None:
    """What the event changes in the call's row."""
    match event:
        case events.CallStarted():
            call.kind, call.direction = event.kind, event.direction
            call.caller, call.caller_name, call.called = event.caller, event.caller_name, event.called
            call.withheld, call.trunk, call.attempt = event.withheld, event.trunk, event.attempt
            call.customer_id, call.ticket_id = event.customer or None, event.ticket or None
            call.started_at = _time(event.at)
        case events.CallQueued() if call.queued_at is None:
            call.queue, call.queued_at = event.queue, _time(event.at)
        case events.CallAnswered():
            call.agent, call.waited, call.answered_at = event.agent, event.waited, _time(event.at)
            call.last_agent = event.agent
        case events.CallTransferred():
            call.transfers += 1
        case events.CallTakenOver():
            call.last_agent = event.agent
        case events.CustomerBound() if not (call.agent and event.by) or event.by == call.agent:
            call.customer_id = event.customer or None
        case events.CallQuality(side="customer"):
            call.mos = event.mos
        case events.CallFinished():
            _finished(call, event)
        case events.WrapUpEnded():
            # Each agent who spoke has one: the times add up, the last choice counts, no note is lost.
            call.wrap_up += event.seconds
            call.disposition = event.disposition or call.disposition
            call.note = "\n".join(filter(None, (call.note, event.note)))


def jobs_of(event: Any) -> list[Job]:
    """What follows from an event: queue, job, ids."""
    match event:
        case events.AttemptEnded(kind="callback", attempt=attempt):
            return [("callbacks", "callbacks.settle", (attempt,))]
        case events.AttemptEnded(kind="survey", attempt=attempt):
            return [("surveys", "surveys.settle", (attempt,))]
        case events.SurveyDigit(attempt=attempt, score=score):
            return [("surveys", "surveys.record", (attempt, score))]
        case events.RecordingChanged(state="spooled", recording=recording):
            return [("recordings", "records.store", (recording,))]
        case events.CallFinished() if event.owed or life.owes_callback(
            event.kind, event.outcome, event.caller, event.ended_by, event.fault, event.queued > 0
        ):
            return [("callbacks", "callbacks.owe", (event.call,))]
    return []


def enqueue(store: redis.Redis, event: Any) -> None:
    """Put the event's jobs onto their queues."""
    for queue, job, ids in jobs_of(event):
        jobs.enqueue(store, queue, job, *ids)


def _finished(call: Call, event: events.CallFinished) -> None:
    call.kind, call.attempt = event.kind, event.attempt
    call.caller, call.called = event.caller, event.called
    call.queue, call.agent, call.last_agent = event.queue, event.agent, event.last_agent
    call.transfers = event.transfers
    call.customer_id = event.customer or call.customer_id
    call.ticket_id = event.ticket or call.ticket_id
    call.started_at, call.ended_at = _time(event.started), _time(event.at)
    call.queued_at = _time(event.queued) if event.queued else None
    call.answered_at = _time(event.answered) if event.answered else None
    call.waited, call.talk, call.hold = event.waited, event.talk, event.hold
    call.outcome, call.ended_by = event.outcome, event.ended_by
    call.call_back, call.last_queue = event.call_back, event.last_queue
    call.fault, call.code = event.fault, event.code
    call.evidence = life.is_evidence(event.outcome, event.talk)


def _call_of(event: Any) -> str:
    """The call that an event belongs to; the attempt's id for one that ended without a call, or stands in a queue."""
    call: str = getattr(event, "call", "")
    return call or (event.attempt if isinstance(event, events.AttemptEnded | events.RoutingDecided) else "")


def _cursor(session: Session, name: str) -> str:
    row = session.get(db.Cursor, name)
    return row.position if row else "0-0"


def _move(session: Session, name: str, position: str, to: str) -> bool:
    """Compare and set: a second ledger that woke up late finds the cursor moved."""
    if session.get(db.Cursor, name) is None:
        session.add(db.Cursor(name=name, position="0-0"))
        try:
            session.flush()
        except IntegrityError:
            return False
    moved: Any = session.execute(
        update(db.Cursor)
        .where(col(db.Cursor.name) == name, col(db.Cursor.position) == position)
        .values(position=to)
    )
    return bool(moved.rowcount)


def _set(session: Session, name: str, position: str) -> None:
    row = session.get(db.Cursor, name) or db.Cursor(name=name, position=position)
    row.position = position
    session.add(row)


def _behind(position: str, entry: str) -> bool:
    """Whether the entry stands behind the position."""
    return _order(entry) > _order(position)


def _age(entries: list[Entry]) -> float:
    """Seconds since the oldest of these was appended, 0.0 for none."""
    return max(0.0, time.time() - _order(entries[0][0])[0] / 1000) if entries else 0.0


def _order(entry: str) -> tuple[int, int]:
    first, _, second = entry.partition("-")
    return int(first), int(second or 0)


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def caught_up(engine: Engine, store: redis.Redis, seconds: float) -> bool:
    """Whether the ledger reaches, within `seconds`, what the stream holds now: for tests and for benchmarks."""
    newest: Any = store.xrevrange(stream.PUBLIC, count=1)
    if not newest:
        return True
    last = newest[0][0].decode()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with db.read(engine) as session:
            if not _behind(_cursor(session, NAME), last):
                return True
        time.sleep(0.02)
    return False
