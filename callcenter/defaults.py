"""What a new installation begins with: calendars, a policy for each severity, the default queue.

Runs at every start behind the schema's upgrade; what an administrator changed or made stays as it is.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import select

from callcenter import db
from callcenter.hours.calendars import ALWAYS, OFFICE
from callcenter.hours.models import Calendar
from callcenter.recordings.keeping import ROUNDS
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.tickets.models import Policy
from callcenter.timers import Timer

HOUR = 3600.0
OFFICE_DAY = 8 * HOUR

POLICIES = (
    Policy(severity=1, first_response=600, keep_informed=2 * HOUR, resolution=8 * HOUR, calendar="always"),
    Policy(severity=2, first_response=1800, keep_informed=8 * HOUR, resolution=24 * HOUR, calendar="always"),
    Policy(
        severity=3,
        first_response=2 * HOUR,
        keep_informed=2 * OFFICE_DAY,
        resolution=5 * OFFICE_DAY,
        calendar="office",
    ),
    Policy(
        severity=4,
        first_response=OFFICE_DAY,
        keep_informed=5 * OFFICE_DAY,
        resolution=10 * OFFICE_DAY,
        calendar="office",
    ),
)
"""Seconds of working time; an office day has 8 hours. 10 days for the normal flow follow the Chinese 12345 rules."""


def ensure(engine: Engine, settings: Settings) -> None:
    """Add what is missing. Several processes may do so at once."""
    if _complete(engine):
        return
    rows: list[Calendar | Policy | QueueRow | Timer] = [
        Calendar(name="always", zone=settings.zone, windows=ALWAYS),
        Calendar(name="office", zone=settings.zone, windows=OFFICE),
        *(Policy(**policy.model_dump()) for policy in POLICIES),
        QueueRow(name="default", label="Hotline"),
        *(Timer(kind="recordings", ref=ref, due=db.now()) for ref in ROUNDS),
    ]
    dialect: Any = postgresql if engine.dialect.name == "postgresql" else sqlite
    with db.write(engine) as session:
        for row in rows:
            values = row.model_dump(exclude={"id"})
            session.execute(dialect.insert(type(row)).values(**values).on_conflict_do_nothing())


def _complete(engine: Engine) -> bool:
    with db.read(engine) as session:
        kept = set(session.exec(select(Policy.severity)))
        names = set(session.exec(select(Calendar.name)))
        queue = session.get(QueueRow, "default")
        rounds = set(session.exec(select(Timer.ref).where(Timer.kind == "recordings")))
    return (
        rounds >= set(ROUNDS) and kept >= {1, 2, 3, 4} and names >= {"always", "office"} and queue is not None
    )
