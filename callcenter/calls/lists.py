"""Calls in lists, and what happened in one of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Select, func, tuple_
from sqlmodel import Session, col, select

from callcenter import events, messages
from callcenter.calls import considered
from callcenter.calls.models import Call, CallEvent
from callcenter.errors import InvalidInput, NotFound

LIVE = "live"
"""Asked for as an outcome: the call has not ended."""


@dataclass(frozen=True, slots=True)
class Filters:
    """`caller` is E.164 or as received. `since` and `until` bound the beginning. Empty and None let everything through."""

    queue: str = ""
    agent: str = ""
    outcome: str = ""
    kind: str = ""
    caller: str = ""
    customer_id: int = 0
    ticket_id: int = 0
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Happening:
    """One public event of a call: `entry` is its id in the stream, `told` its other fields."""

    entry: str
    type: str
    at: datetime
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offer:
    """To whom the call was offered and what came of it. `outcome` as in `OfferEnded`, empty while it rings."""

    offer: str
    agent: str
    at: datetime
    ended_at: datetime | None
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Considered:
    """Why a call did not go to an agent: `why` as in `RoutingDecided` without its values, empty for the chosen one;
    `until`: when that is over, None for no end. For several: their `number`, or their names in order (`agents`)."""

    agent: str
    why: str
    skill: str = ""
    level: int = 0
    until: datetime | None = None
    number: int = 1
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules decided for a call, and whom they looked at, in order; `more` are not named there, but in
    `everyone`. `counts`: how many for each reason. `before` and `places`: callers and kept places before it; `kept`: the
    call itself had not begun, its place was kept for a callback."""

    at: datetime
    queue: str
    agent: str
    why: str
    considered: tuple[Considered, ...]
    more: int
    counts: tuple[Considered, ...] = ()
    everyone: tuple[Considered, ...] = ()
    before: int = 0
    places: int = 0
    kept: bool = False


def page(session: Session, filters: Filters, after: str = "", limit: int = 50) -> tuple[list[Call], str]:
    """One page, the newest first, found by key; and what to give as `after` for the next one, empty on the last.

    Raises InvalidInput.
    """
    query = _filtered(select(Call), filters)
    query = query.order_by(col(Call.started_at).desc(), col(Call.id).desc()).limit(limit + 1)
    if after:
        query = query.where(tuple_(col(Call.started_at), col(Call.id)) < tuple_(*_key(after)))
    rows = list(session.execute(query).scalars())
    last = rows[limit - 1] if len(rows) > limit else None
    return rows[:limit], f"{last.started_at.isoformat()}~{last.id}" if last else ""


def outcomes(session: Session, filters: Filters) -> dict[str, int]:
    """How many calls of the selection ended how; `live` counts those that have not. Their sum is the selection."""
    counted: Counter[str] = Counter()
    for outcome, number in session.execute(
        _filtered(select(col(Call.outcome), func.count()), filters).group_by(col(Call.outcome))
    ):
        counted[outcome or LIVE] += number
    return dict(counted.most_common())


def find(session: Session, call_id: str) -> Call:
    """The record of a call. Raises NotFound."""
    call = session.get(Call, call_id)
    if call is None:
        raise NotFound
    return call


def ids_of_number(number: str) -> Any:
    """A query of the ids of all calls from or to this number, for what hangs on calls."""
    return select(Call.id).where((Call.caller == number) | (Call.called == number))


def happenings(session: Session, call_id: str, attempt: str = "") -> list[Happening]:
    """The call's public events in the order of the stream, with those of the attempt that it is of; those of a newer
    release as they stand there."""
    names = {call_id, attempt} - {""}
    rows = session.exec(select(CallEvent).where(col(CallEvent.call_id).in_(names))).all()
    return [
        Happening(row.entry, row.type, row.at, _told(row.body))
        for row in sorted(rows, key=lambda row: _order(row.entry))
    ]


def offers(told: list[Happening]) -> list[Offer]:
    """Every offer of a call, in order, from its events."""
    ended = {one.told["offer"]: one for one in told if one.type == "OfferEnded"}
    found = []
    for one in told:
        if one.type != "CallOffered":
            continue
        end = ended.get(one.told["offer"])
        seconds = (end.at - one.at).total_seconds() if end else 0.0
        outcome = str(end.told["outcome"]) if end else ""
        agent = str(one.told["agent"])
        found.append(Offer(one.told["offer"], agent, one.at, end.at if end else None, outcome, seconds))
    return found


def decisions(told: list[Happening]) -> list[Decision]:
    """Who was considered for a call, in order, from its events."""
    return [
        Decision(
            one.at,
            one.told["queue"],
            one.told["agent"],
            one.told["why"],
            tuple(_considered(each, one.told) for each in one.told["considered"]),
            one.told["more"],
            tuple(
                _reason("", kind, one.told, number=number)
                for kind, number in considered.counted(one.told.get("counts", ()))
            ),
            tuple(
                _reason("", kind, one.told, agents=tuple(names))
                for kind, names in considered.unpack(one.told.get("everyone", ""))
            ),
            one.told.get("before", 0),
            one.told.get("places", 0),
            bool(one.told.get("attempt")),
        )
        for one in told
        if one.type == "RoutingDecided"
    ]


def _considered(named: str, told: dict[str, Any]) -> Considered:
    agent, _, reason = named.partition(" ")
    return _reason(agent, reason, told)


def _reason(agent: str, reason: str, told: dict[str, Any], **more: Any) -> Considered:
    """A reason as an event writes it; skills are asked for until `relaxes`."""
    why, *values = reason.split(":")
    if why != "lacks":
        return Considered(agent, why, until=_instant(float(values[0]) if values else 0.0), **more)
    until = _instant(told.get("relaxes", 0.0))
    return Considered(agent, why, ":".join(values[:-1]), int(values[-1]), until, **more)


def _instant(at: float) -> datetime | None:
    return datetime.fromtimestamp(at, UTC) if at else None


def _filtered(query: Any, filters: Filters) -> Select[Any]:
    exact: list[tuple[Any, Any]] = [
        (Call.queue, filters.queue),
        (Call.kind, filters.kind),
        (Call.customer_id, filters.customer_id),
        (Call.ticket_id, filters.ticket_id),
    ]
    for column, value in exact:
        if value:
            query = query.where(column == value)
    if filters.agent:
        query = query.where((Call.agent == filters.agent) | (Call.last_agent == filters.agent))
    if filters.caller:
        query = query.where((Call.caller == filters.caller) | (Call.called == filters.caller))
    if filters.outcome:
        query = query.where(Call.outcome == ("" if filters.outcome == LIVE else filters.outcome))
    if filters.since:
        query = query.where(Call.started_at >= filters.since)
    if filters.until:
        query = query.where(Call.started_at < filters.until)
    found: Select[Any] = query
    return found


def _key(after: str) -> tuple[datetime, str]:
    """The end of a page: its last call's beginning and id."""
    try:
        started, _, call_id = after.replace(" ", "+").rpartition("~")
        at = datetime.fromisoformat(started)
    except ValueError:
        raise InvalidInput(after="is no end of a page") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)), call_id


def _told(body: bytes) -> dict[str, Any]:
    try:
        event = events.public.decode(body)
        found = {name: getattr(event, name) for name in event.__dataclass_fields__}
    except messages.UnknownMessage:
        found = orjson.loads(body)
    return {name: value for name, value in found.items() if name not in ("at", "call", "type")}


def _order(entry: str) -> tuple[int, int]:
    first, _, second = entry.partition("-")
    return int(first), int(second or 0)
