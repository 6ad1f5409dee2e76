"""Callbacks that we owe: who has to call whom, when, and what came of it."""

from datetime import datetime

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.callbacks import desk, lists
from callcenter.callbacks.models import Callback
from callcenter.errors import InvalidInput
from callcenter.web import auth, respond
from callcenter.web.parts import parts
from callcenter.web.tickets import at_time, user_of, version_of

STATES = ("due", "dialling", "talked", "done", "given_up", "cancelled", "fulfilled")


def routes() -> list[BaseRoute]:
    return [
        auth.route("/callbacks", listing, act="callbacks.see"),
        auth.route("/callbacks/{id:int}/time", reschedule, act="callbacks.see", methods=("PUT", "POST")),
        auth.route("/callbacks/{id:int}/cancellation", cancel, act="callbacks.see", methods=("PUT", "POST")),
    ]


async def listing(request: Request) -> Response:
    """`GET /callbacks?state=`: the next due first."""
    held, state = parts(request), request.query_params.get("state", "")
    if state and state not in STATES:
        raise InvalidInput(state=", ".join(STATES))
    after = await stream.last_id(held.store, stream.PUBLIC)
    rows = await held.record.read(lambda session: lists.listing(session, state))
    data = {"callbacks": rows, "after": after}
    return respond.page(request, "callbacks.html", data, state=state, states=STATES)


async def reschedule(request: Request) -> Response:
    """`PUT /callbacks/{id}/time` with `due_at` (`now` rings at once) and `version`."""
    held, viewer, given = parts(request), respond.viewer_of(request), await respond.fields(request)
    asked = str(given.get("due_at", ""))

    def write(session: Session) -> Callback:
        now = db.now()
        due = now if asked == "now" else at_time("due_at", asked, held.settings.home_zone)
        by = user_of(session, viewer.user_id)
        return desk.reschedule(session, request.path_params["id"], by, due, now, version_of(given))

    return _told(request, await held.record.write(write))


async def cancel(request: Request) -> Response:
    """`PUT /callbacks/{id}/cancellation` with `version`: no call after all."""
    held, viewer, given = parts(request), respond.viewer_of(request), await respond.fields(request)

    def write(session: Session) -> Callback:
        by = user_of(session, viewer.user_id)
        return desk.cancel(session, request.path_params["id"], by, db.now(), version_of(given))

    return _told(request, await held.record.write(write))


def _told(request: Request, callback: Callback) -> Response:
    due: datetime = callback.due_at
    told = {"id": callback.id, "state": callback.state, "due_at": due, "version": callback.version}
    return respond.done(request, "/callbacks", told, 200)
