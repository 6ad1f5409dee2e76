"""Calls: the record, filtered and page by page, and one call with its ledger of events."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.calls import lists
from callcenter.calls.models import Call
from callcenter.customers import numbers, search
from callcenter.errors import InvalidInput
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.routing import queues
from callcenter.tickets.models import Ticket
from callcenter.web import asked, auth, recordings, respond, steering
from callcenter.web.parts import Parts, parts

FILTERS = ("queue", "agent", "outcome", "kind", "caller", "day", "today", "customer", "ticket")
OUTCOMES = (
    "live", "answered", "abandoned", "short_abandon", "deflected", "message_left", "callback_taken", "lost_by_us", "refused",
    "left_in_menu", "passed_on",
    "conversation", "busy", "no_answer", "unreachable", "failed", "cancelled", "no_agent", "no_score", "unknown",
)  # fmt: skip
KINDS = ("inbound", "callback", "survey", "manual")
SUPERVISING = ("Supervise", "StopSupervising")
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/calls", listing, act="calls.see"),
        auth.route("/calls/{id}", show, act="calls.see"),
    ]


async def listing(request: Request) -> Response:
    """`GET /calls?queue=&agent=&outcome=&day=&caller=...&after=`, the newest first.

    With a day (`day=2026-11-22`, `today=1`) also how its calls ended: the outcomes' sum is `total`.
    """
    held, words = parts(request), asked.words(request, *FILTERS)
    if words.pop("today"):
        words["day"] = words["day"] or db.now().astimezone(held.settings.home_zone).date().isoformat()
    filters = _filters(words, held)
    begins, limit = asked.after(request), asked.limit(request)
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        rows, following = lists.page(session, filters, begins, limit)
        counted = lists.outcomes(session, filters) if words["day"] else {}
        return {
            "calls": _rows(session, rows, held.settings.country),
            "next": following,
            "outcomes": counted,
            "total": sum(counted.values()) if words["day"] else None,
            "after": after,
        }

    data = await held.record.read(read)
    if respond.wants_json(request):
        return respond.as_json(data)
    shown = {"asked": words, "begins": begins, "outcome_codes": OUTCOMES, "kinds": KINDS}
    chosen = await held.record.read(_choices)
    return respond.html(request, "calls.html", {**data, **shown, **chosen})


async def show(request: Request) -> Response:
    """`GET /calls/{id}`: the record, who was considered for it and why not the others (`decisions`), to whom it was
    offered and what came of it, and every event in order."""
    held, which, viewer = parts(request), request.path_params["id"], respond.viewer_of(request)
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        call = lists.find(session, which)
        told = lists.happenings(session, which, call.attempt)
        decided = lists.decisions(told)
        if held.settings.supervision == "private" and not viewer.may("calls.supervise"):
            told = [one for one in told if not _of_supervision(one)]
        row = _rows(session, [call], held.settings.country)[0]
        logged = session.exec(select(Ticket).where(Ticket.call_id == which))
        tickets = [{"id": one.id, "number": one.number, "state": one.state} for one in logged]
        return {
            "call": row,
            "tickets": tickets,
            "offers": lists.offers(told),
            "decisions": decided,
            "names": names_of(session, decided),
            "events": told,
            **recordings.of_call(session, viewer, held, which),
            "after": after,
        }

    told = await held.record.read(read)
    steer = await steering.choices(held, viewer, which) if viewer.may("calls.steer") else None
    return respond.page(request, "call.html", {**told, "steer": steer})


def _of_supervision(happened: lists.Happening) -> bool:
    """Whether it tells that somebody supervised, or tried to."""
    return happened.type == "CallSupervised" or happened.told.get("command") in SUPERVISING


def _filters(words: dict[str, str], held: Parts) -> lists.Filters:
    since = until = None
    if words["day"]:
        since = _midnight(words["day"], held.settings.home_zone)
        until = _midnight((since + timedelta(days=1)).date().isoformat(), held.settings.home_zone)
    caller = words["caller"]
    return lists.Filters(
        queue=words["queue"],
        agent=words["agent"],
        outcome=words["outcome"],
        kind=words["kind"],
        caller=numbers.e164(caller, held.settings.country) or caller,
        customer_id=_id(words, "customer"),
        ticket_id=_id(words, "ticket"),
        since=since,
        until=until,
    )


def _midnight(day: str, zone: ZoneInfo) -> datetime:
    """The first instant of a day where the centre is."""
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        raise InvalidInput(day="a day, as in 2026-11-22") from None


def _id(words: dict[str, str], name: str) -> int:
    return asked.number(dict(words), name) if words[name] else 0


def _rows(session: Session, calls: list[Call], country: str) -> list[Told]:
    """Calls with the names that a person reads. `party`: the customer's number, whoever called whom."""
    names = search.names(session, (call.customer_id for call in calls))
    tickets = {call.ticket_id for call in calls if call.ticket_id}
    numbered = {id_: found.number for id_ in tickets if (found := session.get(Ticket, id_))}
    rows = []
    for call in calls:
        party = call.called if call.direction == "out" else call.caller
        rows.append(
            {
                **call.model_dump(),
                "customer_name": names.get(call.customer_id or 0, ""),
                "ticket_number": numbered.get(call.ticket_id or 0, ""),
                "party": "" if call.withheld else party,
                "party_national": "" if call.withheld else numbers.national(party, country),
            }
        )
    return rows


def names_of(session: Session, decided: Sequence[lists.Decision]) -> dict[str, str]:
    """User name -> the name that is shown, of all who were considered."""
    agents = {one.agent for each in decided for one in each.considered}
    agents |= {name for each in decided for one in each.everyone for name in one.agents}
    found = session.exec(select(User.name, User.display_name).where(col(User.name).in_(agents)))
    return {name: display or name for name, display in found}


def _choices(session: Session) -> Told:
    return {
        "queue_names": [row.name for row in queues.listing(session)],
        "agent_names": [user.name for user in people.users(session)],
    }
