"""Customers: found by name, organisation or number; one customer with everything that is open and past."""

from typing import Any

from sqlmodel import Session, col, or_, select
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.customers import numbers
from callcenter.customers.models import Customer, CustomerNumber
from callcenter.errors import InvalidInput, NotFound
from callcenter.screenpop.pop import pop
from callcenter.tickets import ledger
from callcenter.web import auth, respond
from callcenter.web.parts import parts

PAGE = 100


def routes() -> list[BaseRoute]:
    return [
        auth.route("/customers", listing, act="customers.see"),
        auth.route("/customers/{id:int}", show, act="customers.see"),
    ]


async def listing(request: Request) -> Response:
    """`GET /customers?q=&after_id=`: a number finds exactly, words find names and organisations that hold them."""
    held, asked = parts(request), request.query_params.get("q", "").strip()
    begins = request.query_params.get("after_id", "0")
    if not begins.isdecimal():
        raise InvalidInput(after_id="a number")
    after = await stream.last_id(held.store, stream.PUBLIC)
    country = held.settings.country
    rows = await held.record.read(lambda session: _found(session, asked, country, int(begins)))
    if len(rows) == 1 and asked and not respond.wants_json(request):
        return RedirectResponse(f"/customers/{rows[0]['id']}", 303)
    data = {
        "customers": rows[:PAGE],
        "next": rows[PAGE - 1]["id"] if len(rows) > PAGE else None,
        "after": after,
    }
    return respond.page(request, "customers.html", data, asked=asked)


async def show(request: Request) -> Response:
    """`GET /customers/{id}`: the record, numbers, complaints, calls, promises, surveys."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> dict[str, Any]:
        customer = session.get(Customer, which)
        if customer is None:
            raise NotFound
        known = session.exec(select(CustomerNumber).where(CustomerNumber.customer_id == which)).all()
        first = known[0].e164 if known else ""
        seen = pop(session, first, False, held.settings.country, which, db.now(), viewer.language)
        complaints = ledger.search(session, ledger.Filters(customer_id=which), db.now(), "", 50)
        return {
            "customer": customer.model_dump(),
            "numbers": [{"e164": one.e164, "label": one.label} for one in known],
            "card": seen.customer,
            "tickets": complaints.rows,
            "promises": seen.promises,
            "calls": seen.last_calls,
            "last_survey": seen.last_survey,
            "timeline": seen.timeline,
        }

    data = {**await held.record.read(read), "after": after}
    shown = {one["e164"]: numbers.national(one["e164"], held.settings.country) for one in data["numbers"]}
    return respond.page(request, "customer.html", data, national=shown)


def _found(session: Session, asked: str, country: str, begins: int) -> list[dict[str, Any]]:
    """By key, so that the last page of a million costs what the first does."""
    query = select(Customer).where(col(Customer.id) > begins).order_by(col(Customer.id)).limit(PAGE + 1)
    if asked:
        number = numbers.e164(asked, country) if any(sign.isdigit() for sign in asked) else None
        whose = select(CustomerNumber.customer_id).where(CustomerNumber.e164 == (number or "-"))
        like = asked.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        query = query.where(
            or_(
                col(Customer.id).in_(whose),
                col(Customer.name).ilike(f"%{like}%", escape="\\"),
                col(Customer.organisation).ilike(f"%{like}%", escape="\\"),
                col(Customer.external_id) == asked,
            )
        )
    return [row.model_dump() for row in session.exec(query)]
