"""The agent's desk: status, the current call, who is calling, my complaints and callbacks, wrap-up; live.

What the server sends are parts of the page that nobody types into; each shows the state as it stands, so that a reload,
a lost connection and an event seen twice all end in the same picture.
"""

import asyncio
import math
import random
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute

from callcenter import commands, db, events, stream
from callcenter.callbacks import lists as callbacks
from callcenter.calls.models import Call
from callcenter.errors import InvalidInput, lazy
from callcenter.screenpop.pop import Pop, pop
from callcenter.tickets import queries, rules
from callcenter.web import auth, board, live, respond, seat, words
from callcenter.web.agents import chosen_status
from callcenter.web.auth import Viewer
from callcenter.web.board import Entry
from callcenter.web.parts import Parts, parts

PARTS = ("status", "queues", "call", "pop", "mine", "callbacks", "notices", "wrap")
STRIP = ("status", "queues", "ring")
"""What an agent sees of the desk on every other page."""
CALL_PARTS = frozenset({"status", "call", "ring", "pop", "wrap"})
LISTS_FRESH = 30.0
"""Seconds for which figures of queues go by the complaints and the queues of the agent as they were read before."""


def routes() -> list[BaseRoute]:
    return [
        auth.route("/desk", show, act="desk"),
        auth.route("/desk/live", follow, act="desk"),
        auth.route("/desk/status", set_status, act="desk", methods=("PUT", "POST")),
        auth.route("/desk/seat", take_over, act="desk", methods=("PUT", "POST")),
    ]


@dataclass(frozen=True, slots=True)
class View:
    """What an agent's desk shows at one instant."""

    agent: Entry
    call: Entry | None
    queues: list[Entry]
    pop: Pop | None
    mine: list[queries.Mine]
    callbacks: list[callbacks.CallbackRow]
    notices: list[queries.NoticeRow]


async def show(request: Request) -> Response:
    """`GET /desk`."""
    held, viewer = parts(request), respond.viewer_of(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    seen = await look(held, viewer, PARTS)
    data = {
        "agent": seen.agent, "call": seen.call, "queues": seen.queues, "pop": seen.pop, "tickets": seen.mine,
        "callbacks": seen.callbacks, "notices": seen.notices, "after": after,
    }  # fmt: skip
    if respond.wants_json(request):
        return respond.as_json(data)
    choices = {"types": rules.TYPES, "kinds": rules.KINDS, "dispositions": rules.DISPOSITIONS}
    return respond.html(request, "desk.html", {**data, **_shown(held, viewer, seen), **choices})


async def follow(request: Request) -> StreamingResponse:
    """`GET /desk/live?after=ID&tab=ID&view=desk|strip`: the parts that changed (all without
    `after`); holds the seat while it is open."""
    held, asked = parts(request), request.query_params
    whole = asked.get("view", "desk") == "desk"
    tab = f"{'desk' if whole else 'strip'}:{asked.get('tab', '')[:40] or secrets.token_hex(8)}"
    after = live.asked_after(request, "")
    if after:
        await held.feed.check(after)
    return live.answer(_frames(request, tab, PARTS if whole else STRIP, after))


async def set_status(request: Request) -> Response:
    """`PUT /desk/status`: what I choose to be; 202."""
    name = respond.viewer_of(request).name
    status, reason = chosen_status(await respond.fields(request))
    await respond.command(request, commands.SetStatus(name, status, reason, by=name))
    return respond.done(request, "/desk")


async def take_over(request: Request) -> Response:
    """`PUT /desk/seat` with `tab`: this tab is my desk now; the other one is told."""
    tab = str((await respond.fields(request)).get("tab", ""))[:40]
    if not tab:
        raise InvalidInput(tab="is missing")
    await seat.hold(parts(request).store, respond.viewer_of(request).name, f"desk:{tab}", by_force=True)
    return respond.done(request, "/desk", status=200)


async def look(held: Parts, viewer: Viewer, wanted: Iterable[str]) -> View:
    """Reads only what the wanted parts need; a pop is two reads of the board and one thread's worth of queries."""
    names = set(wanted)
    agent, call = await board.agent_and_call(held.store, viewer.name)
    if call is not None:
        there: dict[str, Any] = call.get("parties") or {}
        call["parties"] = {leg: one for leg, one in there.items() if one["role"] != "replacing"}
    if call is not None and held.settings.supervision == "private":
        call = board.without_supervisors(call, viewer.name)
    served = await board.queues_of(held.store, list(agent["queues"])) if "queues" in names else []

    def read(session: Session) -> tuple[Entry | None, Pop | None, list[Any], list[Any], list[Any]]:
        now = db.now()
        found = _completed(session, call)
        return (
            found,
            _pop(session, held, viewer, found) if found and names & {"pop", "call", "ring"} else None,
            queries.mine(session, viewer.user_id, now) if names & {"mine", "queues"} else [],
            callbacks.mine(session, viewer.user_id) if "callbacks" in names else [],
            queries.notices(session, viewer.user_id) if "notices" in names else [],
        )

    found, popped, mine, owed, notices = await held.record.read(read)
    return View(agent, found, served, popped, mine, owed, notices)


def touched(message: Any, me: str, call: str, tickets: frozenset[int]) -> frozenset[str]:
    """The parts that an event changes on the desk of `me`, who shows `call` and `tickets`. Pure."""
    match message:
        case events.QueueChanged():
            return frozenset({"queues"})
        case events.CustomerBound() if message.call == call:
            return frozenset({"pop", "call", "ring"})
        case events.TicketChanged() if me in (message.owner, message.by) or message.ticket in tickets:
            return frozenset({"mine", "pop", "queues"})
        case events.CallbackChanged() if message.owner == me or message.ticket in tickets:
            return frozenset({"callbacks", "pop"})
        case events.MessageChanged() if call:  # it may be the caller's
            return frozenset({"pop"})
        case events.NoticeSent() if message.recipient == me:
            return frozenset({"notices", "mine"})
        case events.AgentChanged() | events.WrapUpExtended() if message.agent == me:
            return frozenset({"status", "call", "ring", "wrap"})
        case events.DeskCommandRefused():
            return frozenset()
    if call and getattr(message, "call", "") == call:
        return CALL_PARTS
    return CALL_PARTS if getattr(message, "agent", "") == me else frozenset()


async def _frames(request: Request, tab: str, shows: tuple[str, ...], after: str) -> AsyncIterator[bytes]:
    held, viewer = parts(request), respond.viewer_of(request)
    with held.feed.follow() as reader:
        if not await seat.hold(held.store, viewer.name, tab):
            yield live.frame("elsewhere", {})
            return
        await _sign_in(held, viewer, tab)
        seen = await stream.last_id(held.store, stream.PUBLIC)
        screen = _Screen(held, viewer, shows, reader)
        # Also where nothing is to be sent: what the page shows must be known.
        whole = await screen.draw(shows, seen)
        behind = not after or live.position(seen) != live.position(after)
        yield whole if behind else live.KEEP
        refresh = time.monotonic() + seat.REFRESH
        while not reader.cut:
            items = await reader.batch(max(0.05, refresh - time.monotonic()))
            if time.monotonic() >= refresh:
                if not await auth.still_open(request, viewer):
                    return
                if not await seat.hold(held.store, viewer.name, tab):
                    yield live.frame("elsewhere", {})
                    return
                refresh = time.monotonic() + seat.REFRESH
                yield live.KEEP
            for frame in [refused for item in items if (refused := screen.refused(item))]:
                yield frame
            changed = screen.changed(items)
            # Who rings comes first; lists wait for it. Only the last frame moves the browser's place in the stream.
            ring, rest = changed & CALL_PARTS, changed - CALL_PARTS
            if ring:
                yield await screen.draw(ring, "" if rest else items[-1].id)
            if rest:
                yield await screen.draw(rest, items[-1].id)
            elif screen.due <= time.monotonic() and (figures := await screen.figures()):
                yield figures


class _Screen:
    """What one open page shows: which call and which complaints, to know what concerns it."""

    def __init__(self, held: Parts, viewer: Viewer, shows: tuple[str, ...], reader: live.Reader) -> None:
        self.held, self.viewer, self.shows, self.reader = held, viewer, shows, reader
        reader.wants = self.wakes
        self.call, self.tickets = "", frozenset[int]()
        self.served, self.overdue, self.lists_at = list[str](), 0, 0.0
        self.told: Any = None
        """The figures of queues that the page shows."""
        self.phase = random.uniform(0.0, live.PACE)
        self.due = math.inf
        """When figures of queues are to be told again, `time.monotonic`."""

    def wakes(self, message: Any) -> bool:
        """Whether a page that waits is to be woken up. What everybody's calls change, the queues, is told at most twice a
        second, and to each page at another moment: three hundred that wake up at once would hold up who rings."""
        found = touched(message, self.viewer.name, self.call, self.tickets)
        if "queues" in found:
            self._owe_figures()
        refused = isinstance(message, events.DeskCommandRefused) and message.agent == self.viewer.name
        return bool(found - {"queues"}) or refused

    def changed(self, items: list[live.Item]) -> frozenset[str]:
        """The parts to draw now, without the queues, which have their own pace."""
        found = frozenset[str]().union(
            *(touched(item.message, self.viewer.name, self.call, self.tickets) for item in items)
        ) & frozenset(self.shows)
        if found == {"queues"}:
            self._owe_figures()
            return frozenset()
        return found

    def _owe_figures(self) -> None:
        if self.due == math.inf:
            now = time.monotonic()
            self.due = now + live.PACE - (now + self.phase) % live.PACE
            asyncio.get_running_loop().call_later(self.due - now, self.reader.nudge)

    async def figures(self) -> bytes | None:
        """A frame with the queues where they show something else than before; most often no SQL is asked for it."""
        if time.monotonic() - self.lists_at > LISTS_FRESH:
            return await self.draw(("queues", "mine"), "")
        self.due = math.inf
        queues = await board.queues_of(self.held.store, self.served)
        told = _figures(queues, self.overdue)
        if told == self.told:
            return None
        self.told = told
        html = self._part("queues", {"queues": queues, "overdue": self.overdue})
        return live.frame("parts", {"parts": {"queues": html}, "now": time.time()})

    async def draw(self, names: Iterable[str], entry: str) -> bytes:
        """A frame with these parts as they stand now."""
        wanted = [name for name in self.shows if name in set(names)]
        seen = await look(self.held, self.viewer, wanted)
        self.call = seen.call["id"] if seen.call else ""
        if "mine" in wanted or "pop" in wanted:
            shown = [one.id for one in seen.mine] + [
                one.id for one in (seen.pop.complaints if seen.pop else ())
            ]
            self.tickets = self.tickets.union(shown) if "mine" not in wanted else frozenset(shown)
        data = _shown(self.held, self.viewer, seen)
        if "queues" in wanted:
            self.served, self.overdue = list(seen.agent["queues"]), data["overdue"]
            self.told = _figures(seen.queues, self.overdue)
            self.lists_at, self.due = time.monotonic(), math.inf
        html = {name: self._part(name, data) for name in wanted}
        return live.frame("parts", {"parts": html, "now": time.time()}, entry)

    def refused(self, item: live.Item) -> bytes | None:
        """The conductor said no to something that this agent asked for, or the one who was asked could not be had."""
        message = item.message
        pages, language = self.held.pages, self.viewer.language
        if isinstance(message, events.ConsultEnded) and message.agent == self.viewer.name:
            words_for_it = words.CONSULT_ENDED.get(message.outcome)
            if words_for_it is None:
                return None
            detail = pages.translate(language, words_for_it).replace("%(who)s", message.to)
            return live.frame("refused", {"code": message.outcome, "detail": detail})
        if isinstance(message, events.CallTransferred) and message.agent == self.viewer.name:
            if message.how != "phones":
                return None
            detail = pages.translate(language, words.BY_PHONE).replace("%(who)s", message.to)
            return live.frame("refused", {"code": "transferred", "detail": detail})
        if not isinstance(message, events.DeskCommandRefused) or message.agent != self.viewer.name:
            return None
        detail = pages.translate(language, words.REFUSALS.get(message.code, words.REFUSED))
        return live.frame("refused", {"code": message.code, "detail": detail})

    def _part(self, name: str, data: dict[str, Any]) -> str:
        return self.held.pages.render(f"desk/{name}.html", self.viewer.language, viewer=self.viewer, **data)


def _figures(queues: list[Entry], overdue: int) -> Any:
    return overdue, [(one["name"], one["label"], one["waiting"], one["oldest"]) for one in queues]


async def _sign_in(held: Parts, viewer: Viewer, tab: str) -> None:
    """The desk is open: a strip on another page only keeps it so."""
    agent, _ = await board.agent_and_call(held.store, viewer.name)
    if tab.startswith("desk:") and (agent["status"] == "signed_out" or agent["paused"] == "desk_lost"):
        message = commands.desk.encode(commands.SignIn(viewer.name, by=viewer.name))
        await stream.append_async(held.store, stream.DESK_COMMANDS, message)


def _shown(held: Parts, viewer: Viewer, seen: View) -> dict[str, Any]:
    """What the parts' templates read."""
    return {
        "agent": seen.agent,
        "call": seen.call,
        "queues": seen.queues,
        "pop": seen.pop,
        "mine": seen.mine,
        "overdue": sum(ticket.overdue for ticket in seen.mine),
        "callbacks": seen.callbacks,
        "notices": seen.notices,
        "who": _who(held, viewer, seen),
        "form_token": secrets.token_urlsafe(12),
        "breaks": words.BREAKS,
    }


def _who(held: Parts, viewer: Viewer, seen: View) -> str:
    """The caller in a few words: the customer's name, what the network said, the number."""
    if seen.call is None:
        return ""
    if seen.pop and seen.pop.customer:
        return seen.pop.customer.name
    if seen.call["kind"] == "internal":
        return str(seen.call["called"] if seen.call["agent"] == viewer.name else seen.call["caller_name"])
    if seen.call["withheld"]:
        return held.pages.translate(viewer.language, lazy("Number withheld"))
    return str(seen.call["caller_name"] or (seen.pop.national if seen.pop else seen.call["caller"]))


def _completed(session: Session, call: Entry | None) -> Entry | None:
    """A call that left the board while its agent still wraps up is read from the record."""
    if call is None or call["state"] != "ended" or call["caller"]:
        return call
    row = session.get(Call, call["id"])
    if row is None:
        return call
    known = {
        "caller": row.caller,
        "caller_name": row.caller_name,
        "withheld": row.withheld,
        "queue": row.queue,
    }
    return {**call, **known, "customer": row.customer_id or 0, "ticket": row.ticket_id or 0}


def _pop(session: Session, held: Parts, viewer: Viewer, call: Entry) -> Pop:
    number = call["caller"] if call["direction"] != "out" else call["called"] or call["caller"]
    return pop(
        session,
        number,
        call["withheld"],
        held.settings.country,
        call["customer"] or None,
        db.now(),
        viewer.language,
    )
