"""Lines: health, trunks, draining; and the SIP messages of one call for who must ask the carrier."""

import time
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from callcenter import commands, db, stream
from callcenter.calls import lists
from callcenter.calls.models import Call
from callcenter.errors import NotAllowed, NotFound, WrongState
from callcenter.people import desk as people
from callcenter.web import auth, respond
from callcenter.web.board import able
from callcenter.web.parts import Parts, parts

LINES = "board:lines"
ASKED = "line:ladder-asked:"
"""Key that says that the lines were asked for a call's messages."""
ANSWER_WITHIN = 5
"""Seconds in which a line answers; then the messages of a line that is gone are not to be had."""
WORST = 20
"""Legs that the page shows, the worst sound first."""
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/lines", listing, act="wallboard"),
        auth.route("/lines/{name}/draining", drain, act="lines.steer", methods=("PUT", "POST")),
        auth.route("/calls/{id}/ladder.txt", ladder_text, act="calls.ladder"),
        auth.route("/calls/{id}/ladder", ladder, act="calls.ladder"),
    ]


async def listing(request: Request) -> Response:
    """`GET /lines`: every line that was seen, with its figures while it is up, and its trunks."""
    held = parts(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    found = await lines(held)
    worst = sorted(await sounds(held, found), key=lambda one: float(one["mos"]))[:WORST]
    return respond.page(request, "lines.html", {"lines": found, "sounds": worst, "after": after})


async def drain(request: Request) -> Response:
    """`PUT /lines/{name}/draining` with `on`: running calls go on, new ones go elsewhere; 202."""
    held, name = parts(request), request.path_params["name"]
    line = next((line for line in await lines(held) if line["name"] == name), None)
    if line is None:
        raise NotFound
    if not line["up"] or not able(line, "drain"):
        raise WrongState
    on = respond.truth((await respond.fields(request)).get("on", True))
    by = respond.viewer_of(request).name
    await respond.command(request, commands.SetLineDraining(name, on, by))
    await held.record.write(
        lambda session: people.audit(session, by, "line.drain" if on else "line.take", name, "", db.now())
    )
    return respond.done(request, "/lines")


async def ladder(request: Request) -> Response:
    """`GET /calls/{id}/ladder`: the messages in order; 202 while the lines are asked for them, 404 when none has any."""
    held, which = parts(request), request.path_params["id"]
    call = await _overseen(request)
    messages = await _messages(held, which)
    data = {"call": call.model_dump(), "messages": messages, "asked": messages is None}
    answer = respond.page(request, "ladder.html", data, 202 if messages is None else 200)
    if messages is None:
        answer.headers["retry-after"] = "1"
    return answer


async def ladder_text(request: Request) -> Response:
    """`GET /calls/{id}/ladder.txt`: the same as a text to send on."""
    held, which = parts(request), request.path_params["id"]
    await _overseen(request)
    messages = await _messages(held, which)
    if messages is None:
        return PlainTextResponse("", 202, headers={"retry-after": "1"})
    body = "\n".join(f"# {_stamp(one['at'])} {one['way']} {one['peer']}\n{one['text']}" for one in messages)
    headers = {"content-disposition": f'attachment; filename="{which}.sip.txt"', "cache-control": "no-store"}
    return PlainTextResponse(body, headers=headers)


async def _overseen(request: Request) -> Call:
    """The call of the address. Raises NotFound, NotAllowed when its queue is out of scope."""
    which = request.path_params["id"]
    call = await parts(request).record.read(lambda session: lists.find(session, which))
    if not respond.viewer_of(request).oversees(call.queue):
        raise NotAllowed
    return call


async def lines(held: Parts) -> list[Told]:
    """Lines by name. `figures` is empty for one that is not up."""
    kept = await held.store.hgetall(LINES)
    found = [orjson.loads(body) for _, body in sorted(kept.items())]
    bodies = await held.store.mget([stream.line_figures(line["name"]) for line in found]) if found else []
    return [
        {
            "draining": False,
            "trunks": {},
            **line,
            "figures": orjson.loads(body) if body else {},
            "up": bool(line["up"] and body),
        }
        for line, body in zip(found, bodies, strict=True)
    ]


async def sounds(held: Parts, found: list[Told]) -> list[Told]:
    """How each leg of these lines sounds now, as far as anything was heard of it."""
    bodies = await held.store.mget([stream.line_sounds(line["name"]) for line in found]) if found else []
    heard = [{**one, "line": line["name"]} for line, body in zip(found, bodies, strict=True) if body
             for one in orjson.loads(body)]  # fmt: skip
    return [one for one in heard if one["mos"]]


async def _messages(held: Parts, call: str) -> list[Told] | None:
    """What the lines kept of the call, in order; None while they are asked. NotFound when none kept any."""
    kept = await held.store.hgetall(stream.ladder(call))
    found = [message for body in kept.values() for message in orjson.loads(body)]
    if found:
        return sorted(found, key=lambda message: float(message["at"]))
    since = await held.store.get(ASKED + call)
    if since is not None and time.time() - float(since) > ANSWER_WITHIN:
        raise NotFound
    if since is None:
        await held.store.set(ASKED + call, f"{time.time():.3f}", ex=2 * ANSWER_WITHIN)
        body = commands.desk.encode(commands.AskLadder(call))
        await stream.append_async(held.store, stream.DESK_COMMANDS, body)
    return None


def _stamp(at: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at % 1 * 1000):03d}Z"
