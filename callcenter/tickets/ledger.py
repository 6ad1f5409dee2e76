"""The ledger (台账): every complaint that a filter lets through, page by page or as one file."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, BaseModel, ConfigDict
from sqlalchemy import Select, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func

from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput
from callcenter.people.models import User
from callcenter.tickets import search as words
from callcenter.tickets.models import Ticket
from callcenter.tickets.rules import OPEN, STATES

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""Where a complaint without a due time sorts."""
CSV_PAGE = 500
_RISKY = ("=", "+", "-", "@", "\t", "\r")

_owner, _responder = aliased(User), aliased(User)


class Filters(BaseModel):
    """`state`: one of the states, or `open`. `owner`, `first_responder`: user names. `since`, `until`: receipt."""

    model_config = ConfigDict(extra="forbid")

    text: str = ""
    state: str = ""
    owner: str = ""
    first_responder: str = ""
    kind: str = ""
    type: str = ""
    region: str = ""
    severity: int | None = None
    overdue: bool = False
    customer_id: int | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    sort: Literal["received", "due", "severity", "number"] = "received"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the ledger. Instants are UTC."""

    id: int
    number: str
    state: str
    kind: str
    type: str
    region: str
    severity: int
    wants: str
    customer_id: int | None
    customer_name: str
    contact_number: str
    owner: str
    first_responder: str
    received_at: datetime
    due_at: datetime | None
    overdue: bool
    level: int
    cycle: int
    score: int
    closed_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Page:
    """`next`: what to give as `after` for the next page; empty on the last."""

    rows: list[Row]
    next: str


def search(session: Session, filters: Filters, now: datetime, after: str = "", limit: int = 50) -> Page:
    """One page, found by key and not by offset: the last page costs what the first does. Raises InvalidInput."""
    rows, more = _page(session, filters, now, after, max(1, min(limit, CSV_PAGE)))
    return Page(rows, _key(filters, rows[-1]) if more else "")


def count(session: Session, filters: Filters, now: datetime) -> int:
    """How many complaints the filter lets through."""
    query = _filtered(select(func.count(col(Ticket.id))), filters, now)
    return int(session.execute(query).scalar_one())


def rows_csv(
    session: Session,
    filters: Filters,
    now: datetime,
    zone: ZoneInfo,
    headings: Sequence[str] | None = None,
) -> Iterator[str]:
    """The whole selection as CSV (RFC 4180) in pieces: first a BOM, so that spreadsheets read UTF-8, and headings.

    Instants are ISO 8601 in `zone`. A cell that a spreadsheet would run as a formula begins with an apostrophe.
    """
    names = [field.name for field in fields(Row) if field.name not in ("customer_id", "version")]
    yield "\ufeff" + _line(headings or names)
    after = ""
    while True:
        page = search(session, filters, now, after, CSV_PAGE)
        if page.rows:
            yield "".join(_line([_cell(getattr(row, name), zone) for name in names]) for row in page.rows)
        if not page.next:
            return
        after = page.next


def _page(
    session: Session, filters: Filters, now: datetime, after: str, limit: int
) -> tuple[list[Row], bool]:
    key = _sort_key(filters)
    columns: Any = select(Ticket, Customer.name, _owner.name, _responder.name)  # type: ignore[call-overload]
    query = (
        _filtered(columns, filters, now)
        .outerjoin(Customer, col(Customer.id) == Ticket.customer_id)
        .order_by(*((key.desc(), col(Ticket.id).desc()) if filters.descending else (key, col(Ticket.id))))
        .limit(limit + 1)
    )
    if after:
        here, there = tuple_(key, col(Ticket.id)), tuple_(*_parse(filters, after))
        query = query.where(here < there if filters.descending else here > there)
    rows = [_row(now, *found) for found in session.execute(query)]
    return rows[:limit], len(rows) > limit


def _filtered(query: Select[Any], filters: Filters, now: datetime) -> Select[Any]:
    query = (
        query.select_from(Ticket)
        .join(_owner, _owner.id == Ticket.owner_id)  # type: ignore[arg-type]
        .join(_responder, _responder.id == Ticket.first_responder_id)  # type: ignore[arg-type]
    )
    exact: list[tuple[Any, Any]] = [
        (_owner.name, filters.owner),
        (_responder.name, filters.first_responder),
        (Ticket.kind, filters.kind),
        (Ticket.type, filters.type),
        (Ticket.region, filters.region),
        (Ticket.severity, filters.severity),
        (Ticket.customer_id, filters.customer_id),
    ]
    for column, value in exact:
        if value:
            query = query.where(column == value)
    if filters.state and filters.state not in ("open", *STATES):
        raise InvalidInput(state="there is no such state")
    if filters.state:
        query = query.where(col(Ticket.state).in_(OPEN if filters.state == "open" else (filters.state,)))
    if filters.overdue:
        query = query.where(col(Ticket.due_at) <= now, col(Ticket.state).in_(OPEN))
    if filters.since:
        query = query.where(col(Ticket.received_at) >= filters.since)
    if filters.until:
        query = query.where(col(Ticket.received_at) < filters.until)
    return words.matching(query, filters.text)


def _sort_key(filters: Filters) -> Any:
    if filters.sort == "received":
        return col(Ticket.received_at)
    if filters.sort == "severity":
        return col(Ticket.severity)
    if filters.sort == "due":
        return func.coalesce(col(Ticket.due_at), NEVER, type_=Ticket.due_at.type)  # type: ignore[union-attr]
    return col(Ticket.id)


def _key(filters: Filters, row: Row) -> str:
    """Where a page ended: sort value and id."""
    value: str | int = row.id
    if filters.sort == "received":
        value = row.received_at.isoformat()
    elif filters.sort == "severity":
        value = row.severity
    elif filters.sort == "due":
        value = (row.due_at or NEVER).isoformat()
    return f"{value}~{row.id}"


def _parse(filters: Filters, after: str) -> tuple[Any, int]:
    try:
        value, id_ = after.rsplit("~", 1)
        if filters.sort in ("received", "due"):
            at = datetime.fromisoformat(value.replace(" ", "+"))
            return (at if at.tzinfo else at.replace(tzinfo=UTC)), int(id_)
        return int(value), int(id_)
    except ValueError:
        raise InvalidInput(after="is no end of a page") from None


def _row(now: datetime, ticket: Any, customer: str | None, owner: str, responder: str) -> Row:
    return Row(
        id=ticket.id,
        number=ticket.number,
        state=ticket.state,
        kind=ticket.kind,
        type=ticket.type,
        region=ticket.region,
        severity=ticket.severity,
        wants=ticket.wants,
        customer_id=ticket.customer_id,
        customer_name=customer or "",
        contact_number=ticket.contact_number,
        owner=owner,
        first_responder=responder,
        received_at=ticket.received_at,
        due_at=ticket.due_at,
        overdue=ticket.due_at is not None and ticket.due_at <= now and ticket.state in OPEN,
        level=ticket.level,
        cycle=ticket.cycle,
        score=ticket.score,
        closed_at=ticket.closed_at,
        version=ticket.version,
    )


def _cell(value: Any, zone: ZoneInfo) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(value, bool):
        return "1" if value else "0"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_RISKY) else text


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
