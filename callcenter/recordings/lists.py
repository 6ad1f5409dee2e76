"""Recordings in lists, what keeps them, and who looked. Sessions are read sessions unless a function writes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import tuple_
from sqlmodel import Session, col, select

from callcenter.errors import InvalidInput, NotFound, WrongState
from callcenter.recordings.models import STATES, Recording, RecordingHold, RecordingReport

HOLDS = ("call", "ticket")


@dataclass(frozen=True, slots=True)
class Filters:
    """`calls`: a query of ids of calls, `queues`: those in scope, None for all. `since` and `until` bound the beginning."""

    queue: str = ""
    agent: str = ""
    state: str = ""
    calls: Any = None
    since: datetime | None = None
    until: datetime | None = None
    queues: Collection[str] | None = None


def page(session: Session, filters: Filters, after: str = "", limit: int = 50) -> tuple[list[Recording], str]:
    """One page, the newest first; and what to give as `after` for the next one. Raises InvalidInput."""
    if filters.state and filters.state not in STATES:
        raise InvalidInput(state=", ".join(STATES))
    query = select(Recording)
    for column, value in (
        (Recording.queue, filters.queue),
        (Recording.agent, filters.agent),
        (Recording.state, filters.state),
    ):
        if value:
            query = query.where(column == value)
    if filters.queues is not None:
        query = query.where(col(Recording.queue).in_(sorted(filters.queues)))
    if filters.calls is not None:
        query = query.where(col(Recording.call_id).in_(filters.calls))
    if filters.since:
        query = query.where(Recording.started_at >= filters.since)
    if filters.until:
        query = query.where(Recording.started_at < filters.until)
    place = tuple_(col(Recording.started_at), col(Recording.id))
    if after:
        query = query.where(place < tuple_(*_key(after)))
    order = (col(Recording.started_at).desc(), col(Recording.id).desc())
    rows = list(session.exec(query.order_by(*order).limit(limit + 1)).all())
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last.started_at.isoformat()}~{last.id}" if last else ""


def find(session: Session, recording: str) -> Recording:
    """Raises NotFound."""
    row = session.get(Recording, recording)
    if row is None:
        raise NotFound
    return row


def of_calls(session: Session, calls: Iterable[str]) -> list[Recording]:
    """The segments of these calls in the order in which they were spoken."""
    wanted = [call for call in calls if call]
    if not wanted:
        return []
    found = select(Recording).where(col(Recording.call_id).in_(wanted))
    return list(session.exec(found.order_by(col(Recording.started_at), col(Recording.id))).all())


def newest_report(session: Session) -> RecordingReport | None:
    """What the last look at rows and files found."""
    return session.exec(select(RecordingReport).order_by(col(RecordingReport.id).desc()).limit(1)).first()


def standing_holds(session: Session, kind: str, refs: Iterable[str]) -> list[RecordingHold]:
    """What keeps these calls' (or complaints') recordings beyond their time."""
    return list(
        session.exec(
            select(RecordingHold).where(
                RecordingHold.kind == kind,
                col(RecordingHold.ref).in_(list(refs)),
                col(RecordingHold.ended_at).is_(None),
            )
        ).all()
    )


def hold(session: Session, kind: str, ref: str, reason: str, by: str, now: datetime) -> RecordingHold:
    """Keep the recordings until `lift`. Raises WrongState when they are kept already, InvalidInput without a reason."""
    if not reason.strip():
        raise InvalidInput(reason="is missing")
    if standing_holds(session, kind, [ref]):
        raise WrongState
    made = RecordingHold(kind=kind, ref=ref, reason=reason.strip()[:300], by=by, at=now)
    session.add(made)
    return made


def lift(session: Session, kind: str, ref: str, by: str, now: datetime) -> None:
    """The usual time counts again. Raises WrongState when nothing keeps them."""
    standing = standing_holds(session, kind, [ref])
    if not standing:
        raise WrongState
    for one in standing:
        one.ended_at, one.ended_by = now, by
        session.add(one)


def _key(after: str) -> tuple[datetime, str]:
    try:
        started, _, recording = after.replace(" ", "+").rpartition("~")
        at = datetime.fromisoformat(started)
    except ValueError:
        raise InvalidInput(after="is no end of a page") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)), recording
