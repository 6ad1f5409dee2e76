"""A complaint: logging it, its page, and each act as a noun of its own."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.customers import numbers
from callcenter.errors import InvalidInput, NotFound
from callcenter.people.models import User
from callcenter.tickets import queries, rules
from callcenter.tickets.desk import Desk
from callcenter.tickets.form import TicketForm
from callcenter.tickets.models import Ticket
from callcenter.web import asked, auth, board, recordings, respond, words
from callcenter.web.parts import Parts, parts

Given = dict[str, Any]
Act = Callable[[Desk, Session, Ticket, User, Given, datetime], Ticket]
PUTS = ("PUT", "POST")

STEPS = ("registered", "in_progress", "proposed", "callback_due", "closed")


def routes() -> list[BaseRoute]:
    return [
        auth.route("/tickets", create, act="tickets.write", methods=("POST",)),
        auth.route("/tickets/{key}", show, act="tickets.see"),
        auth.route("/tickets/{key}/{noun}", act, act="tickets.write", methods=PUTS),
        auth.route("/promises/{id:int}/keeping", keep_promise, act="tickets.write", methods=PUTS),
        auth.route("/notices/{id:int}/reading", read_notice, methods=PUTS),
    ]


async def create(request: Request) -> Response:
    """`POST /tickets`: log a complaint; 201 with its number. The same `token` twice is one complaint."""
    held, viewer = parts(request), respond.viewer_of(request)
    form = TicketForm(**_form(await respond.fields(request), held))

    def write(session: Session) -> Ticket:
        return held.desk.open_ticket(session, user_of(session, viewer.user_id), form, db.now())

    ticket = await held.record.write(write)
    told = {"id": ticket.id, "number": ticket.number, "state": ticket.state, "version": ticket.version}
    return respond.done(request, f"/tickets/{ticket.id}", told, 201)


async def show(request: Request) -> Response:
    """`GET /tickets/{id or number}`: state, people, clocks, timeline, and what this person may do now."""
    held, viewer = parts(request), respond.viewer_of(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    key = request.path_params["key"]

    def read(session: Session) -> Given:
        now = db.now()
        view = queries.view(session, held.settings, queries.find(session, key), now)
        actions = held.desk.allowed(view.ticket, user_of(session, viewer.user_id), now)
        told_in = {entry.call_id for entry in view.entries if entry.call_id} | {view.ticket.call_id or ""}
        heard = recordings.of_ticket(session, viewer, held, view.ticket.id or 0, told_in)
        return {**_data(view, actions, now), **heard}

    data = {**await held.record.read(read), "after": after}
    if respond.wants_json(request):
        return respond.as_json(data)
    _agent, call = await board.agent_and_call(held.store, viewer.name)
    shown = {
        "national": numbers.national(data["ticket"]["contact_number"], held.settings.country),
        "steps": STEPS,
        "types": rules.TYPES,
        "call_now": call["id"] if call and _about(call, data["ticket"]) else "",
        "actions_words": words.ACTIONS,
        "tomorrow": (db.now() + timedelta(days=1)).astimezone(held.settings.home_zone),
    }
    return respond.html(request, "ticket.html", {**data, **shown})


async def act(request: Request) -> Response:
    """`PUT /tickets/{id}/{noun}`: one act of `rules`, with the row's `version`; 409 with the reason when not allowed."""
    held, viewer = parts(request), respond.viewer_of(request)
    wanted = ACTS.get(request.path_params["noun"])
    if wanted is None:
        raise NotFound
    given = _timed(await respond.fields(request), held.settings.home_zone)

    def write(session: Session) -> Ticket:
        ticket = queries.find(session, request.path_params["key"])
        return wanted(held.desk, session, ticket, user_of(session, viewer.user_id), given, db.now())

    ticket = await held.record.write(write)
    told = {"id": ticket.id, "number": ticket.number, "state": ticket.state, "version": ticket.version}
    return respond.done(request, f"/tickets/{ticket.id}", told, 200)


async def keep_promise(request: Request) -> Response:
    """`PUT /promises/{id}/keeping`: what was promised is done."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]

    def write(session: Session) -> int:
        by = user_of(session, viewer.user_id)
        return held.desk.keep_promise(session, which, by, db.now()).ticket_id

    return respond.done(request, f"/tickets/{await held.record.write(write)}", status=200)


async def read_notice(request: Request) -> Response:
    """`PUT /notices/{id}/reading`: I have seen it."""
    viewer, which = respond.viewer_of(request), request.path_params["id"]
    await parts(request).record.write(lambda session: queries.read_notice(session, which, viewer.user_id))
    return respond.done(request, "/desk", status=200)


def version_of(given: Given) -> int:
    """The row's version as the person saw it. InvalidInput without one."""
    value = str(given.get("version", ""))
    if not value.isdecimal() or len(value) > asked.LONGEST_NUMBER:
        raise InvalidInput(version="is missing: the number that you saw")
    return int(value)


def _text(given: Given, name: str) -> str:
    return str(given.get(name) or "").strip()


def _note(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
    informed = respond.truth(given.get("informed", ""))
    return desk.note(s, t, by, _text(given, "text"), now, version_of(given), informed)


def _assess(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
    severity = _text(given, "severity")
    if severity not in ("1", "2", "3", "4"):
        raise InvalidInput(severity="1 to 4")
    kind, region = _text(given, "type"), _text(given, "region")
    return desk.assess(s, t, by, kind, region, int(severity), now, version_of(given))


def _question(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
    wake_at = given.get("wake_at")
    if not isinstance(wake_at, datetime):
        raise InvalidInput(wake_at="a time, as in 2026-11-30T09:00")
    return desk.ask_customer(s, t, by, _text(given, "question"), wake_at, now, version_of(given))


def _closure(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
    return desk.close(s, t, by, _text(given, "call_id"), now, version_of(given))


def _settlement(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
    return desk.settle_on_the_line(
        s, t, by, _text(given, "call_id") or t.call_id or "", now, version_of(given)
    )


def _withdrawal(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
    reason, call = _text(given, "reason"), _text(given, "call_id")
    return desk.withdraw(s, t, by, reason, call, now, version_of(given))


def _with_reason(name: str) -> Act:
    """An act that takes a reason and nothing else."""

    def run(desk: Desk, s: Session, t: Ticket, by: User, given: Given, now: datetime) -> Ticket:
        done: Ticket = getattr(desk, name)(s, t, by, _text(given, "reason"), now, version_of(given))
        return done

    return run


ACTS: dict[str, Act] = {
    "notes": _note,
    "assessment": _assess,
    "question": _question,
    "resumption": lambda desk, s, t, by, given, now: desk.resume(
        s, t, by, now, version_of(given), _text(given, "text")
    ),
    "proposal": lambda desk, s, t, by, given, now: desk.propose(
        s, t, by, _text(given, "answer"), now, version_of(given)
    ),
    "proposal-return": _with_reason("return_proposal"),
    "cosignature": lambda desk, s, t, by, given, now: desk.cosign(s, t, by, now, version_of(given)),
    "report": lambda desk, s, t, by, given, now: desk.report_back(s, t, by, now, version_of(given)),
    "closure": _closure,
    "settlement": _settlement,
    "second-handling": _with_reason("not_settled"),
    "unreached-closure": _with_reason("close_unreached"),
    "withdrawal": _withdrawal,
    "reopening": _with_reason("reopen"),
}
"""Noun of the address -> what is done."""


def _form(given: Given, held: Parts) -> Given:
    """The form's fields: empty ones leave, a local time becomes an instant, a raw number E.164."""
    known = {key: value for key, value in given.items() if value not in ("", None) and key != "page_token"}
    number = str(known.get("contact_number", ""))
    if number:
        known["contact_number"] = numbers.e164(number, held.settings.country) or number
    return _timed(known, held.settings.home_zone)


def _timed(given: Given, zone: ZoneInfo) -> Given:
    """The form's times as instants."""
    found = dict(given)
    for name in ("promise_due", "wake_at"):
        if found.get(name) and isinstance(found[name], str):
            found[name] = at_time(name, found[name], zone)
    return found


def at_time(name: str, value: str, zone: ZoneInfo) -> datetime:
    """`2026-11-22T15:00` is wall time of the centre, an offset is believed. InvalidInput for anything else."""
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise InvalidInput(**{name: "a time, as in 2026-11-30T09:00"}) from None
    return at if at.tzinfo else at.replace(tzinfo=zone)


def user_of(session: Session, user_id: int) -> User:
    """The person who acts."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound
    return user


def _data(view: queries.View, actions: list[rules.Action], now: datetime) -> Given:
    """The complaint as JSON; the page reads the same."""
    ticket = view.ticket
    return {
        "ticket": ticket.model_dump(exclude={"token"}),
        "customer": view.customer.model_dump() if view.customer else None,
        "first_responder": _person(view.first_responder),
        "owner": _person(view.owner),
        "acting": _person(view.acting) if view.acting else None,
        "linked": {"id": view.linked.id, "number": view.linked.number} if view.linked else None,
        "timeline": [entry.model_dump(exclude={"ticket_id"}) for entry in view.entries],
        "clocks": [_clock(shown, now) for shown in view.clocks],
        "promises": [promise.model_dump(exclude={"ticket_id"}) for promise in view.promises],
        "actions": actions,
    }


def _about(call: Given, ticket: Given) -> bool:
    """Whether the agent's present call is with this complaint's customer."""
    same_customer = bool(call["customer"]) and call["customer"] == ticket["customer_id"]
    same_number = bool(call["caller"]) and call["caller"] == ticket["contact_number"]
    return same_customer or same_number or bool(call["id"] == ticket["call_id"])


def _person(user: User) -> Given:
    return {"name": user.name, "display": user.display_name or user.name}


def _clock(shown: queries.ClockView, now: datetime) -> Given:
    """`share` of the target that is used up, 0 to 1."""
    clock, reading = shown.clock, shown.reading
    share = min(1.0, reading.elapsed / clock.target) if clock.target else 1.0
    return {
        **clock.model_dump(
            include={"kind", "state", "cycle", "due_at", "met_at", "breached_at", "breach_reason"}
        ),
        "target": clock.target,
        "elapsed": reading.elapsed,
        "left": reading.left,
        "overdue": reading.overdue,
        "share": round(max(0.0, share), 3),
    }
