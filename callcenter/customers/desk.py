"""Customers as people at a desk keep them: made for a new caller, corrected, given another number."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from callcenter.customers import columns, numbers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput, NotFound, Stale
from callcenter.sheets import BadCell

LONGEST_LABEL = 40


def find(session: Session, customer_id: int) -> Customer:
    """Raises NotFound."""
    customer = session.get(Customer, customer_id)
    if customer is None:
        raise NotFound
    return customer


def numbers_of(session: Session, customer_id: int) -> list[CustomerNumber]:
    """In the order they were added."""
    held = select(CustomerNumber).where(CustomerNumber.customer_id == customer_id)
    return list(session.exec(held.order_by(col(CustomerNumber.id))))


def create(session: Session, given: Mapping[str, Any], country: str, now: datetime) -> Customer:
    """A new customer; `given` holds columns of the record and `number`. Raises InvalidInput, each wrong field named."""
    found = _checked(given, allowed=frozenset({"number"}))
    if not found.get("name"):
        raise InvalidInput(name="a new customer needs a name")
    raw = str(given.get("number") or "").strip()
    number = _number(raw, country) if raw else ""
    _refuse_twin(session, str(found["name"]), number)
    _refuse_taken_id(session, found.get("external_id"), 0)
    customer = Customer(**found, created_at=now)
    session.add(customer)
    session.flush()
    if number:
        _hold(session, customer, number, "")
    return customer


def change(session: Session, customer_id: int, given: Mapping[str, Any], version: int) -> Customer:
    """Set the columns that are given; an empty one empties it. Raises NotFound, Stale, InvalidInput."""
    customer = _take(session, customer_id, version)
    found = _checked(given)
    _refuse_taken_id(session, found.get("external_id"), customer_id)
    for field, value in found.items():
        setattr(customer, field, value)
    customer.version += 1
    session.add(customer)
    return customer


def customer_of(session: Session, e164: str) -> int | None:
    """The one customer who has this number; None when nobody or several have it."""
    held = select(CustomerNumber.customer_id).where(CustomerNumber.e164 == e164).distinct().limit(2)
    found = session.exec(held).all()
    return found[0] if len(found) == 1 else None


def add_number(session: Session, customer_id: int, raw: str, label: str, country: str) -> CustomerNumber:
    """Another number; one that is there already gets the label. Others may have it too: then the pop asks who rings.

    Raises NotFound, InvalidInput.
    """
    customer = session.get(Customer, customer_id, populate_existing=True, with_for_update=True)
    if customer is None:
        raise NotFound
    if len(label) > LONGEST_LABEL:
        raise InvalidInput(label=f"longer than {LONGEST_LABEL} characters")
    number = _number(raw, country)
    held = [one for one in numbers_of(session, customer_id) if one.e164 == number]
    if held:
        held[0].label = label or held[0].label
        session.add(held[0])
        return held[0]
    customer.version += 1
    session.add(customer)
    return _hold(session, customer, number, label)


def _take(session: Session, customer_id: int, version: int) -> Customer:
    customer = session.get(Customer, customer_id, populate_existing=True, with_for_update=True)
    if customer is None:
        raise NotFound
    if customer.version != version:
        raise Stale
    return customer


def _checked(given: Mapping[str, Any], allowed: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Column -> value. InvalidInput names every field that cannot be understood, and those that we do not have."""
    found, wrong = {}, {}
    for field, raw in given.items():
        if field in allowed:
            continue
        if field not in columns.FIELDS:
            wrong[field] = "there is no such field"
            continue
        try:
            found[field] = columns.value(field, "" if raw is None else str(raw))
        except BadCell as error:
            wrong[field] = str(error)
    if wrong:
        raise InvalidInput(**wrong)
    return found


def _number(raw: str, country: str) -> str:
    number = numbers.e164(raw, country)
    if number is None:
        raise InvalidInput(number=f"{raw!r} is no telephone number in {country}")
    return number


def _refuse_twin(session: Session, name: str, number: str) -> None:
    """The same name with the same number is the same customer: a form that was sent twice, or a second look."""
    if not number:
        return
    same = select(Customer.id).join(CustomerNumber, col(CustomerNumber.customer_id) == Customer.id)
    twin = session.exec(same.where(CustomerNumber.e164 == number, Customer.name == name)).first()
    if twin is not None:
        raise InvalidInput(number=f"{name} is on record with this number, as customer {twin}")


def _refuse_taken_id(session: Session, external_id: Any, customer_id: int) -> None:
    if not external_id:
        return
    holder = session.exec(select(Customer.id).where(Customer.external_id == external_id)).first()
    if holder is not None and holder != customer_id:
        raise InvalidInput(external_id=f"is that of customer {holder}")


def _hold(session: Session, customer: Customer, number: str, label: str) -> CustomerNumber:
    made = CustomerNumber(
        customer_id=customer.id or 0, e164=number, tail=numbers.tail(number), label=label.strip()
    )
    session.add(made)
    session.flush()
    return made
