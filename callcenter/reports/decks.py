"""Reports as files: CSV for programs, XLSX for people. A cell of text is never a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter

from callcenter.reports.intervals import is_twice, wall

Cell = str | int | float | date | datetime | None
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at a cell's beginning (OWASP, CSV injection)."""
BOM = "\ufeff"
"""Tells a spreadsheet that the bytes are UTF-8."""

FORMS = {
    "text": "",
    "count": "#,##0",
    "number": "0.00",
    "share": "0.0%",
    "seconds": "[h]:mm:ss",
    "moment": "yyyy-mm-dd hh:mm",
    "day": "yyyy-mm-dd",
}
"""What a column holds -> how Excel shows it: a share is from 0 to 1; seconds become the days that Excel's durations are;
a moment stands there by the wall clock of the zone that it has."""
SECONDS_A_DAY = 86400
_WIDTHS = {"text": 24, "moment": 18, "day": 12}


@dataclass(frozen=True, slots=True)
class Column:
    """`form` of FORMS."""

    title: str
    form: str = "text"
    formula: str = ""


@dataclass(frozen=True, slots=True)
class Deck:
    """A report: each row has a cell for each column."""

    title: str
    columns: Sequence[Column]
    rows: Iterable[Sequence[Cell]]


def as_csv(deck: Deck) -> bytes:
    """UTF-8 with a byte order mark; shares from 0 to 1, seconds; text that could be a formula behind an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([_safe(column.title) for column in deck.columns])
    writer.writerows([_safe(cell) for cell in row] for row in deck.rows)
    return (BOM + out.getvalue()).encode()


def as_xlsx(deck: Deck) -> bytes:
    """One sheet: titles, their formulas in words, rows. A row is written to the disc and forgotten, so that memory does
    not grow with them."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        head = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        told = book.add_format({"italic": True, "text_wrap": True, "valign": "top", "font_color": "#595959"})
        formats = {name: book.add_format({"num_format": form or "@"}) for name, form in FORMS.items()}
        sheet.set_header(f"&L{_plain(deck.title)}")
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0, 1)
        sheet.freeze_panes(2, 1)
        for place, column in enumerate(deck.columns):
            sheet.set_column(place, place, _WIDTHS.get(column.form, 14))
            sheet.write_string(0, place, column.title, head)
        for place, column in enumerate(deck.columns):
            sheet.write_string(1, place, column.formula, told)
        for line, row in enumerate(deck.rows, 2):
            for place, (column, cell) in enumerate(zip(deck.columns, row, strict=True)):
                _write(sheet, line, place, cell, column.form, formats)
    return out.getvalue()


def _write(sheet: Any, line: int, place: int, cell: Cell, form: str, formats: dict[str, Any]) -> None:
    """By the type of the value: what is text is written as text, whatever it begins with."""
    match cell:
        case None:
            return
        case datetime() if not is_twice(cell):
            # Excel knows no zones (ECMA-376, 18.17.4): the wall clock's time.
            sheet.write_datetime(line, place, cell.replace(tzinfo=None), formats["moment"])
        case datetime():
            sheet.write_string(line, place, wall(cell), formats["text"])
        case date():
            sheet.write_datetime(line, place, cell, formats["day"])
        case str():
            sheet.write_string(line, place, cell, formats["text"])
        case _:
            value = cell / SECONDS_A_DAY if form == "seconds" else cell
            sheet.write_number(line, place, value, formats[form])


def _plain(title: str) -> str:
    """`&` begins a command in a page's header; 255 characters are all that it holds."""
    return title.replace("&", "&&")[:200]


def _safe(cell: Cell) -> str | int | float:
    match cell:
        case None:
            return ""
        case datetime():
            return wall(cell)
        case date():
            return cell.isoformat()
        case str() if cell.startswith(_RISKY):
            return f"'{cell}"
    return cell
