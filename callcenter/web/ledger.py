"""The ledger (台账): every complaint as a dense list; filters live in the address."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.errors import NotFound, lazy
from callcenter.people import desk as people
from callcenter.tickets import ledger, queries, rules
from callcenter.tickets.ledger import Filters
from callcenter.web import auth, respond
from callcenter.web.parts import Parts, parts
from callcenter.web.tickets import at_time

CSV_ROWS = 500
VIEWS: tuple[tuple[str, dict[str, str]], ...] = (
    (lazy("My open ones"), {"owner": "me", "state": "open", "sort": "due", "descending": "0"}),
    (lazy("All open"), {"state": "open"}),
    (lazy("Overdue"), {"overdue": "1", "sort": "due", "descending": "0"}),
    (lazy("Callback due"), {"state": "callback_due"}),
    (lazy("Waiting for the customer"), {"state": "waiting_customer"}),
    (lazy("Everything"), {}),
)
HEADINGS = (
    lazy("Number"), lazy("State"), lazy("Kind"), lazy("Type"), lazy("Region"),
    lazy("Severity"), lazy("What the customer wants"), lazy("Customer"), lazy("Phone number"),
    lazy("Owner"), lazy("First responder"), lazy("Received"), lazy("Due"),
    lazy("Overdue"), lazy("Level"), lazy("Cycle"), lazy("Score"), lazy("Closed"),
)  # fmt: skip


def routes() -> list[BaseRoute]:
    return [
        auth.route("/tickets", listing, act="tickets.see"),
        auth.route("/tickets.csv", export, act="tickets.export"),
        auth.route("/search", search, act="tickets.see"),
    ]


async def listing(request: Request) -> Response:
    """`GET /tickets?state=&owner=&text=...&after=`: one page; `next` asks for the one behind it."""
    held, asked = parts(request), dict(request.query_params)
    begins = asked.pop("after", "")
    filters = _filters(asked, held, respond.viewer_of(request).name)
    after = await stream.last_id(held.store, stream.PUBLIC)
    now = db.now()
    page = await held.record.read(lambda session: ledger.search(session, filters, now, begins, _limit(asked)))
    data = {"tickets": page.rows, "next": page.next, "after": after}
    if respond.wants_json(request):
        return respond.as_json(data)
    shown = {
        "asked": {**dict.fromkeys(Filters.model_fields, ""), **asked},
        "begins": begins,
        "views": [(label, view, view == asked) for label, view in VIEWS],
        "types": rules.TYPES,
        "states": rules.STATES,
    }
    counted = await held.record.read(lambda session: ledger.count(session, filters, now))
    names = await held.record.read(lambda session: [user.name for user in people.users(session)])
    return respond.html(
        request, "ledger.html", {**data, **shown, "owners": names, "count": counted, "now_at": now}
    )


async def export(request: Request) -> StreamingResponse:
    """`GET /tickets.csv`: the same filters, every row, readable by a spreadsheet. Written to the audit log."""
    held, viewer, asked = parts(request), respond.viewer_of(request), dict(request.query_params)
    filters, now = _filters(asked, held, viewer.name), db.now()
    await held.record.write(
        lambda session: people.audit(session, viewer.name, "tickets.export", request.url.query[:200], "", now)
    )
    headings = [held.pages.translate(viewer.language, heading) for heading in HEADINGS]

    async def lines() -> AsyncIterator[str]:
        with db.read(held.record.engine) as session:
            made = ledger.rows_csv(session, filters, now, held.settings.home_zone, headings)
            while (piece := await held.record.work(lambda: next(made, None))) is not None:
                yield piece

    day = now.astimezone(held.settings.home_zone).date().isoformat()
    headers = {"content-disposition": f"attachment; filename=complaints-{day}.csv"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)


async def search(request: Request) -> Response:
    """`GET /search?q=`: a complaint's number leads to it, anything else to customers and complaints."""
    asked = request.query_params.get("q", "").strip()
    try:
        ticket = await parts(request).record.read(lambda session: queries.find(session, asked or "-"))
    except NotFound:
        return RedirectResponse(f"/customers?q={quote(asked)}", 303)
    return RedirectResponse(f"/tickets/{ticket.id}", 303)


def _filters(asked: dict[str, str], held: Parts, me: str) -> Filters:
    """The address's words as filters; unknown ones are refused by name."""
    given: dict[str, Any] = {key: value for key, value in asked.items() if value and key != "limit"}
    for name in ("owner", "first_responder"):
        if given.get(name) == "me":
            given[name] = me
    for name, days in (("since", 0), ("until", 1)):
        if len(given.get(name, "")) == 10:  # a day, in the centre's zone; `until` includes it
            day = at_time(name, given[name], held.settings.home_zone)
            given[name] = day + timedelta(days=days)
    return Filters(**given)


def _limit(asked: dict[str, str]) -> int:
    wanted = asked.get("limit", "")
    return int(wanted) if wanted.isdecimal() else 100
