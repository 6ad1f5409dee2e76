"""Reports as files. A cell of text is never a formula."""

import csv
import io
from collections.abc import Sequence

Cell = str | int | float | None
_RISKY = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at a cell's beginning (OWASP, CSV injection)."""
BOM = "\ufeff"
"""Tells a spreadsheet that the bytes are UTF-8."""


def as_csv(rows: Sequence[Sequence[Cell]]) -> bytes:
    """UTF-8 with a byte order mark; text that could be a formula stands behind an apostrophe."""
    out = io.StringIO()
    csv.writer(out).writerows([_safe(cell) for cell in row] for row in rows)
    return (BOM + out.getvalue()).encode()


def _safe(cell: Cell) -> str | int | float:
    if isinstance(cell, str) and cell.startswith(_RISKY):
        return f"'{cell}"
    return "" if cell is None else cell
