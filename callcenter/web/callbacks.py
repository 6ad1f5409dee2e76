"""Callbacks: whom we owe a call, when it is made, every attempt with the reason where the gate refused it."""

from datetime import datetime
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db, stream
from callcenter.callbacks import desk, lists, rules
from callcenter.callbacks.models import Callback
from callcenter.calls import lists as calls
from callcenter.customers import numbers
from callcenter.errors import InvalidInput
from callcenter.outbound import attempts
from callcenter.people import desk as people
from callcenter.web import asked, auth, respond
from callcenter.web.auth import Viewer
from callcenter.web.calls import names_of
from callcenter.web.parts import Parts, parts
from callcenter.web.tickets import at_time, user_of, version_of

PUTS = ("PUT", "POST")
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/callbacks", listing, act="callbacks.see"),
        auth.route("/callbacks/{id:int}", show, act="callbacks.see"),
        auth.route("/callbacks/{id:int}/time", move, act="tickets.write", methods=PUTS),
        auth.route("/callbacks/{id:int}/cancellation", cancel, act="tickets.write", methods=PUTS),
    ]


async def listing(request: Request) -> Response:
    """`GET /callbacks?whose=mine|all&state=open|any|STATE&after=`; an agent sees the own ones first."""
    held, viewer, words = parts(request), respond.viewer_of(request), asked.words(request, "whose", "state")
    whose = words["whose"] or ("mine" if viewer.owns_only and not viewer.token else "all")
    if whose not in ("mine", "all"):
        raise InvalidInput(whose="mine, all")
    state, begins, limit = words["state"] or "open", asked.after(request), asked.limit(request)
    owner = viewer.user_id if whose == "mine" else 0
    after = await stream.last_id(held.store, stream.PUBLIC)
    rows, following = await held.record.read(lambda session: lists.page(session, owner, state, begins, limit))
    data = {"callbacks": rows, "next": following, "after": after}
    shown: Told = {
        "asked": {"whose": whose, "state": state},
        "begins": begins,
        "states": rules.STATES,
        "now_at": db.now(),
    }
    return respond.page(request, "callbacks.html", data, **shown, national=_national(held))


async def show(request: Request) -> Response:
    """`GET /callbacks/{id}`: when and why, every attempt, and what this person may do now; who was considered while
    a place was kept (`decisions`)."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        row = lists.find(session, which)
        owner = session.get(Callback, which)
        tried = attempts.of(session, desk.KIND, which)
        decided = [one for each in tried for one in calls.decisions(calls.happenings(session, each.id))]
        return {
            "callback": row,
            "mode": owner.mode if owner else "",
            "call": owner.call_id if owner else "",
            "place_at": owner.place_at if owner else None,
            "decisions": decided,
            "names": names_of(session, decided),
            "attempts": [one.model_dump(exclude={"kind", "ref"}) for one in tried],
            "actions": _allowed(session, row, owner, viewer),
            "after": after,
        }

    zone = held.settings.home_zone
    shown = {"national": _national(held), "now_local": db.now().astimezone(zone).strftime("%Y-%m-%dT%H:%M")}
    return respond.page(request, "callback.html", await held.record.read(read), **shown)


async def move(request: Request) -> Response:
    """`PUT /callbacks/{id}/time` with `version` and `due_at` (`now`, or a time): one that was given up begins anew."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]
    given = await respond.fields(request)
    version, due = version_of(given), _time(given, held)
    await _call_off(request, which, version)

    def write(session: Session) -> Told:
        now = db.now()
        return _told(
            desk.reschedule(session, which, user_of(session, viewer.user_id), due or now, now, version)
        )

    return respond.done(request, f"/callbacks/{which}", await held.record.write(write), 200)


async def cancel(request: Request) -> Response:
    """`PUT /callbacks/{id}/cancellation` with `version`: no call after all; the complaint waits for its owner."""
    viewer, which = respond.viewer_of(request), request.path_params["id"]
    version = version_of(await respond.fields(request))
    await _call_off(request, which, version)

    def write(session: Session) -> Told:
        return _told(desk.cancel(session, which, user_of(session, viewer.user_id), db.now(), version))

    return respond.done(request, f"/callbacks/{which}", await parts(request).record.write(write), 200)


async def _call_off(request: Request, which: int, version: int | None) -> None:
    """What is under way for the callback ends first: a failure behind it costs one attempt, and dials nobody."""
    viewer = respond.viewer_of(request)

    def read(session: Session) -> str:
        return desk.under_way(session, which, user_of(session, viewer.user_id), version)

    if attempt := await parts(request).record.write(read):
        await respond.command(request, commands.CancelAttempt(attempt, viewer.name))


def _allowed(
    session: Session, row: lists.CallbackRow, callback: Callback | None, viewer: Viewer
) -> list[str]:
    """The nouns that this person may put now."""
    if row.state not in rules.MOVABLE or not viewer.may("tickets.write"):
        return []
    owner, by = callback.owner_id if callback else None, user_of(session, viewer.user_id)
    if row.owner not in ("", viewer.name) and not people.steers(
        session, by, "callbacks.steer", row.queue, owner
    ):
        return []
    return ["time", "cancellation"]


def _time(given: Told, held: Parts) -> datetime | None:
    """None: now. A time without an offset is that of the centre."""
    value = str(given.get("due_at") or "").strip()
    if value == "now":
        return None
    return at_time("due_at", value, held.settings.home_zone)


def _told(callback: Callback) -> Told:
    return callback.model_dump(include={"id", "state", "due_at", "outcome", "version"})


def _national(held: Parts) -> Any:
    return lambda number: numbers.national(number, held.settings.country)
