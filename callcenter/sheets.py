"""Files that people make in a spreadsheet: encoding, headings and rows, lines that are sent back, the size of a write.

A bad line goes to `FILE.rejected.csv` with its line, field and reason, to be corrected there and given again. SQLite has
one writer: what is written at once takes at most about 50 ms.
"""

import codecs
import csv
import itertools
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TextIO

from callcenter.errors import InvalidInput

LONGEST_WRITE = 0.05
"""Seconds that one transaction aims to stay under."""
FIRST_BATCH, LARGEST_BATCH = 20, 500
SHOWN_REJECTS = 100
_LONGEST_CELL = 1_000_000


class BadCell(ValueError):
    """A cell that cannot be understood: `field` and, as text, why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


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


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its number, the cells as they stood, and what they mean."""

    number: int
    cells: list[str]
    values: dict[str, Any]


class Sheet(Protocol):
    """What a file of one kind means."""

    def fields(self, head: Sequence[str]) -> list[str]:
        """Our column for each heading, empty for one that is not read. InvalidInput when a needed one is missing."""
        ...

    def values(self, cells: Mapping[str, str]) -> dict[str, Any]:
        """What the cells of a line say. BadCell names the first wrong one."""
        ...

    def keys(self, line: Line) -> set[str]:
        """What the line is recognised by: no two lines of a batch share any."""
        ...

    def write(self, batch: list[Line], outcome: Outcome) -> list[tuple[Line, BadCell]]:
        """One transaction; counts what was added and updated, returns the lines that the record refuses."""
        ...


def take_in(path: Path, sheet: Sheet, progress: Progress = lambda outcome: None) -> Outcome:
    """Import a file in UTF-8 (with or without BOM), UTF-16 with BOM, or GB18030; `,` `;` or tab between cells.

    Raises InvalidInput when the heading names a column twice or lacks one; OSError when the file cannot be read.
    `progress` is called after each batch.
    """
    outcome = Outcome()
    with path.open(encoding=encoding(path), newline="") as file:
        rows = _rows(file)
        head = next(rows, (1, []))[1]
        fields = _fields(head, sheet, outcome)
        with _Rejects(path, head, outcome) as rejects:
            lines = _lines(rows, fields, sheet, outcome, rejects)
            for batch in _batches(lines, sheet, size := _Size()):
                began = time.monotonic()
                refused = sheet.write(batch, outcome)
                size.took(len(batch), time.monotonic() - began)
                for line, wrong in refused:
                    rejects.add(line.number, line.cells, wrong.field, str(wrong))
                progress(outcome)
    return outcome


def plain(text: str) -> str:
    """A heading or a word as it is compared: case, spaces, `_`, `-`, a trailing `*` or `:` do not matter."""
    return re.sub(r"[\s_\-*:：（）()]+", "", text).lower()


def by_heading(aliases: Mapping[str, str]) -> dict[str, str]:
    """Plain heading -> column, from column -> its other headings, separated by commas."""
    return {
        plain(heading): column
        for column, others in aliases.items()
        for heading in (column, *others.split(","))
    }


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


def _fields(head: Sequence[str], sheet: Sheet, outcome: Outcome) -> list[str]:
    fields = sheet.fields(head)
    outcome.ignored_columns = [
        name
        for name, known in zip(head, fields, strict=True)
        if not known and not name.startswith("rejected ")
    ]
    twice = {name for name in fields if name and fields.count(name) > 1}
    if twice:
        raise InvalidInput(f"The heading names {', '.join(sorted(twice))} twice.")
    return fields


def _lines(
    rows: Iterable[tuple[int, list[str]]],
    fields: list[str],
    sheet: Sheet,
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
            line = Line(number, cells[: len(fields)], sheet.values(given))
        except BadCell as wrong:
            rejects.add(number, cells[: len(fields)], wrong.field, str(wrong))
            continue
        yield line


def _batches(lines: Iterable[Line], sheet: Sheet, size: _Size) -> Iterator[list[Line]]:
    """Groups in which no two lines mean the same row, so that each is looked up once."""
    batch: list[Line] = []
    seen: set[str] = set()
    for line in lines:
        keys = sheet.keys(line)
        if batch and (len(batch) >= size.lines or seen & keys):
            yield batch
            batch, seen = [], set()
        batch.append(line)
        seen |= keys
    if batch:
        yield batch
