"""Wallboard: queues, agents by state, calls now, escalations; live, for a supervisor and for a television."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from callcenter import commands, db, stream
from callcenter.calls import life
from callcenter.errors import InvalidInput, NotAllowed
from callcenter.people import desk as people
from callcenter.tickets import queries
from callcenter.web import alarms, auth, board, live, respond
from callcenter.web.auth import Viewer
from callcenter.web.board import Entry
from callcenter.web.parts import Parts, parts

LONG_BREAK, LONG_WRAP_UP = 1800.0, 180.0
"""Seconds in a state that ask for a look."""

WAITING = life.WAITING - {"greeting"}


def routes() -> list[BaseRoute]:
    return [
        auth.route("/board", show, act="wallboard"),
        auth.route("/board/live", follow, act="wallboard"),
        auth.route("/calls/{call}/supervision", supervise, act="calls.supervise", methods=("PUT", "POST")),
    ]


async def show(request: Request) -> Response:
    """`GET /board`."""
    held, viewer = parts(request), respond.viewer_of(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    seen = await held.wall.look(held, live.position(after))
    shown = state(held, viewer, seen)
    if respond.wants_json(request):
        return respond.as_json({**shown, "after": after})
    drawn = await held.wall.draw(held, viewer, seen, shown)
    return respond.html(request, "wallboard.html", {"drawn": drawn, "after": after})


async def follow(request: Request) -> StreamingResponse:
    """`GET /board/live?after=ID`: the board as fragments, at most two a second."""
    held, viewer = parts(request), respond.viewer_of(request)
    after = live.asked_after(request)
    await held.feed.check(after)

    async def frames() -> AsyncIterator[bytes]:
        with held.feed.follow() as reader:
            async for items in held.feed.since(after, reader):
                yield await _frame(held, viewer, items[-1].id) if items else live.KEEP
                # All boards at the same moments: what one has read and drawn serves the others.
                await asyncio.sleep(live.PACE - time.monotonic() % live.PACE)

    return live.answer(frames())


async def supervise(request: Request) -> Response:
    """`PUT /calls/{id}/supervision` with `mode`: listen, whisper, barge; off to leave. My own phone rings; 202."""
    held, by, call = parts(request), respond.viewer_of(request).name, str(request.path_params["call"])
    mode = str((await respond.fields(request)).get("mode", "listen"))
    if mode not in ("listen", "whisper", "barge", "off"):
        raise InvalidInput(mode="listen, whisper, barge, off")
    queue = await board.queue_of(held.store, call)
    if mode != "off" and not respond.viewer_of(request).oversees(queue):
        raise NotAllowed
    await held.record.write(lambda session: people.audit(session, by, "call.supervise", call, mode, db.now()))
    asked: Any = commands.StopSupervising(by, call) if mode == "off" else commands.Supervise(by, call, mode)
    await respond.command(request, asked)
    return respond.done(request, "/board")


@dataclass(frozen=True, slots=True)
class Seen:
    """The live board and what goes with it, read when the event `at` had been told. `drawn`: sections that all who read
    one language see alike, as HTML, by language and discretion."""

    at: live.Position
    read: float
    board: board.Board
    late: list[queries.Mine]
    alarms: list[dict[str, Any]]
    drawn: dict[tuple[str, bool], dict[str, Markup]]


class Wall:
    """What all wallboards of this process show: read once, and drawn once a language, for all that look at one moment."""

    def __init__(self) -> None:
        self.seen: Seen | None = None
        self.reading = asyncio.Lock()
        self.drawing = anyio.CapacityLimiter(1)

    async def look(self, held: Parts, behind: live.Position) -> Seen:
        """The board with all that was told up to the event `behind`, at most half a second old."""
        async with self.reading:
            now, seen = time.time(), self.seen
            if seen is None or seen.at < behind or now - seen.read > live.PACE:
                at = max(behind, held.feed.seen)
                whole = await board.whole(held.store)
                late = await held.record.read(lambda session: queries.escalated(session, db.now()))
                seen = self.seen = Seen(at, now, whole, late, await alarms.standing(held.store), {})
        return seen

    async def draw(self, held: Parts, viewer: Viewer, seen: Seen, shown: dict[str, Any]) -> dict[str, Markup]:
        """The sections as HTML, made in a thread: three hundred agents take longer than who rings may wait."""

        def render(name: str) -> Markup:
            page = held.pages.render(f"wallboard/{name}.html", viewer.language, viewer=viewer, **shown)
            return Markup(page)  # noqa: S704  # it comes from our own templates

        def work() -> dict[str, Markup]:
            key = (viewer.language, board.discreet(held, viewer))
            if key not in seen.drawn:
                seen.drawn[key] = {name: render(name) for name in ("queues", "agents", "late")}
            return {**seen.drawn[key], "calls": render("calls")}

        return await anyio.to_thread.run_sync(work, limiter=self.drawing)


def state(held: Parts, viewer: Viewer, seen: Seen) -> dict[str, Any]:
    """What the board shows this person now."""
    now = time.time()
    known = board.without_listeners(seen.board, viewer) if board.discreet(held, viewer) else seen.board
    return {
        "now": now,
        "queues": [_figures(queue, known, now) for _, queue in sorted(known.queues.items())],
        "agents": sorted(
            (_tile(agent, now) for agent in known.agents.values() if _takes_calls(agent)), key=_odd_ones_first
        ),
        "calls": sorted(_live(known, viewer), key=lambda call: (not call["help"], call["started"])),
        "escalations": seen.late,
        "alarms": seen.alarms,
    }


def service_level(queue: Entry) -> float | None:
    """Answered within T / (answered + abandoned), T = `service_level` seconds; None when nothing ended.

    Metric definitions, version 1: short abandons (within 5 s) count on neither side.
    """
    ended = queue["answered"] + queue["abandoned"]
    return queue["within"] / ended if ended else None


def _figures(queue: Entry, seen: board.Board, now: float) -> Entry:
    waiting = [
        call for call in seen.calls.values() if call["queue"] == queue["name"] and call["state"] in WAITING
    ]
    oldest = min((call["queued"] for call in waiting if call["queued"]), default=queue["oldest"])
    return {
        **queue,
        "waiting": len(waiting) or queue["waiting"],
        "oldest": oldest,
        "longest_wait": max(0.0, now - oldest) if oldest else 0.0,
        "level": service_level(queue),
    }


def _takes_calls(agent: Entry) -> bool:
    """Not a supervisor or administrator who serves no queue and is not signed in as an agent."""
    return bool(agent["queues"]) or agent["status"] != "signed_out"


def _tile(agent: Entry, now: float) -> Entry:
    """An agent with the reason, if any, to look at first."""
    age = now - (agent["since"] or agent["status_since"] or now)
    odd = ""
    if agent["help"]:
        odd = "help"
    elif agent["paused"]:
        odd = "paused"
    elif agent["status"] != "signed_out" and not agent["reachable"]:
        odd = "unreachable"
    elif agent["status"] == "break" and now - agent["status_since"] > LONG_BREAK:
        odd = "long_break"
    elif agent["activity"] == "wrap_up" and age > LONG_WRAP_UP:
        odd = "long_wrap_up"
    return {**agent, "odd": odd, "shown_since": _shown_since(agent)}


def _shown_since(agent: Entry) -> float:
    """Since when the state that the tile names lasts: the activity, or the chosen status of an idle agent."""
    return float((agent["since"] if agent["activity"] != "idle" else agent["status_since"]) or agent["since"])


def _odd_ones_first(agent: Entry) -> tuple[bool, bool, str]:
    return (not agent["odd"], agent["status"] == "signed_out", agent["display"] or agent["name"])


def _live(seen: board.Board, viewer: Viewer) -> list[Entry]:
    """Calls as they are shown: agent and queue by the names that people read; `joined`: this person supervises it."""
    return [
        {
            **call,
            "agent_shown": seen.agents.get(call["agent"], {}).get("display") or call["agent"],
            "queue_shown": seen.queues.get(call["queue"], {}).get("label") or call["queue"],
            "overseen": viewer.oversees(call["queue"]),
            "joined": any(
                one["role"] == "supervisor" and one["name"] == viewer.name for one in call["parties"].values()
            ),
        }
        for call in seen.calls.values()
        if call["state"] != "ended"
    ]


async def _frame(held: Parts, viewer: Viewer, entry: str) -> bytes:
    seen = await held.wall.look(held, live.position(entry))
    shown = state(held, viewer, seen)
    drawn = await held.wall.draw(held, viewer, seen, shown)
    html = held.pages.render("wallboard_parts.html", viewer.language, viewer=viewer, drawn=drawn)
    return live.frame("parts", {"parts": {"board": html}, "now": shown["now"]}, entry)
