"""Customers from a file: good lines go in, each bad one to `FILE.rejected.csv` with its line, field and reason.

A line that names a known `external_id`, else a number that exactly one customer has, updates that customer; an empty
cell leaves what is stored and `-` empties it; numbers are added, never taken away. So a file may be imported again,
also the corrected rejects. SQLite has one writer: what is written at once takes at most about 50 ms.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, insert, select, update
from sqlmodel import Session, col

from callcenter import db, sheets
from callcenter.customers import columns, numbers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput
from callcenter.sheets import BadCell, Line, Outcome, Progress


def import_customers(
    engine: Engine, path: Path, country: str, now: datetime, progress: Progress = lambda outcome: None
) -> Outcome:
    """Import a file of customers (`sheets.take_in`, with its errors).

    `country` reads numbers without `+` where the line names none. Raises InvalidInput also when the heading has no
    `name` and no `number`.
    """
    return sheets.take_in(path, _Customers(engine, country, now), progress)


@dataclass(frozen=True, slots=True)
class _Customers:
    """A line a customer."""

    engine: Engine
    country: str
    now: datetime

    def fields(self, head: Sequence[str]) -> list[str]:
        fields = columns.headings(head)
        if "name" not in fields and "number" not in fields:
            known = ", ".join(columns.ALIASES)
            raise InvalidInput(
                f"The first line must name the columns, at least name or number; known are {known}."
            )
        return fields

    def values(self, cells: Mapping[str, str]) -> dict[str, Any]:
        return columns.values(cells, self.country)

    def keys(self, line: Line) -> set[str]:
        return _keys(line)

    def write(self, batch: list[Line], outcome: Outcome) -> list[tuple[Line, BadCell]]:
        return _write(self.engine, batch, self.now, outcome)


def _keys(line: Line) -> set[str]:
    return {f"id {line.values.get('external_id')}", *line.values["numbers"]} - {"id None"}


def _write(engine: Engine, batch: list[Line], now: datetime, outcome: Outcome) -> list[tuple[Line, BadCell]]:
    """One transaction; the lines that the record refuses, with the reason."""
    refused: list[tuple[Line, BadCell]] = []
    new: list[Line] = []
    wanted: list[tuple[int, str]] = []
    with db.write(engine) as session:
        known = _Known(session, batch)
        for line in batch:
            try:
                customer = known.customer(line)
                if customer is None:
                    _require_identity(line)
            except BadCell as wrong:
                refused.append((line, wrong))
                continue
            if customer is None:
                new.append(line)
            else:
                _update(session, customer, line)
                wanted += [(customer, number) for number in line.values["numbers"]]
        for line, customer in zip(new, _insert(session, new, now), strict=True):
            wanted += [(customer, number) for number in line.values["numbers"]]
        _add_numbers(session, [pair for pair in wanted if pair not in known.pairs])
    outcome.added += len(new)
    outcome.updated += len(batch) - len(new) - len(refused)
    return refused


class _Known:
    """The customers that a batch may mean, found by two queries."""

    def __init__(self, session: Session, batch: list[Line]) -> None:
        ids = [line.values["external_id"] for line in batch if line.values.get("external_id")]
        found = select(Customer.external_id, Customer.id).where(col(Customer.external_id).in_(ids))  # type: ignore[call-overload]
        self.by_id: dict[str, int] = dict(session.execute(found).all()) if ids else {}
        listed = {number for line in batch for number in line.values["numbers"]}
        self.by_number: dict[str, list[tuple[int, str, str | None]]] = {}
        for number, *customer in session.execute(_holders(listed)) if listed else ():
            self.by_number.setdefault(number, []).append(tuple(customer))
        self.pairs = {(holder[0], number) for number, holders in self.by_number.items() for holder in holders}

    def customer(self, line: Line) -> int | None:
        """Whom the line updates, None for a new one. BadCell when a number is several customers'."""
        external = line.values.get("external_id")
        if external in self.by_id:
            return self.by_id[external]
        holders = {holder for number in line.values["numbers"] for holder in self.by_number.get(number, ())}
        if external:
            # A customer who came without an id gets it, when number and name agree.
            same = [one for one in holders if one[2] is None and one[1] == line.values.get("name")]
            return same[0][0] if len(same) == 1 else None
        if len(holders) > 1:
            names = ", ".join(sorted(holder[1] for holder in holders))
            raise BadCell("number", f"is the number of several customers ({names}): give the external_id")
        return next(iter(holders))[0] if holders else None


def _holders(listed: Iterable[str]) -> Any:
    return (
        select(CustomerNumber.e164, Customer.id, Customer.name, Customer.external_id)  # type: ignore[call-overload]
        .join(Customer, col(Customer.id) == CustomerNumber.customer_id)
        .where(col(CustomerNumber.e164).in_(listed))
    )


def _require_identity(line: Line) -> None:
    if not line.values.get("name"):
        raise BadCell("name", "a new customer needs a name")
    if not _keys(line):
        raise BadCell("number", "give a number or an external_id, by which the customer is recognised again")


def _update(session: Session, customer: int, line: Line) -> None:
    changed = {name: value for name, value in line.values.items() if name != "numbers"}
    if changed:
        row = update(Customer).where(col(Customer.id) == customer)
        session.execute(row.values(**changed, version=Customer.version + 1))


def _insert(session: Session, lines: list[Line], now: datetime) -> list[int]:
    """Ids in the order of the lines."""
    if not lines:
        return []
    stored = [name for name in columns.ALIASES if name in Customer.model_fields]
    empty = {name: Customer.model_fields[name].get_default() for name in stored if name != "name"}
    rows = [
        {
            **empty,
            **{name: value for name, value in line.values.items() if name != "numbers"},
            "created_at": now,
        }
        for line in lines
    ]
    made = insert(Customer).returning(Customer.id, sort_by_parameter_order=True)  # type: ignore[call-overload]
    return list(session.execute(made, rows).scalars())


def _add_numbers(session: Session, pairs: Sequence[tuple[int, str]]) -> None:
    rows = [
        {"customer_id": customer, "e164": number, "tail": numbers.tail(number), "label": ""}
        for customer, number in dict.fromkeys(pairs)
    ]
    if rows:
        session.execute(insert(CustomerNumber), rows)
