"""Messages that callers left: the queue's list, one with its player, who takes it and when it is done."""

from collections.abc import Collection
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import db, stream
from callcenter.customers import numbers
from callcenter.errors import InvalidInput, NotAllowed
from callcenter.recordings import lists as recordings
from callcenter.voicemail import desk, lists
from callcenter.voicemail.models import STATES, Message
from callcenter.web import asked, auth, respond
from callcenter.web.auth import Viewer
from callcenter.web.parts import Parts, parts
from callcenter.web.recordings import plain
from callcenter.web.tickets import user_of, version_of

PUTS = ("PUT", "POST")
LONGEST_NOTE = 2000
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/messages", listing, act="messages.see"),
        auth.route("/messages/{id:int}", show, act="messages.see"),
        auth.route("/messages/{id:int}/owner", take, act="messages.write", methods=PUTS),
        auth.route("/messages/{id:int}/closure", finish, act="messages.write", methods=PUTS),
    ]


async def listing(request: Request) -> Response:
    """`GET /messages?state=open|new|taken|done|any&after=`: of the queues that this person serves; all for
    supervisors."""
    held, viewer, words = parts(request), respond.viewer_of(request), asked.words(request, "state")
    state, begins, limit = words["state"] or "open", asked.after(request), asked.limit(request)
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        rows, following = lists.page(session, _seen_by(session, viewer), state, begins, limit)
        return {"messages": rows, "next": following, "after": after}

    shown: Told = {"asked": {"state": state}, "begins": begins, "states": STATES, "national": _national(held)}
    return respond.page(request, "messages.html", await held.record.read(read), **shown)


async def show(request: Request) -> Response:
    """`GET /messages/{id}`: who called, what was said, who is responsible."""
    held, viewer, which = parts(request), respond.viewer_of(request), request.path_params["id"]
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        row = lists.find(session, which, _seen_by(session, viewer))
        sound = recordings.of_calls(session, [row.call])
        return {
            "message": row,
            "recordings": [plain(one) for one in sound if one.id == row.recording],
            "after": after,
        }

    return respond.page(request, "message.html", await held.record.read(read), national=_national(held))


async def take(request: Request) -> Response:
    """`PUT /messages/{id}/owner` with `version`: I am responsible for it. The callback that is owed is mine, too."""

    def write(session: Session, which: int, viewer: Viewer, version: int, given: Told) -> Message:
        return desk.take(session, which, user_of(session, viewer.user_id), version, db.now())

    return await _put(request, write)


async def finish(request: Request) -> Response:
    """`PUT /messages/{id}/closure` with `version` and a `note`: nothing is left to do."""

    def write(session: Session, which: int, viewer: Viewer, version: int, given: Told) -> Message:
        note = str(given.get("note", "")).strip()
        if len(note) > LONGEST_NOTE:
            raise InvalidInput(note=f"longer than {LONGEST_NOTE} characters")
        return desk.finish(session, which, user_of(session, viewer.user_id), note, version, db.now())

    return await _put(request, write)


async def _put(request: Request, write: Any) -> Response:
    viewer, which = respond.viewer_of(request), request.path_params["id"]
    if not viewer.user_id:
        raise NotAllowed
    given = await respond.fields(request)
    version = version_of(given)
    if version is None:
        raise InvalidInput(version="is missing")

    def work(session: Session) -> Told:
        lists.find(session, which, _seen_by(session, viewer))
        done = write(session, which, viewer, version, given)
        return {"id": done.id, "state": done.state, "version": done.version}

    told = await parts(request).record.write(work)
    return respond.done(request, f"/messages/{which}", told, 200)


def _seen_by(session: Session, viewer: Viewer) -> Collection[str] | None:
    return lists.seen_by(session, viewer.user_id, viewer.may("messages.all"), viewer.scope)


def _national(held: Parts) -> Any:
    return lambda number: numbers.national(number, held.settings.country)
