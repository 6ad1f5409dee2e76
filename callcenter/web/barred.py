"""Who is refused: abusive callers by number, and addresses that a line has banned; both can be let in again."""

from typing import Any

import orjson
from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db, stream
from callcenter.calls import barred
from callcenter.customers import numbers
from callcenter.errors import InvalidInput
from callcenter.people import desk as people
from callcenter.web import auth, respond
from callcenter.web.parts import Parts, parts


def routes() -> list[BaseRoute]:
    return [
        auth.route("/barred", show, act="callers.bar"),
        auth.route("/barred", add, act="callers.bar", methods=("POST",)),
        auth.route("/barred/{id:int}/removal", remove, act="callers.bar", methods=("PUT", "POST")),
        auth.route("/barred/{id:int}/restoration", restore, act="callers.bar", methods=("PUT", "POST")),
        auth.route("/bans/removal", lift, act="callers.bar", methods=("PUT", "POST")),
    ]


async def show(request: Request) -> Response:
    """`GET /barred`: callers who are refused, the newest first, and banned addresses."""
    held = parts(request)
    rows = await held.record.read(lambda session: barred.listing(session, db.now()))
    return respond.page(request, "barred.html", {"callers": rows, "bans": await _bans(held)})


async def add(request: Request) -> Response:
    """`POST /barred` with `number`, `hours` (0: for good) and `reason`."""
    held, by = parts(request), respond.viewer_of(request).name
    given = await respond.fields(request)
    number = numbers.e164(str(given.get("number", "")), held.settings.country) or ""
    reason = str(given.get("reason", ""))
    try:
        hours = float(given.get("hours", 24))
    except (TypeError, ValueError):
        raise InvalidInput(hours="a number") from None

    def write(session: Session) -> int:
        now = db.now()
        row = barred.bar(session, number, hours, reason, by, now)
        people.audit(session, by, "caller.bar", number, f"{hours:g} h: {row.reason}", now)
        return row.id or 0

    made = await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by))
    return respond.done(request, "/barred", {"id": made, "number": number}, 201)


async def remove(request: Request) -> Response:
    """`PUT /barred/{id}/removal`: the caller is let in again."""
    held, by, which = parts(request), respond.viewer_of(request).name, request.path_params["id"]

    def write(session: Session) -> None:
        now = db.now()
        row = barred.unbar(session, which, by, now)
        people.audit(session, by, "caller.unbar", row.number, "", now)

    await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by))
    return respond.done(request, "/barred", status=200)


async def restore(request: Request) -> Response:
    """`PUT /barred/{id}/restoration`: the caller is refused again, as that entry said."""
    held, by, which = parts(request), respond.viewer_of(request).name, request.path_params["id"]

    def write(session: Session) -> dict[str, Any]:
        now = db.now()
        row = barred.again(session, which, by, now)
        people.audit(session, by, "caller.bar", row.number, f"again, as entry {which}: {row.reason}", now)
        return {"id": row.id, "number": row.number, "until": row.until}

    told = await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by))
    return respond.done(request, "/barred", told, 200)


async def lift(request: Request) -> Response:
    """`PUT /bans/removal` with `source`: every line hears this address again; 202."""
    held, by = parts(request), respond.viewer_of(request).name
    source = str((await respond.fields(request)).get("source", ""))[:64]
    if not source:
        raise InvalidInput(source="is missing")
    await held.record.write(lambda session: people.audit(session, by, "ban.lift", source, "", db.now()))
    await respond.command(request, commands.HearAgain(source, by))
    return respond.done(request, "/barred")


async def _bans(held: Parts) -> list[dict[str, Any]]:
    """What the lines keep in the store, the last to end first."""
    names: Any = await held.store.hkeys("board:lines")
    lines = [name.decode() for name in names]
    found = [
        {**orjson.loads(body), "line": line}
        for line in lines
        for body in (await held.store.hgetall(stream.line_bans(line))).values()
    ]
    now = db.now().timestamp()
    return sorted((ban for ban in found if ban["until"] > now), key=lambda ban: -float(ban["until"]))
