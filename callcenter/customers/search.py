"""Customers are found by name, organisation, external id and number, also among a million."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from callcenter.customers import numbers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput

SHORTEST_END = 4
"""Last digits of a number by which somebody may be looked for."""
_NUMBER = re.compile(r"\+?[\d\s()/.\-]{4,}")


@dataclass(frozen=True, slots=True)
class Row:
    """A customer in a list; `numbers` are E.164."""

    id: int
    external_id: str
    name: str
    tier: str
    organisation: str
    region: str
    language: str
    numbers: list[str]
    warranty_ends: date | None
    do_not_call: bool


def search(
    session: Session, text: str, country: str, after: str = "", limit: int = 50
) -> tuple[list[Row], str]:
    """One page, the newest customer first, found by key; and what to give as `after`, empty on the last page.

    Digits are a number (whole, or its last four and more) or an external id; every other word must stand in the
    name, the organisation or the external id. Raises InvalidInput.
    """
    if after and not after.isdecimal():
        raise InvalidInput(after="is no end of a page")
    query = select(Customer).order_by(col(Customer.id).desc()).limit(limit + 1)
    if after:
        query = query.where(col(Customer.id) < int(after))
    for condition in _conditions(session, text.strip(), country):
        query = query.where(condition)
    found = list(session.exec(query))
    held = numbers_of(session, [row.id or 0 for row in found[:limit]])
    rows = [_row(row, held.get(row.id or 0, [])) for row in found[:limit]]
    return rows, str(rows[-1].id) if len(found) > limit else ""


def names(session: Session, ids: Iterable[int | None]) -> dict[int, str]:
    """Id -> name of those who are there."""
    wanted = {id_ for id_ in ids if id_}
    if not wanted:
        return {}
    columns: Any = select(Customer.id, Customer.name).where(col(Customer.id).in_(wanted))
    found: dict[int, str] = dict(session.execute(columns).all())
    return found


def numbers_of(session: Session, ids: Iterable[int]) -> dict[int, list[str]]:
    """Customer -> numbers as E.164, in the order they were added."""
    held: dict[int, list[str]] = {}
    wanted = select(CustomerNumber).where(col(CustomerNumber.customer_id).in_(list(ids)))
    for number in session.exec(wanted.order_by(col(CustomerNumber.id))):
        held.setdefault(number.customer_id, []).append(number.e164)
    return held


def _conditions(session: Session, text: str, country: str) -> list[Any]:
    if not text:
        return []
    digits = re.sub(r"\D", "", text)
    if _NUMBER.fullmatch(text) and len(digits) >= SHORTEST_END:
        return [
            or_(
                col(Customer.id).in_(_holders(session, text, digits, country)),
                col(Customer.external_id) == text,
            )
        ]
    if session.exec(select(Customer.id).where(Customer.external_id == text)).first() is not None:
        return [col(Customer.external_id) == text]  # on its index; nothing else is looked through
    like = "ilike" if session.get_bind().dialect.name == "postgresql" else "like"  # SQLite's LIKE folds case
    fields = (col(Customer.name), col(Customer.organisation), col(Customer.external_id))
    return [
        or_(*(getattr(field, like)(_holding(word), escape="\\") for field in fields)) for word in text.split()
    ]


def _holders(session: Session, text: str, digits: str, country: str) -> list[int]:
    """Whose number it is; else whose number ends so; a few hundred at most."""
    found = select(CustomerNumber.customer_id).limit(500)
    known = numbers.e164(text, country)
    if known:
        exact = list(session.exec(found.where(CustomerNumber.e164 == known)))
        if exact:
            return exact
    if len(digits) >= numbers.TAIL:
        return list(session.exec(found.where(CustomerNumber.tail == digits[-numbers.TAIL :])))
    return list(session.exec(found.where(col(CustomerNumber.tail).like(f"%{digits}"))))


def _holding(word: str) -> str:
    escaped = re.sub(r"([%_\\])", r"\\\1", word)
    return f"%{escaped}%"


def _row(customer: Customer, held: list[str]) -> Row:
    return Row(
        id=customer.id or 0,
        external_id=customer.external_id or "",
        name=customer.name,
        tier=customer.tier,
        organisation=customer.organisation,
        region=customer.region,
        language=customer.language,
        numbers=held,
        warranty_ends=customer.warranty_ends,
        do_not_call=customer.do_not_call,
    )
