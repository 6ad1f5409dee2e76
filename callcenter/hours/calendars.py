"""Calendars as the record keeps them."""

from sqlmodel import Session, select

from callcenter.errors import NotFound
from callcenter.hours.models import Calendar
from callcenter.hours.rules import Hours, parse

ALWAYS = [[["00:00", "24:00"]]] * 7
OFFICE = [[["09:00", "12:00"], ["13:00", "18:00"]]] * 5 + [[], []]


def load(session: Session, name: str) -> Hours:
    """The named calendar's rule. Raises NotFound, and `BadCalendar` when the row was spoilt."""
    row = session.exec(select(Calendar).where(Calendar.name == name)).first()
    if row is None:
        raise NotFound(f"There is no calendar {name}.")
    return parse(row.zone, row.windows, row.exceptions, row.covers_until)
