"""Customers from a file: good lines go in, each bad one to `FILE.rejected.csv` with its line, field and reason.

A line that names a known `external_id`, else a number that exactly one customer has, updates that customer; an empty
cell leaves what is stored and `-` empties it; numbers are added, never taken away. So a file may be imported again,
also the corrected rejects. SQLite has one writer: what is written at once takes at most about 50 ms.
"""

import codecs
import csv
import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import Engine, insert, select, update
from sqlmodel import Session, col

from callcenter import db
from callcenter.customers import columns, numbers
from callcenter.customers.columns import BadCell
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput

LONGEST_WRITE = 0.05
"""Seconds that one transaction aims to stay under."""
FIRST_BATCH, LARGEST_BATCH = 20, 500
SHOWN_REJECTS = 100
_LONGEST_CELL = 1_000_000


@dataclass(frozen=True, slots=True)
class Rejection:
    """`line` counts from 1, the heading included; `field` is our column's name, empty when the whole line is wrong."""

    line: int
    field: str
    reason: str


@dataclass
class Outcome:
    """`lines` without the heading = added + updated + rejected. `rejections` holds the first 100."""

    lines: int = 0
    added: int = 0
    updated: int = 0
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    ignored_columns: list[str] = field(default_factory=list)
    rejected_file: Path | None = None

    def sentences(self) -> list[str]:
        """For the person who imported."""
        said = [f"{self.lines} lines: {self.added} added, {self.updated} updated, {self.rejected} rejected."]
        if self.ignored_columns:
            said.append(f"Columns that were not read: {', '.join(self.ignored_columns)}.")
        said += [f"Line {one.line}, {one.field or 'whole line'}: {one.reason}" for one in self.rejections]
        if self.rejected > len(self.rejections):
            said.append(f"... and {self.rejected - len(self.rejections)} more.")
        if self.rejected_file:
            said.append(
                f"Rejected lines are in {self.rejected_file}; correct them there and import that file."
            )
        return said


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its number, the cells as they stood, and what they mean."""

    number: int
    cells: list[str]
    values: dict[str, Any]

    @property
    def keys(self) -> set[str]:
        """What it is recognised by."""
        return {f"id {self.values.get('external_id')}", *self.values["numbers"]} - {"id None"}


Progress = Callable[[Outcome], None]


class Shown:
    """Progress on a terminal, once a second."""

    def __init__(self, terminal: TextIO) -> None:
        self.terminal = terminal
        self.next = time.monotonic() + 1

    def __call__(self, outcome: Outcome) -> None:
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + 1
            self.terminal.write(f"{outcome.lines} lines read, {outcome.rejected} rejected ...\n")


def import_customers(
    engine: Engine, path: Path, country: str, now: datetime, progress: Progress = lambda outcome: None
) -> Outcome:
    """Import a CSV file in UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030; `,` `;` or tab between cells.

    `country` reads numbers without `+` where the line names none. Raises InvalidInput when the heading has no `name`
    and no `number`, or names a column twice; OSError when the file cannot be read. `progress` is called after each batch.
    """
    outcome = Outcome()
    with path.open(encoding=encoding(path), newline="") as file:
        rows = _rows(file)
        head = next(rows, (1, []))[1]
        fields = _fields(head, outcome)
        with _Rejects(path, head, outcome) as rejects:
            lines = _lines(rows, fields, country, outcome, rejects)
            for batch in _batches(lines, size := _Size()):
                began = time.monotonic()
                refused = _write(engine, batch, now, outcome)
                size.took(len(batch), time.monotonic() - began)
                for line, wrong in refused:
                    rejects.add(line.number, line.cells, wrong.field, str(wrong))
                progress(outcome)
    return outcome


def encoding(path: Path) -> str:
    """The encoding that reads the whole file; GB18030, which every Chinese Excel writes, when it is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        file.seek(0)
        try:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "gb18030"
    return "utf-8-sig"


class _Size:
    """How many lines a transaction takes: learned, so that it stays under LONGEST_WRITE."""

    def __init__(self) -> None:
        self.lines = FIRST_BATCH

    def took(self, lines: int, seconds: float) -> None:
        affordable = int(lines * 0.7 * LONGEST_WRITE / max(seconds, 1e-4))
        self.lines = max(1, min(affordable, 2 * self.lines, LARGEST_BATCH))


class _Rejects:
    """`FILE.rejected.csv`: the cells as they stood, then line, field and reason; made with its first line."""

    def __init__(self, path: Path, head: list[str], outcome: Outcome) -> None:
        self.path = path.with_name(f"{path.stem}.rejected.csv")
        self.head, self.outcome = head, outcome
        self.file: Any = None

    def __enter__(self) -> "_Rejects":
        return self

    def __exit__(self, *_error: object) -> None:
        if self.file:
            self.file.close()

    def add(self, line: int, cells: Sequence[str], field: str, reason: str) -> None:
        if self.file is None:
            # With a BOM: the spreadsheet that people correct it in must show Chinese.
            self.file = self.path.open("w", encoding="utf-8-sig", newline="")
            self.writer = csv.writer(self.file)
            self.writer.writerow([*self.head, "rejected line", "rejected field", "rejected reason"])
            self.outcome.rejected_file = self.path
        padding = [""] * (len(self.head) - len(cells))
        self.writer.writerow([*cells, *padding, line, field, reason])
        self.outcome.rejected += 1
        if len(self.outcome.rejections) < SHOWN_REJECTS:
            self.outcome.rejections.append(Rejection(line, field, reason))


def _rows(file: Any) -> Iterator[tuple[int, list[str]]]:
    """Line number and cells of each row that is not empty; a row that CSV does not allow comes as its raw text."""
    csv.field_size_limit(_LONGEST_CELL)
    first = file.readline()
    taken: list[str] = []

    def source() -> Iterator[str]:
        for text in itertools.chain([first], file):
            taken.append(text)
            yield text

    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(source(), delimiter=delimiter, strict=False)
    at = 1
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = ["".join(taken)[:_LONGEST_CELL]]
        if any(cell.strip() for cell in cells):
            yield at, cells
        at = reader.line_num + 1


def _fields(head: Sequence[str], outcome: Outcome) -> list[str]:
    fields = columns.headings(head)
    outcome.ignored_columns = [
        name
        for name, known in zip(head, fields, strict=True)
        if not known and not name.startswith("rejected ")
    ]
    twice = {name for name in fields if name and fields.count(name) > 1}
    if twice:
        raise InvalidInput(f"The heading names {', '.join(sorted(twice))} twice.")
    if "name" not in fields and "number" not in fields:
        known = ", ".join(columns.ALIASES)
        raise InvalidInput(
            f"The first line must name the columns, at least name or number; known are {known}."
        )
    return fields


def _lines(
    rows: Iterable[tuple[int, list[str]]],
    fields: list[str],
    country: str,
    outcome: Outcome,
    rejects: _Rejects,
) -> Iterator[Line]:
    """Lines that can be understood; the others are rejected here."""
    for number, cells in rows:
        outcome.lines += 1
        if len(cells) > len(fields) and any(cell.strip() for cell in cells[len(fields) :]):
            rejects.add(number, cells, "", f"{len(cells)} cells under {len(fields)} headings")
            continue
        given = {name: cell for name, cell in zip(fields, cells, strict=False) if name}
        try:
            line = Line(number, cells[: len(fields)], columns.values(given, country))
        except BadCell as wrong:
            rejects.add(number, cells[: len(fields)], wrong.field, str(wrong))
            continue
        yield line


def _batches(lines: Iterable[Line], size: _Size) -> Iterator[list[Line]]:
    """Groups in which no two lines may mean the same customer, so that each is looked up once."""
    batch: list[Line] = []
    seen: set[str] = set()
    for line in lines:
        if batch and (len(batch) >= size.lines or seen & line.keys):
            yield batch
            batch, seen = [], set()
        batch.append(line)
        seen |= line.keys
    if batch:
        yield batch


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
    if not line.keys:
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
