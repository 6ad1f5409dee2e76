"""Versions of what administrators keep: who changed what from what to what. Undone through the noun's own save."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlmodel import Session, col, select

from callcenter.errors import InvalidInput, NotFound
from callcenter.people import desk
from callcenter.people.models import Change

LONGEST_DETAIL = 2000
Fields = dict[str, Any]


def keep(
    session: Session,
    noun: str,
    name: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    now: datetime,
    by: str = "",
    restores: int = 0,
) -> Change | None:
    """Write a change down as the next version and in the audit log; None when nothing differs. `before` {}: it is
    new; `after` {}: it is deleted."""
    was, became = _plain(before), _plain(after)
    if was == became:
        return None
    newest = session.exec(
        select(Change.version)
        .where(Change.noun == noun, Change.name == name)
        .order_by(col(Change.version).desc())
        .limit(1)
    ).first()
    made = Change(
        noun=noun,
        name=name,
        version=(newest or 0) + 1,
        at=now,
        by=by or "system",
        before=was,
        after=became,
        restores=restores,
    )
    session.add(made)
    detail = "; ".join(f"{field}: {old} -> {new}" for field, (old, new) in differences(was, became).items())
    done = "restored" if restores else "added" if not was else "changed" if became else "deleted"
    desk.audit(session, by, f"{noun}.{done}", name, detail[:LONGEST_DETAIL], now)
    session.flush()
    return made


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Field -> (before, now), None where it was not there."""
    fields = dict.fromkeys((*before, *after))
    return {
        field: (before.get(field), after.get(field))
        for field in fields
        if before.get(field) != after.get(field)
    }


def since(
    session: Session, noun: str, name: str, wanted: Mapping[str, Any], now: Mapping[str, Any]
) -> dict[str, str]:
    """Field -> a sentence, of what somebody wanted to set and what is kept otherwise now, with who changed it last."""
    last, _ = page(session, noun, name, limit=1)
    by = f", by {last[0].by}" if last else ""
    return {
        field: f"is {now[field]!r} now{by}"
        for field, value in wanted.items()
        if value != now.get(field, value)
    }


def page(
    session: Session, noun: str = "", name: str = "", by: str = "", after: str = "", limit: int = 50
) -> tuple[list[Change], str]:
    """Changes, the newest first, and what to give as `after` for the next page. Raises InvalidInput."""
    if after and not (after.isascii() and after.isdecimal() and len(after) <= 18):
        raise InvalidInput(after="is no end of a page")
    query = select(Change)
    for column, value in ((Change.noun, noun), (Change.name, name), (Change.by, by)):
        if value:
            query = query.where(column == value)
    if after:
        query = query.where(col(Change.id) < int(after))
    rows = list(session.exec(query.order_by(col(Change.id).desc()).limit(limit + 1)))
    return rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else ""


def find(session: Session, change_id: int) -> Change:
    """Raises NotFound."""
    found = session.get(Change, change_id)
    if found is None:
        raise NotFound
    return found


def _plain(fields: Mapping[str, Any]) -> Fields:
    found: Fields = orjson.loads(orjson.dumps(dict(fields)))
    return found
