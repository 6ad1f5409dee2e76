"""Queues: their rules, what an administrator may change, and the figures of the day beside their formulas."""

import time
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db, stream
from callcenter.calls import life
from callcenter.people import history
from callcenter.routing import queues, rules
from callcenter.routing.models import QueueRow
from callcenter.web import asked, auth, board, respond
from callcenter.web.board import Board, Entry
from callcenter.web.parts import parts

OUTCOMES = (
    *("answered", "abandoned", "short_abandon", "deflected", "overflowed"),
    *("messages", "callbacks", "lost"),
)
"""How a call that was offered to a queue leaves it; who still waits is the rest."""
Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/queues", listing, act="wallboard"),
        auth.route("/queues/{name}", show, act="wallboard"),
        auth.route("/queues/{name}", change, act="settings.write", methods=("PUT", "POST")),
    ]


async def listing(request: Request) -> Response:
    """`GET /queues`: every queue with its figures of today."""
    held = parts(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    seen = await board.seen_by(held, respond.viewer_of(request))
    rows = await held.record.read(queues.listing)
    now = time.time()
    data = {"queues": [_queue(row, seen, now) for row in rows], "after": after}
    return respond.page(request, "queues.html", data)


async def show(request: Request) -> Response:
    """`GET /queues/{name}`."""
    held, name = parts(request), request.path_params["name"]
    after = await stream.last_id(held.store, stream.PUBLIC)
    seen = await board.seen_by(held, respond.viewer_of(request))
    row, changes = await held.record.read(
        lambda session: (queues.find(session, name), history.page(session, queues.NOUN, name, limit=20)[0])
    )
    agents = [agent for agent in seen.agents.values() if name in agent["queues"]]
    data = {
        "queue": _queue(row, seen, time.time()),
        "agents": sorted(agents, key=lambda agent: str(agent["display"] or agent["name"])),
        "after": after,
    }
    shown: Told = {"changes": [one.model_dump() for one in changes], "differences": history.differences}
    return respond.page(request, "queue.html", data, **shown)


async def change(request: Request) -> Response:
    """`PUT /queues/{name}` with the fields to set, and the `version` that was seen: 409 says what is different now. It is
    written to the audit log and can be undone (`web.history`); the conductor reads it anew."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    sent = await respond.fields(request)
    given, version = asked.form(sent, "version"), asked.number(sent, "version")

    def write(session: Session) -> Told:
        row, changed = queues.change(session, name, given, db.now(), viewer.name, version)
        return {**row.model_dump(), "changed": sorted(changed)}

    told = await held.record.write(write)
    if told["changed"]:
        await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, f"/queues/{name}", told, 200)


def figures(entry: Entry, seen: Board, now: float) -> Told:
    """A queue's live figures.

    `offered` = `answered` + `abandoned` + `short_abandon` + `deflected` + `overflowed` + `messages` +
    `callbacks` + `lost` + `in_queue`.
    `level`: answered within `service_level` seconds / (answered + abandoned), None when nothing ended (metric
    definitions, version 1). `in_queue` follows from the counters; `waiting` are the calls on the board now, `kept` the
    callbacks that stand in the queue beside them, `longest_wait` is in seconds. `expected`: seconds that one more caller
    would wait = place * `handling` / `taking_calls`; None when nobody takes calls, 0 while nothing is known.
    """
    counted = {name: int(entry.get(name, 0)) for name in OUTCOMES}
    waiting = [
        call
        for call in seen.calls.values()
        if call["queue"] == entry["name"] and call["state"] in life.WAITING
    ]
    oldest = min((call["queued"] for call in waiting if call["queued"]), default=0.0)
    ended = counted["answered"] + counted["abandoned"]
    able = [one for one in seen.agents.values() if entry["name"] in one["queues"] and _takes_calls(one)]
    handling = float(entry.get("handling", 0.0))
    expected = rules.expected_wait(len(waiting) + entry["kept"] + 1, handling, len(able)) if handling else 0.0
    return {
        "offered": entry["offered"],
        **counted,
        "in_queue": max(0, entry["offered"] - sum(counted.values())),
        "within": entry["within"],
        "level": entry["within"] / ended if ended else None,
        "waiting": len(waiting),
        "kept": entry["kept"],
        "oldest": oldest,
        "longest_wait": max(0.0, now - oldest) if oldest else 0.0,
        "longest_today": entry["longest_today"],
        "day": entry["day"],
        "handling": handling,
        "taking_calls": len(able),
        "expected": expected if able else None,
        "closed": bool(entry.get("closed")),
        "closed_by": entry.get("closed_by", ""),
    }


def _takes_calls(agent: Entry) -> bool:
    """`rules.comes_free` of an entry."""
    return bool(agent["status"] == "available" and agent["reachable"] and not agent["paused"])


def _queue(row: QueueRow, seen: Board, now: float) -> Told:
    """The rules as they are kept; `live` is None while the conductor does not serve the queue."""
    entry = seen.queues.get(row.name)
    return {**row.model_dump(), "live": figures(entry, seen, now) if entry else None}
