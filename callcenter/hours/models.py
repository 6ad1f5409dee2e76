"""Calendars."""

from datetime import date
from typing import Any

from sqlmodel import JSON, Field, SQLModel


class Calendar(SQLModel, table=True):
    """Working time by local wall clock in an IANA zone.

    `windows`: seven lists (Monday first) of ["HH:MM", "HH:MM"]; `exceptions`: "YYYY-MM-DD" -> list of windows ([] is a
    holiday). A due date past `covers_until` is provisional.
    """

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    zone: str
    windows: list[Any] = Field(sa_type=JSON)
    exceptions: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    covers_until: date | None = None
    version: int = 1
