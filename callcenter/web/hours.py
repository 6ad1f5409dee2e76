"""Hours: calendars by week and day, whether they are open now, and what follows from a change."""

from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.hours import rules
from callcenter.hours.models import Calendar
from callcenter.people import history
from callcenter.routing import calendars
from callcenter.tickets import escalation
from callcenter.web import asked, auth, respond
from callcenter.web.parts import Parts, parts

DAYS = tuple(f"day_{place}" for place in range(7))
"""Fields of a form for the days of the week, Monday first."""
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/hours", listing, act="wallboard"),
        auth.route("/hours", create, act="settings.write", methods=("POST",)),
        auth.route("/hours/{name}", show, act="wallboard"),
        auth.route("/hours/{name}", change, act="settings.write", methods=("PUT", "POST")),
    ]


async def listing(request: Request) -> Response:
    """`GET /hours`: every calendar, whether it is `open` now, and when it opens next."""
    held = parts(request)
    rows = await held.record.read(lambda session: [_told(row) for row in calendars.listing(session)])
    return respond.page(request, "hours.html", {"calendars": rows})


async def show(request: Request) -> Response:
    """`GET /hours/{name}`."""
    name = request.path_params["name"]

    def read(session: Session) -> Told:
        changes, _ = history.page(session, calendars.NOUN, name, limit=20)
        return {
            "calendar": _told(calendars.find(session, name)),
            "changes": [one.model_dump() for one in changes],
        }

    return respond.page(
        request, "calendar.html", await parts(request).record.read(read), differences=history.differences,
    )  # fmt: skip


async def create(request: Request) -> Response:
    """`POST /hours` with `name`, `zone` and `windows` (seven days, or `day_0` to `day_6` of a form)."""
    held, viewer, given = parts(request), respond.viewer_of(request), _fields(await respond.fields(request))
    name = str(given.pop("name", "")).strip()
    told = await held.record.write(
        lambda session: _told(calendars.create(session, name, given, db.now(), viewer.name))
    )
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, f"/hours/{name}", told, 201)


async def change(request: Request) -> Response:
    """`PUT /hours/{name}` with the fields to set and the `version` that was seen; 409 says what is different now.

    Targets of open complaints on it are computed again; a plan asks the new hours for the next call.
    """
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    sent = await respond.fields(request)
    given, version = _fields(asked.form(sent, "version")), asked.number(sent, "version")

    def write(session: Session) -> Told:
        row, changed = calendars.change(session, name, given, db.now(), viewer.name, version)
        if changed:
            escalation.recompute_open(session, held.settings, db.now())
        return {**_told(row), "changed": changed}

    told = await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, f"/hours/{name}", told, 200)


def restore(session: Session, held: Parts, name: str, after: Told, by: str, version: int) -> tuple[str, ...]:
    """Put a calendar back to an earlier version; what changed by it."""
    _, changed = calendars.change(session, name, after, db.now(), by, restores=version)
    if changed:
        escalation.recompute_open(session, held.settings, db.now())
    return changed


def _fields(given: Told) -> Told:
    """The days of a form as one week."""
    if not set(DAYS) & set(given):
        return given
    rest = {field: value for field, value in given.items() if field not in DAYS}
    return {**rest, "windows": [str(given.get(day, "")) for day in DAYS]}


def _told(row: Calendar) -> Told:
    hours, now = rules.parse(row.zone, row.windows, row.exceptions, row.covers_until), db.now()
    is_open = rules.is_open(hours, now)
    return {
        "name": row.name,
        **calendars.kept(row),
        "version": row.version,
        "open": is_open,
        "next_opening": None if is_open else rules.next_opening(hours, now),
    }
