"""Abusive callers: whose calls the lines refuse, until when, why, and who said so."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from callcenter.calls.models import BarredCaller
from callcenter.errors import InvalidInput, NotFound

LONGEST = 366 * 24.0
"""Hours."""


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the list; `standing`: it counts now."""

    id: int
    number: str
    reason: str
    by: str
    at: datetime
    until: datetime | None
    removed_by: str
    standing: bool


def bar(session: Session, number: str, hours: float, reason: str, by: str, now: datetime) -> BarredCaller:
    """Refuse this E.164 number for `hours`, 0 for good; an entry that stands is replaced. InvalidInput."""
    if not number.startswith("+"):
        raise InvalidInput(number="a telephone number")
    if not 0 <= hours <= LONGEST:
        raise InvalidInput(hours=f"0 to {LONGEST:.0f}")
    if not reason.strip():
        raise InvalidInput(reason="is missing")
    for standing in session.exec(_standing(now).where(BarredCaller.number == number)).all():
        standing.removed_at, standing.removed_by = now, by
        session.add(standing)
    until = now + timedelta(hours=hours) if hours else None
    row = BarredCaller(number=number, reason=reason.strip()[:400], by=by, at=now, until=until)
    session.add(row)
    session.flush()
    return row


def unbar(session: Session, barred: int, by: str, now: datetime) -> BarredCaller:
    """Let the caller in again; twice is once. NotFound."""
    row = session.get(BarredCaller, barred)
    if row is None:
        raise NotFound
    if row.removed_at is None:
        row.removed_at, row.removed_by = now, by
        session.add(row)
    return row


def again(session: Session, barred: int, by: str, now: datetime) -> BarredCaller:
    """Refuse a caller again as an entry that is over said: until its own end, or as long as it lasted when that has
    passed. One that still stands is left as it is. NotFound."""
    old = session.get(BarredCaller, barred)
    if old is None:
        raise NotFound
    if old.removed_at is None and (old.until is None or old.until > now):
        return old
    until = old.until if old.until is None or old.until > now else now + (old.until - old.at)
    hours = (until - now).total_seconds() / 3600 if until else 0.0
    return bar(session, old.number, hours, old.reason, by, now)


def current(session: Session, now: datetime) -> list[BarredCaller]:
    """What the lines must know."""
    return list(session.exec(_standing(now).order_by(BarredCaller.number)).all())


def listing(session: Session, now: datetime, limit: int = 200) -> list[Row]:
    """The newest first, ended ones too."""
    rows = session.exec(select(BarredCaller).order_by(col(BarredCaller.id).desc()).limit(limit)).all()
    return [
        Row(
            row.id or 0, row.number, row.reason, row.by, row.at, row.until, row.removed_by,
            row.removed_at is None and (row.until is None or row.until > now),
        )
        for row in rows
    ]  # fmt: skip


def _standing(now: datetime) -> SelectOfScalar[BarredCaller]:
    until = col(BarredCaller.until)
    return select(BarredCaller).where(
        col(BarredCaller.removed_at).is_(None), or_(until.is_(None), until > now)
    )
