"""A centre's past from a file: rows of the call record that are marked as imported.

They count in history, and never owe a callback: nothing is told of them. A call is known by when it arrived, its
queue, customer and agent (and which of several such it is), so a file may be imported again, also a corrected one.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, delete, insert, select, update
from sqlmodel import Session, col

from callcenter import db, sheets
from callcenter.calls import life, visits
from callcenter.calls.models import AgentWork, Call, QueueVisit
from callcenter.customers import numbers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput
from callcenter.routing.board import Queue
from callcenter.routing.models import QueueRow
from callcenter.sheets import BadCell, Line, Outcome, Progress
from callcenter.whatif import columns


def import_calls(
    engine: Engine, path: Path, country: str, zone: ZoneInfo, progress: Progress = lambda outcome: None
) -> Outcome:
    """Import a file of past calls (`sheets.take_in`, with its errors); columns: `columns.ALIASES`.

    Times without an offset are wall time in `zone`. `customer` is an external_id that the record knows, else a telephone
    number (read as one of `country`), else kept as it stands. Raises InvalidInput also when a needed column is missing.
    """
    return sheets.take_in(path, _Past(engine, country, zone), progress)


@dataclass(slots=True)
class _Past:
    """A line a call. `alike`: how many lines of this file had that key."""

    engine: Engine
    country: str
    zone: ZoneInfo
    alike: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def fields(self, head: Sequence[str]) -> list[str]:
        fields = [columns.HEADINGS.get(sheets.plain(cell), "") for cell in head]
        missing = [name for name in columns.NEEDED if name not in fields]
        if missing:
            raise InvalidInput(
                f"The first line must name the columns; {', '.join(missing)} is missing. Known are "
                f"{', '.join(columns.ALIASES)}."
            )
        return fields

    def values(self, cells: Mapping[str, str]) -> dict[str, Any]:
        found = columns.values(cells, self.zone)
        named = tuple(str(found[name]) for name in ("arrived", "queue", "customer", "agent"))
        self.alike[named] += 1
        key = "\0".join((*named, str(self.alike[named])))
        return {**found, "id": f"past-{blake2b(key.encode(), digest_size=12).hexdigest()}"}

    def keys(self, line: Line) -> set[str]:
        return {line.values["id"]}

    def write(self, batch: list[Line], outcome: Outcome) -> list[tuple[Line, BadCell]]:
        with db.write(self.engine) as session:
            rows = self._rows(session, batch)
            known = {row["id"] for row in rows} & set(
                session.execute(
                    select(col(Call.id)).where(col(Call.id).in_([row["id"] for row in rows]))
                ).scalars()
            )
            if new := [row for row in rows if row["id"] not in known]:
                session.execute(insert(Call), new)
            if again := [row for row in rows if row["id"] in known]:
                session.execute(update(Call), again)
            _count(session, rows)
        outcome.added += len(new)
        outcome.updated += len(again)
        return []

    def _rows(self, session: Session, batch: list[Line]) -> list[dict[str, Any]]:
        given = {
            line.values["customer"]: numbers.e164(line.values["customer"], self.country) for line in batch
        }
        customers = _customers(session, given)
        return [_row(line.values, given[line.values["customer"]], customers) for line in batch]


def _customers(session: Session, given: Mapping[str, str | None]) -> dict[str, int]:
    """External id, or number in E.164, -> customer; a number that several have names nobody."""
    by_id = select(col(Customer.external_id), col(Customer.id)).where(col(Customer.external_id).in_([*given]))
    found: dict[str, int] = {}
    holders: dict[str, set[int]] = {}
    wanted = [number for number in given.values() if number]
    by_number = select(col(CustomerNumber.e164), col(CustomerNumber.customer_id)).where(
        col(CustomerNumber.e164).in_(wanted)
    )
    for number, customer in _pairs(session, by_number):
        holders.setdefault(number, set()).add(customer)
    found.update({number: next(iter(who)) for number, who in holders.items() if len(who) == 1})
    found.update(_pairs(session, by_id))
    return found


def _pairs(session: Session, query: Any) -> Iterable[tuple[str, Any]]:
    return [(str(name), value) for name, value in session.execute(query).all()]


def _row(said: Mapping[str, Any], number: str | None, customers: Mapping[str, int]) -> dict[str, Any]:
    answered = said["outcome"] == "answered"
    arrived, behind = said["arrived"], timedelta(seconds=said["waited"])
    known = customers.get(said["customer"])
    return {
        **_USUAL,
        "id": said["id"],
        "caller": "" if known else number or said["customer"],
        "customer_id": known or customers.get(number or ""),
        "queue": said["queue"],
        "agent": said["agent"] if answered else "",
        "last_agent": said["agent"] if answered else "",
        "started_at": arrived,
        "queued_at": arrived,
        "answered_at": arrived + behind if answered else None,
        "ended_at": arrived + behind + timedelta(seconds=said["talked"]),
        "outcome": said["outcome"],
        "ended_by": "" if answered or said["outcome"] == "deflected" else "customer",
        "waited": said["waited"],
        "talk": said["talked"],
        "imported": True,
    }


def _count(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """The rows that figures are counted from; those of an earlier import of the same calls go."""
    ids = [row["id"] for row in rows]
    for table in (QueueVisit, AgentWork):
        session.execute(delete(table).where(col(table.call_id).in_(ids)))
    levels = dict(_pairs(session, select(col(QueueRow.name), col(QueueRow.service_level))))
    db.put(
        session, QueueVisit, [_visit(row, levels.get(row["queue"], Queue("").service_level)) for row in rows]
    )
    talks = [
        visits.work(
            row["id"], row["agent"], "talk", row["ended_at"], row["queue"], _slot(row),
            first=True, past=True, talk_ms=visits.in_ms(row["talk"]),
        )
        for row in rows if row["outcome"] == "answered"
    ]  # fmt: skip
    db.put(session, AgentWork, talks)


def _visit(row: Mapping[str, Any], target: float) -> dict[str, Any]:
    answered = row["outcome"] == "answered"
    return {
        "call_id": row["id"],
        "queue": row["queue"],
        "slot": _slot(row),
        "offered_at": row["queued_at"],
        "outcome": life.counted(row["outcome"]),
        "waited_ms": visits.in_ms(row["waited"]),
        "within": answered and row["waited"] <= target,
        "agent": row["agent"],
    }


def _slot(row: Mapping[str, Any]) -> int:
    return visits.slot_of(row["queued_at"].timestamp())


_USUAL = {
    name: made.get_default(call_default_factory=True)
    for name, made in Call.model_fields.items()
    if not made.is_required()
}
