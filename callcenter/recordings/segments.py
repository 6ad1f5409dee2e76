"""Rows of segments: written from the conductor's events, moved on by the worker. Sessions are write sessions."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col

from callcenter import events
from callcenter.recordings import rules
from callcenter.recordings.models import Recording
from callcenter.recordings.sound import Compressed


def follow(session: Session, event: Any) -> None:
    """What an event says of a segment; the same event twice, or an older one late, changes nothing."""
    if not isinstance(event, events.RecordingChanged):
        return
    row = session.get(Recording, event.recording)
    if row is None:
        started = _time(event.started or event.at)
        row = Recording(
            id=event.recording,
            call_id=event.call,
            started_at=started,
            days=event.days,
            keep_until=rules.keep_until(started, event.days),
        )
    # What was written before a failure is reported behind it.
    if row.state != "recording" and (row.state, event.state) != ("failed", "spooled"):
        return
    for name in ("line", "leg", "other", "agent", "queue"):
        setattr(row, name, getattr(event, name) or getattr(row, name))
    if event.state == "spooled":
        _spooled(row, event)
    elif event.state == "failed":
        row.state, row.why, row.ended_at = "failed", event.why[:300], _time(event.at)
    session.add(row)


def stored(
    session: Session, row: Recording, key: str, form: str, size: int, sha256: str, key_id: str,
    sound: Compressed, now: datetime,
) -> bool:  # fmt: skip
    """The sealed file is safe under `key`. False when another worker, or the retention, was first."""
    return _move(
        session,
        row,
        ("spooled",),
        state="stored",
        key=key,
        format=form,
        size=size,
        sha256=sha256,
        key_id=key_id,
        seconds=sound.seconds,
        channels=sound.channels,
        peaks=sound.peaks,
        stored_at=now,
        why="",
    )


def failed(session: Session, row: Recording, why: str, now: datetime) -> bool:
    """Nothing can be kept of it."""
    return _move(
        session, row, ("recording", "spooled"), state="failed", why=why[:300], ended_at=now, peaks=b""
    )


def missing(session: Session, row: Recording, why: str, now: datetime) -> bool:
    """It was stored, or said to be spooled, and its file is not there."""
    return _move(
        session, row, ("recording", "spooled", "stored"), state="missing", why=why[:300], ended_at=now
    )


def found_again(session: Session, row: Recording) -> bool:
    """The file of a missing one is back."""
    return _move(session, row, ("missing",), state="stored", why="", ended_at=None)


def deleted(session: Session, row: Recording, now: datetime) -> bool:
    """Its time is over; of the audio nothing is kept, of the fact that there was a recording all."""
    return _move(session, row, ("stored", "missing"), state="deleted", ended_at=now, peaks=b"")


def tried(session: Session, row: Recording, why: str) -> None:
    """Storing failed once more."""
    _move(session, row, ("spooled",), tries=row.tries + 1, why=why[:300])


def adopt(session: Session, row: Recording, path: str, seconds: float, channels: int) -> bool:
    """The line never said that this segment ended, and its WAV lies there."""
    return _move(
        session, row, ("recording",), state="spooled", spool=path, seconds=seconds, channels=channels
    )


def _move(session: Session, row: Recording, before: tuple[str, ...], **values: Any) -> bool:
    """Compare and set by the state."""
    moved: Any = session.execute(
        update(Recording)
        .where(col(Recording.id) == row.id, col(Recording.state).in_(before))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return bool(moved.rowcount)


def _spooled(row: Recording, event: events.RecordingChanged) -> None:
    row.state, row.spool, row.ended_at = "spooled", event.spool, None
    row.started_at = _time(event.started or event.at)
    row.keep_until = rules.keep_until(row.started_at, row.days)
    row.seconds, row.channels, row.paused = event.seconds, event.channels, event.paused_for


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
