"""Calls on record: a list that every figure of the wallboard leads to, and one call with all that happened in it."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.calls.models import Call, CallEvent
from callcenter.customers import numbers
from callcenter.customers.models import Customer
from callcenter.errors import InvalidInput, NotFound
from callcenter.tickets.models import Ticket
from callcenter.web import auth, respond, words
from callcenter.web.parts import parts

PAGE = 100
EXACT = ("queue", "agent", "outcome", "kind", "direction")


def routes() -> list[BaseRoute]:
    return [
        auth.route("/calls", listing, act="calls.see"),
        auth.route("/calls/{id}", show, act="calls.see"),
    ]


async def listing(request: Request) -> Response:
    """`GET /calls?queue=&agent=&outcome=&kind=&number=&today=1&before=`: the newest first, by key."""
    held, asked = parts(request), dict(request.query_params)
    after = await stream.last_id(held.store, stream.PUBLIC)
    country, zone = held.settings.country, held.settings.home_zone
    rows = await held.record.read(lambda session: _listed(session, asked, country, zone))
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    following = f"{last['started_at'].isoformat()}~{last['id']}" if last else ""
    data = {"calls": rows[:PAGE], "next": following, "after": after}
    shown = {**dict.fromkeys((*EXACT, "number", "today", "before"), ""), **asked}
    outcomes = [code for code in words.WORDS["outcome"] if code]
    return respond.page(
        request, "calls.html", data, asked=shown, outcomes=outcomes, kinds=words.WORDS["call.kind"]
    )


async def show(request: Request) -> Response:
    """`GET /calls/{id}`."""
    held, which = parts(request), request.path_params["id"]
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> dict[str, Any]:
        call = session.get(Call, which)
        if call is None:
            raise NotFound
        customer = session.get(Customer, call.customer_id) if call.customer_id else None
        tickets = session.exec(select(Ticket).where(Ticket.call_id == which)).all()
        happened = session.exec(
            select(CallEvent).where(CallEvent.call_id == which).order_by(col(CallEvent.id))
        )
        return {
            "call": call.model_dump(),
            "customer": {"id": customer.id, "name": customer.name} if customer else None,
            "tickets": [{"id": one.id, "number": one.number, "state": one.state} for one in tickets],
            "events": [{**orjson.loads(one.body), "entry": one.entry} for one in happened],
        }

    data = {**await held.record.read(read), "after": after}
    national = numbers.national(data["call"]["caller"], held.settings.country)
    return respond.page(request, "call.html", data, national=national)


def _listed(session: Session, asked: dict[str, str], country: str, zone: ZoneInfo) -> list[dict[str, Any]]:
    query = select(Call, Customer.name).join(Customer, col(Customer.id) == Call.customer_id, isouter=True)
    for name in EXACT:
        if asked.get(name):
            query = query.where(getattr(Call, name) == asked[name])
    if asked.get("number"):
        number = numbers.e164(asked["number"], country) or asked["number"]
        query = query.where((col(Call.caller) == number) | (col(Call.called) == number))
    if asked.get("today"):
        midnight = db.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        query = query.where(col(Call.started_at) >= midnight)
    if asked.get("before"):
        at, last = _key(asked["before"])
        query = query.where(
            (col(Call.started_at) < at) | ((col(Call.started_at) == at) & (col(Call.id) < last))
        )
    ordered = query.order_by(col(Call.started_at).desc(), col(Call.id).desc()).limit(PAGE + 1)
    return [{**call.model_dump(), "customer": name or ""} for call, name in session.exec(ordered)]


def _key(text: str) -> tuple[datetime, str]:
    at, _, last = text.replace(" ", "+").partition("~")
    try:
        found = datetime.fromisoformat(at)
    except ValueError:
        raise InvalidInput(before="is no end of a page") from None
    if found.utcoffset() is None or abs(found.utcoffset() or timedelta()) > timedelta(hours=14):
        raise InvalidInput(before="is no end of a page")
    return found, last
