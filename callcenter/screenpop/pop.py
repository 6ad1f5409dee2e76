"""A number -> what the agent sees, and what the conductor needs to know.

Few queries that select columns, each on an index, so that a pop is there with the ring among a million customers.
Nothing is written here: an unknown caller leaves no record.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from sqlmodel import Session

from callcenter import db
from callcenter.customers import numbers
from callcenter.screenpop import history, queries
from callcenter.screenpop.history import (
    CallbackItem,
    CallItem,
    Complaint,
    MessageItem,
    PromiseItem,
    SurveyItem,
    TimelineItem,
)
from callcenter.screenpop.match import Candidate, Kind, match
from callcenter.settings import SPOKEN


@dataclass(frozen=True, slots=True)
class Caller:
    """What routing needs. Zero and empty when unknown; `language` is spoken: en, cmn or yue.

    `owner` is the user name of the owner of the most severe open complaint, `ticket` its id; `last` of who spoke with
    this number last. Of a number that several
    share, nobody is bound: `customer` and `ticket` are 0, only the owner is proposed. `places`: (queue, seconds since
    1970) in which a place is kept for a callback.
    """

    customer: int = 0
    tier: str = ""
    language: str = "en"
    owner: str = ""
    ticket: int = 0
    last: str = ""
    places: tuple[tuple[str, float], ...] = ()


_STORED = (
    "id",
    "external_id",
    "name",
    "tier",
    "organisation",
    "region",
    "language",
    "spoken",
    "zone",
    "email",
    "address",
    "note",
    "do_not_call",
    "warranty_ends",
    "contract_ends",
    "version",
)


@dataclass(frozen=True, slots=True)
class CustomerCard:
    """The bound customer as stored. Expired means before the customer's local date."""

    id: int
    external_id: str
    name: str
    tier: str
    organisation: str
    region: str
    language: str
    spoken: str
    zone: str
    email: str
    address: str
    note: str
    do_not_call: bool
    warranty_ends: date | None
    contract_ends: date | None
    version: int
    warranty_expired: bool
    contract_expired: bool


@dataclass(frozen=True, slots=True)
class Pop:
    """`match`: known | several | guess | unknown | withheld; only known has a `customer`.

    `number` is E.164 when it is one, else as received, empty when withheld. `region` is proposed for a new complaint:
    the customer's, else the number's. `complaints` are open ones, worst and soonest due first; without a customer
    those that were logged for this number. `messages`: those that nobody has settled, the newest first. `calls_7_days`
    counts at most 50. Instants are aware, in UTC.
    """

    match: Kind
    number: str
    national: str
    withheld: bool
    region: str
    language: str
    spoken: str
    zone: str
    customer: CustomerCard | None = None
    choices: tuple[Candidate, ...] = ()
    complaints: tuple[Complaint, ...] = ()
    promises: tuple[PromiseItem, ...] = ()
    callbacks: tuple[CallbackItem, ...] = ()
    messages: tuple[MessageItem, ...] = ()
    last_calls: tuple[CallItem, ...] = ()
    calls_7_days: int = 0
    last_survey: SurveyItem | None = None
    timeline: tuple[TimelineItem, ...] = ()


def lookup(source: Session | Connection, number: str, country: str) -> Caller:
    """Who rings, by exact number: four queries. `country` is the trunk's; `number` may be empty or no number at all."""
    known = numbers.e164(number, country)
    if known is None:
        return Caller(language=numbers.spoken("", country))
    if isinstance(source, Session):
        source.flush()
    rows = queries.rows(source, queries.ROUTED, number=known)
    customers = {row.id: row for row in rows}
    found = history.open_owned(source, list(customers), known)
    worst = min(found, key=lambda one: (one.severity, one.received_at)) if found else None
    owner, ticket = (worst.owner, worst.id) if worst else ("", 0)
    default = numbers.spoken(known, country)
    last = next((row.agent for row in queries.rows(source, queries.LAST_AGENT, number=known)), "")
    alone = rows[0] if len(customers) == 1 else None
    kept = queries.rows(source, queries.PLACES, number=known, customer=alone.id if alone else None)
    places = tuple(sorted({row.queue: row.since.timestamp() for row in kept}.items()))
    if alone is not None:
        return Caller(alone.id, alone.tier, _spoken(alone) or default, owner, ticket, last, places)
    return Caller(0, "", default, owner, 0 if customers else ticket, last, places)


def pop(
    session: Session,
    number: str,
    withheld: bool,
    country: str,
    customer_id: int | None = None,
    now: datetime | None = None,
    language: str = "en",
) -> Pop:
    """Everything the desk shows of a caller.

    `country` (of the trunk) reads the number; `customer_id` is whom somebody bound to the call already; `language` is
    the reader's, for the region's name. An id that is gone is treated as not given.
    """
    at = now or db.now()
    session.flush()
    known = None if withheld else numbers.e164(number, country)
    shown = "" if withheld else known or number
    chosen = queries.rows(session, queries.CUSTOMER, customer=customer_id) if customer_id else ()
    exact = _exact(session, known) if known else ()
    near = () if exact or chosen or withheld else _near(session, number)
    found = match(
        withheld, _candidates(session, exact), _candidates(session, near), chosen[0].id if chosen else 0
    )
    bound = next((row for row in (*chosen, *exact) if row.id == found.customer), None)
    card = _card(bound, shown, at) if bound else None
    past = history.of(session, card.id if card else 0, shown, at)
    return Pop(
        match=found.kind,
        number=shown,
        national=numbers.national(shown, country),
        withheld=withheld,
        region=(card.region if card else "") or numbers.region(shown, language),
        language=(card.language if card else "") or numbers.written(shown, country),
        spoken=(_spoken(card) if card else "") or numbers.spoken(shown, country),
        zone=(card.zone if card else "") or numbers.zone(shown) or "",
        customer=card,
        choices=found.choices,
        complaints=past.complaints,
        promises=past.promises,
        callbacks=past.callbacks,
        messages=past.messages,
        last_calls=past.calls,
        calls_7_days=past.calls_7_days,
        last_survey=past.survey,
        timeline=past.timeline,
    )


def _exact(session: Session, number: str) -> Sequence[Any]:
    return queries.rows(session, queries.EXACT, number=number)


def _near(session: Session, number: str) -> Sequence[Any]:
    tail = numbers.tail(number)
    return queries.rows(session, queries.NEAR, tail=tail) if tail else ()


def _candidates(session: Session, rows: Sequence[Any]) -> list[Candidate]:
    # Only a choice needs the counts; the one that is bound brings its complaints.
    counts = history.open_counts(session, [row.id for row in rows]) if len(rows) > 1 else {}
    return [
        Candidate(row.id, row.name, row.organisation, row.tier, row.e164, *counts.get(row.id, (0, 0)))
        for row in rows
    ]


def _spoken(row: Any) -> str:
    return row.spoken or SPOKEN.get(row.language, "")


def _card(row: Any, number: str, now: datetime) -> CustomerCard:
    today = now.astimezone(_zone(row.zone or numbers.zone(number) or "UTC")).date()
    return CustomerCard(
        **{name: getattr(row, name) for name in _STORED} | {"external_id": row.external_id or ""},
        warranty_expired=row.warranty_ends is not None and row.warranty_ends < today,
        contract_expired=row.contract_ends is not None and row.contract_ends < today,
    )


def _zone(name: str) -> ZoneInfo:
    """A zone that this system's tables lack must not cost the pop."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
