"""Customers: looked for by name or number, seen from all sides, made for a new caller, corrected."""

from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.customers import desk, numbers, search
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.people import desk as people
from callcenter.screenpop.pop import Pop, pop
from callcenter.tickets import ledger, rules
from callcenter.web import asked, auth, respond
from callcenter.web.parts import Parts, parts

PUTS = ("PUT", "POST")
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/customers", listing, act="customers.see"),
        auth.route("/customers", create, act="customers.write", methods=("POST",)),
        auth.route("/customers/{id:int}", show, act="customers.see"),
        auth.route("/customers/{id:int}", change, act="customers.write", methods=PUTS),
        auth.route("/customers/{id:int}/numbers", add_number, act="customers.write", methods=("POST",)),
    ]


async def listing(request: Request) -> Response:
    """`GET /customers?q=&after=`: name, organisation, external id, or a number or its end. `number` and `call` fill the
    form for a new caller."""
    held, words = parts(request), asked.words(request, "q", "number", "call")
    after, limit = asked.after(request), asked.limit(request)
    rows, following = await held.record.read(
        lambda session: search.search(session, words["q"], held.settings.country, after, limit)
    )
    if len(rows) == 1 and words["q"] and not after and not respond.wants_json(request):
        return RedirectResponse(f"/customers/{rows[0].id}", 303)
    data = {"customers": rows, "next": following}
    shown: Told = {
        "asked": words,
        "begins": after,
        "country": held.settings.country,
        "national": numbers.national,
    }
    return respond.page(request, "customers.html", data, **shown)


async def create(request: Request) -> Response:
    """`POST /customers`: `name`, `number` and any column; 201 with the id. With `call`, the call is this customer's."""
    held, viewer = parts(request), respond.viewer_of(request)
    given = asked.form(await respond.fields(request), "call")
    call = str((await respond.fields(request)).get("call") or "")

    def write(session: Session) -> Told:
        now = db.now()
        made = desk.create(session, _filled(given), held.settings.country, now)
        people.audit(session, viewer.name, "customer.added", str(made.id), made.name, now)
        return _customer(made, desk.numbers_of(session, made.id or 0))

    told = await held.record.write(write)
    if call:
        await respond.command(request, commands.BindCustomer(call, told["id"], by=viewer.name))
    return respond.done(request, f"/customers/{told['id']}", told, 201)


async def show(request: Request) -> Response:
    """`GET /customers/{id}`: everything that we know, as the pop shows it."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]

    def read(session: Session) -> Told:
        customer = desk.find(session, which)
        own = desk.numbers_of(session, which)
        first = own[0].e164 if own else ""
        seen = pop(session, first, False, held.settings.country, which, db.now(), viewer.language)
        past = ledger.search(session, ledger.Filters(customer_id=which), db.now(), "", 50).rows
        closed = [row for row in past if row.state not in rules.OPEN]
        return {**_seen(held, customer, own, seen), "tickets": closed}

    return respond.page(request, "customer.html", await held.record.read(read), country=held.settings.country)


async def change(request: Request) -> Response:
    """`PUT /customers/{id}` with `version` and the columns to set; an empty one empties it."""
    viewer, which = respond.viewer_of(request), request.path_params["id"]
    given = await respond.fields(request)
    version, fields = asked.number(given, "version"), asked.form(given, "version")

    def write(session: Session) -> Told:
        changed = desk.change(session, which, fields, version)
        people.audit(session, viewer.name, "customer.changed", str(which), ", ".join(fields), db.now())
        return _customer(changed, desk.numbers_of(session, which))

    told = await parts(request).record.write(write)
    return respond.done(request, f"/customers/{which}", told, 200)


async def add_number(request: Request) -> Response:
    """`POST /customers/{id}/numbers` with `number` and `label`; 201."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]
    given = await respond.fields(request)
    raw, label = str(given.get("number") or ""), str(given.get("label") or "")

    def write(session: Session) -> Told:
        made = desk.add_number(session, which, raw, label, held.settings.country)
        people.audit(session, viewer.name, "customer.number", str(which), made.e164, db.now())
        return _customer(desk.find(session, which), desk.numbers_of(session, which))

    return respond.done(request, f"/customers/{which}", await held.record.write(write), 201)


def _filled(given: Told) -> Told:
    """A form sends every field; the empty ones say nothing of a new customer."""
    return {name: value for name, value in given.items() if value not in ("", None)}


def _customer(customer: Customer, own: list[CustomerNumber]) -> Told:
    held = [{"id": one.id, "e164": one.e164, "label": one.label} for one in own]
    return {**customer.model_dump(), "numbers": held}


def _seen(held: Parts, customer: Customer, own: list[CustomerNumber], seen: Pop) -> Told:
    told = _customer(customer, own)
    for number in told["numbers"]:
        number["national"] = numbers.national(number["e164"], held.settings.country)
    card = seen.customer
    expired = {
        "warranty_expired": bool(card and card.warranty_expired),
        "contract_expired": bool(card and card.contract_expired),
    }
    return {
        "customer": {**told, **expired},
        "zone_local": seen.zone,
        "spoken_now": seen.spoken,
        "region_of_number": "" if customer.region else seen.region,
        "complaints": seen.complaints,
        "promises": seen.promises,
        "callbacks": seen.callbacks,
        "messages": seen.messages,
        "calls": seen.last_calls,
        "calls_7_days": seen.calls_7_days,
        "last_survey": seen.last_survey,
        "timeline": seen.timeline,
    }
