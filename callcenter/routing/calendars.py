"""Calendars as an administrator keeps them: every field checked, each change a version."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from callcenter.errors import InvalidInput, NotFound, Stale
from callcenter.hours import rules
from callcenter.hours.models import Calendar
from callcenter.people import history

NOUN = "calendar"
MOST_EXCEPTIONS = 1000
Fields = dict[str, Any]
Day = list[list[str]]


def listing(session: Session) -> list[Calendar]:
    """All calendars by name."""
    return list(session.exec(select(Calendar).order_by(col(Calendar.name))))


def find(session: Session, name: str) -> Calendar:
    """Raises NotFound."""
    row = session.exec(select(Calendar).where(Calendar.name == name)).first()
    if row is None:
        raise NotFound
    return row


def kept(row: Calendar) -> Fields:
    """All that an administrator sets, as `change` takes it."""
    return {
        "zone": row.zone,
        "windows": row.windows,
        "exceptions": row.exceptions,
        "covers_until": row.covers_until.isoformat() if row.covers_until else "",
    }


def create(session: Session, name: str, given: Mapping[str, Any], now: datetime, by: str) -> Calendar:
    """A new calendar with `zone` and `windows`. Raises InvalidInput."""
    if not re.fullmatch(r"[\w-]{1,40}", name):
        raise InvalidInput(name="letters, digits, _ and - only, at most 40")
    if session.exec(select(Calendar).where(Calendar.name == name)).first():
        raise InvalidInput(name="is taken")
    row = Calendar(name=name, zone="", windows=[])
    _set(row, {"exceptions": {}, "covers_until": "", **_cleaned(given)})
    session.add(row)
    session.flush()
    history.keep(session, NOUN, name, {}, kept(row), now, by)
    return row


def change(
    session: Session,
    name: str,
    given: Mapping[str, Any],
    now: datetime,
    by: str,
    version: int | None = None,
    restores: int = 0,
) -> tuple[Calendar, tuple[str, ...]]:
    """Set the fields that are given; the row, and which of them changed. `version`: the one that was seen.

    Raises NotFound, InvalidInput with a sentence for every wrong field, Stale with what is different now. The caller tells
    the conductor (`ReloadDirectory`) and computes the clocks of open complaints again (`escalation.recompute_open`).
    """
    row = find(session, name)
    session.refresh(row, with_for_update=True)
    before, found = kept(row), _cleaned(given)
    if version is not None and version != row.version:
        raise Stale(**history.since(session, NOUN, name, found, before))
    _set(row, {**before, **found})
    changed = tuple(history.differences(before, kept(row)))
    if changed:
        row.version += 1
        history.keep(session, NOUN, name, before, kept(row), now, by, restores)
    session.add(row)
    session.flush()
    return row, changed


def text_of(day: Day) -> str:
    """`09:00-12:00 13:00-18:00`, as a form shows a day."""
    return " ".join(f"{opens}-{closes}" for opens, closes in day)


def _set(row: Calendar, fields: Fields) -> None:
    until = date.fromisoformat(fields["covers_until"]) if fields["covers_until"] else None
    try:
        rules.parse(fields.get("zone", ""), fields.get("windows", []), fields["exceptions"], until)
    except rules.BadCalendar as error:
        about = "zone" if "time zone" in str(error) else "windows"
        raise InvalidInput(**{about: str(error)}) from None
    row.zone, row.windows = fields["zone"], fields["windows"]
    row.exceptions, row.covers_until = fields["exceptions"], until


def _cleaned(given: Mapping[str, Any]) -> Fields:
    """The fields as they are kept. Raises InvalidInput with every wrong one."""
    found, wrong = {}, {}
    for field, raw in given.items():
        if field not in CHECKS:
            wrong[field] = "there is no such field"
            continue
        try:
            found[field] = CHECKS[field](raw)
        except (ValueError, TypeError) as error:
            wrong[field] = str(error)
    if wrong:
        raise InvalidInput(**wrong)
    return found


def _day(raw: Any) -> Day:
    """Windows of a day from pairs, or from `09:00-12:00 13:00-18:00`; nothing is closed."""
    said = "times as 09:00-12:00 13:00-18:00, in order; nothing when closed"
    pairs = (
        [one.split("-") for one in re.split(r"[\s,]+", raw.strip()) if one] if isinstance(raw, str) else raw
    )
    found, before = [], ""
    for pair in pairs:
        if len(pair) != 2:
            raise ValueError(said)
        opens, closes = (_time(str(one), said) for one in pair)
        if not before <= opens < closes:
            raise ValueError(said)
        found.append([opens, closes])
        before = closes
    return found


def _time(text: str, said: str) -> str:
    text = text.strip().zfill(5)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
        raise ValueError(said)
    return text


def _week(raw: Any) -> list[Day]:
    if not isinstance(raw, list) or len(raw) != 7:
        raise ValueError("seven days, Monday first")
    return [_day(day) for day in raw]


def _exceptions(raw: Any) -> dict[str, Day]:
    """Day -> windows from a mapping, or from lines as `2026-10-01` (closed) and `2026-10-10 09:00-18:00`."""
    lines = (
        [line.split(None, 1) for line in raw.splitlines() if line.strip()] if isinstance(raw, str) else None
    )
    pairs = (
        [(one[0], one[1] if len(one) > 1 else "") for one in lines]
        if lines is not None
        else dict(raw).items()
    )
    found: dict[str, Day] = {}
    for day, windows in pairs:
        try:
            key = date.fromisoformat(str(day)).isoformat()
            found[key] = _day(windows)
        except ValueError:
            raise ValueError(
                f"{day}: a day as 2026-10-01, behind it times as 09:00-18:00, none when closed"
            ) from None
    if len(found) > MOST_EXCEPTIONS:
        raise ValueError(f"at most {MOST_EXCEPTIONS} days")
    return dict(sorted(found.items()))


def _until(raw: Any) -> str:
    value = str(raw or "").strip()
    return date.fromisoformat(value).isoformat() if value else ""


CHECKS: dict[str, Callable[[Any], Any]] = {
    "zone": lambda raw: str(raw).strip(),
    "windows": _week,
    "exceptions": _exceptions,
    "covers_until": _until,
}
"""Field of a calendar -> what it may be; ValueError says what."""
