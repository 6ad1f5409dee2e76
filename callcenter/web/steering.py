"""The supervisor's hand by page and JSON: each act is audited, sent to the conductor, and answered 202.

What the board shows to be impossible is refused at once; what changed meanwhile comes back live as `DeskCommandRefused`.
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db
from callcenter.errors import InvalidInput, NotAllowed, NotFound, WrongState
from callcenter.people import desk as people
from callcenter.routing.steering import WAITING
from callcenter.web import auth, board, respond
from callcenter.web.board import Entry
from callcenter.web.parts import Parts, parts

MOST_PRIORITY = 1000


def routes() -> list[BaseRoute]:
    put = ("PUT", "POST")
    return [
        auth.route("/calls/{call}/agent", assign, act="calls.steer", methods=put),
        auth.route("/calls/{call}/queue", move, act="calls.steer", methods=put),
        auth.route("/calls/{call}/priority", rank, act="calls.steer", methods=put),
        auth.route("/agents/{name}/wrap-up", end_wrap_up, act="agents.steer", methods=put),
        auth.route("/queues/{name}/closed", close, act="queues.steer", methods=put),
    ]


async def assign(request: Request) -> Response:
    """`PUT /calls/{id}/agent` with `agent`: that phone rings for this waiting call; without one, my own."""
    call = await _waiting(request)
    by = respond.viewer_of(request).name
    name = str((await respond.fields(request)).get("agent", "") or by)
    seen = await board.whole(parts(request).store)
    agent = seen.agents.get(name)
    if agent is None:
        raise InvalidInput(agent=f"there is no agent {name}")
    if name != by and not respond.viewer_of(request).oversees(*agent["queues"]):
        raise NotAllowed
    if agent["status"] == "signed_out":
        raise InvalidInput(agent=f"{name} is signed out")
    if agent["activity"] != "idle":
        raise InvalidInput(agent=f"{name} is busy")
    if not agent["reachable"]:
        raise InvalidInput(agent=f"the phone of {name} cannot be reached")
    return await _act(request, "call.assigned", f"/calls/{call}", name, commands.AssignCall(by, call, name))


async def move(request: Request) -> Response:
    """`PUT /calls/{id}/queue` with `queue`: it waits there, by its age."""
    call = await _waiting(request)
    name = str((await respond.fields(request)).get("queue", ""))
    seen = await board.whole(parts(request).store)
    if name not in seen.queues:
        raise InvalidInput(queue=f"there is no queue {name}" if name else "is missing")
    if seen.calls.get(call, {}).get("queue") == name:
        raise InvalidInput(queue="the call waits there already")
    if seen.queues[name]["closed"]:
        raise InvalidInput(queue="is closed")
    by = respond.viewer_of(request).name
    return await _act(request, "call.moved", f"/calls/{call}", name, commands.MoveCall(by, call, name))


async def rank(request: Request) -> Response:
    """`PUT /calls/{id}/priority` with `priority`, -1000 to 1000: more is served first."""
    call = await _waiting(request)
    given = str((await respond.fields(request)).get("priority", "")).strip()
    if not re.fullmatch(r"-?\d{1,4}", given) or abs(int(given)) > MOST_PRIORITY:
        raise InvalidInput(priority=f"a number from {-MOST_PRIORITY} to {MOST_PRIORITY}")
    priority = int(given)
    by = respond.viewer_of(request).name
    return await _act(
        request, "call.ranked", f"/calls/{call}", str(priority), commands.RankCall(by, call, priority)
    )


async def end_wrap_up(request: Request) -> Response:
    """`PUT /agents/{name}/wrap-up`: it is over."""
    name = str(request.path_params["name"])
    agent = (await board.whole(parts(request).store)).agents.get(name)
    if agent is None:
        raise NotFound
    if not respond.viewer_of(request).oversees(*agent["queues"]):
        raise NotAllowed
    if agent["activity"] != "wrap_up":
        raise WrongState
    by = respond.viewer_of(request).name
    return await _act(request, "agent.wrap_up_ended", f"/agents/{name}", "", commands.EndWrapUp(by, name))


async def close(request: Request) -> Response:
    """`PUT /queues/{name}/closed` with `closed`, and `waiting`: stay (the usual) or leave."""
    name, given = str(request.path_params["name"]), await respond.fields(request)
    if name not in (await board.whole(parts(request).store)).queues:
        raise NotFound
    if not respond.viewer_of(request).oversees(name):
        raise NotAllowed
    closed, waiting = respond.truth(given.get("closed", True)), str(given.get("waiting", "stay"))
    if waiting not in ("stay", "leave"):
        raise InvalidInput(waiting="stay or leave")
    asked_for = commands.CloseQueue(respond.viewer_of(request).name, name, closed, waiting == "leave")
    what = "queue.closed" if closed else "queue.opened"
    return await _act(request, what, f"/queues/{name}", waiting if closed else "", asked_for)


async def choices(held: Parts, viewer: auth.Viewer, call: str) -> Entry | None:
    """What a supervisor can do with a call that still waits: agents who could take it, queues, its priority."""
    seen = await board.whole(held.store)
    if not steerable(seen.calls, call) or not viewer.oversees(seen.calls[call]["queue"]):
        return None
    entry = seen.calls[call]
    able = [
        one
        for one in seen.agents.values()
        if _able(one) and (one["name"] == viewer.name or viewer.oversees(*one["queues"]))
    ]
    return {
        "state": entry["state"],
        "queue": entry["queue"],
        "agent": entry["agent"],
        "priority": entry["priority"],
        "agents": sorted(able, key=lambda one: (one["status"] != "available", one["display"] or one["name"])),
        "queues": [
            one for name, one in sorted(seen.queues.items()) if name != entry["queue"] and not one["closed"]
        ],
    }


def _able(agent: Entry) -> bool:
    return bool(agent["status"] != "signed_out" and agent["activity"] == "idle" and agent["reachable"])


def steerable(seen: Mapping[str, Entry], call: str) -> bool:
    """Whether this call still waits, so that it can be assigned, moved and ranked."""
    entry = seen.get(call)
    return entry is not None and entry["kind"] == "inbound" and entry["state"] in WAITING


async def _waiting(request: Request) -> str:
    call = str(request.path_params["call"])
    seen = (await board.whole(parts(request).store)).calls
    if call not in seen:
        raise NotFound
    if not respond.viewer_of(request).oversees(seen[call]["queue"]):
        raise NotAllowed
    if not steerable(seen, call):
        raise WrongState
    return call


async def _act(request: Request, what: str, where: str, detail: str, message: Any) -> Response:
    """`where`: the page of what is acted upon."""
    by, subject = respond.viewer_of(request).name, where.rpartition("/")[2]
    await parts(request).record.write(
        lambda session: people.audit(session, by, what, subject, detail, db.now())
    )
    await respond.command(request, message)
    return respond.done(request, where)
