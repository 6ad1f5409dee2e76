"""The live board as the conductor keeps it (docs/contracts.md), read for the pages."""

from dataclasses import dataclass
from typing import Any

import orjson
import redis.asyncio

from callcenter.errors import NotFound
from callcenter.web.auth import Viewer
from callcenter.web.parts import Parts

Entry = dict[str, Any]

_CALL: Entry = {
    "id": "", "kind": "inbound", "direction": "in", "state": "arriving", "caller": "", "caller_name": "",
    "withheld": False, "called": "", "customer": 0, "ticket": 0, "queue": "", "position": 0, "agent": "",
    "offer": "", "line": "", "started": 0.0, "queued": 0.0, "answered": 0.0, "held": 0.0, "muted": False,
    "since": 0.0, "attempt": "", "help": False, "priority": 0, "tier": "", "language": "", "lacks": [],
    "parties": {}, "phone_held": False, "caller_held": False, "sent_by": "", "note": "", "transfers": 0, "outcome": "",
    "recording_state": "", "recording_until": 0.0, "recording_mode": "off", "may_release": False, "releasing": "",
}  # fmt: skip
_AGENT: Entry = {
    "name": "", "display": "", "status": "signed_out", "reason": "", "activity": "idle", "reachable": False,
    "paused": "", "since": 0.0, "status_since": 0.0, "call": "", "offer": "", "wrap_until": 0.0, "wrap_call": "",
    "extensions": 0, "extended": 0.0, "may_extend": True,
    "queues": [], "phone": "", "misses": 0, "help": False, "remote_answer": False,
    "hand": "", "hand_by": "", "hand_at": 0.0,
}  # fmt: skip
_QUEUE: Entry = {
    "name": "", "label": "", "waiting": 0, "oldest": 0.0, "offered": 0, "answered": 0, "abandoned": 0,
    "short_abandon": 0, "deflected": 0, "overflowed": 0, "messages": 0, "callbacks": 0, "kept": 0,
    "closed": False, "closed_by": "", "within": 0, "lost": 0, "service_level": 20.0, "longest_today": 0.0, "day": "",
}  # fmt: skip

_QUEUE_RULES: Entry = {"recording": "off", "extension_times": 5, "extension_seconds": 300.0}


@dataclass(frozen=True, slots=True)
class Board:
    """`calls`, `agents` and `queues` by id or name, each entry complete whatever release wrote it."""

    calls: dict[str, Entry]
    agents: dict[str, Entry]
    queues: dict[str, Entry]


async def whole(store: redis.asyncio.Redis) -> Board:
    """Everything, as it stood at one instant."""
    async with store.pipeline(transaction=True) as pipe:
        for name in ("board:calls", "board:agents", "board:queues"):
            pipe.hgetall(name)
        calls, agents, queues = await pipe.execute()
    return Board(_entries(calls, _CALL), _entries(agents, _AGENT), _entries(queues, _QUEUE))


async def seen_by(held: Parts, viewer: Viewer) -> Board:
    """Everything that this person may see (`discreet`)."""
    seen = await whole(held.store)
    return without_listeners(seen, viewer) if discreet(held, viewer) else seen


def discreet(held: Parts, viewer: Viewer) -> bool:
    """Whether nothing is shown that tells who listens: where the centre supervises in private (`Settings.supervision`),
    unless the person may supervise too."""
    return held.settings.supervision == "private" and not viewer.may("calls.supervise")


def without_listeners(seen: Board, viewer: Viewer) -> Board:
    """The board as who is not to know them sees it."""
    calls = {name: without_supervisors(call, viewer.name) for name, call in seen.calls.items()}
    return Board(calls, {name: _discreet(one, seen) for name, one in seen.agents.items()}, seen.queues)


def without_supervisors(call: Entry, viewer: str) -> Entry:
    """The call as who is not to know it sees it: nobody supervises in it, but perhaps the viewer."""
    there: dict[str, Entry] = call.get("parties") or {}
    kept = {leg: one for leg, one in there.items() if one["role"] != "supervisor" or one["name"] == viewer}
    return {**{key: value for key, value in call.items() if key != "heard"}, "parties": kept}


def able(entry: Entry, capability: str) -> bool:
    """Whether the line of this call, or this line, has a capability (`telephony.line.CAPABILITIES`); what it lacks no
    page offers. A call whose line is not known yet is thought able: the line has the last word."""
    return capability not in entry["lacks"]


async def agent_and_call(store: redis.asyncio.Redis, name: str) -> tuple[Entry, Entry | None]:
    """An agent, and the call that this agent is offered, speaks in or wraps up."""
    kept = await store.hget("board:agents", name)
    agent = _entry(kept, {**_AGENT, "name": name})
    wanted = agent["call"] or agent["wrap_call"]
    if not wanted:
        return agent, None
    call = _entry(await store.hget("board:calls", wanted), {**_CALL, "id": wanted, "state": "ended"})
    if call["line"]:
        line = _entry(await store.hget("board:lines", call["line"]), {"lacks": []})
        call["lacks"] = line["lacks"]
    if call["queue"]:
        queue = _entry(await store.hget("board:queues", call["queue"]), _QUEUE_RULES)
        call["recording_mode"] = queue["recording"]
        agent["may_extend"] = _may_extend(agent, queue)
    return agent, call


def _may_extend(agent: Entry, queue: Entry) -> bool:
    """Whether the wrap-up that runs may be lengthened once more (`routing.talks.extend`)."""
    again: bool = agent["extensions"] < queue["extension_times"]
    return again and agent["extended"] < queue["extension_seconds"]


async def queue_of(store: redis.asyncio.Redis, call: str) -> str:
    """The queue of a call, empty for none. Raises NotFound for a call that is not on the board (any more)."""
    kept = await store.hget("board:calls", call)
    if kept is None:
        raise NotFound
    return str(_entry(kept, _CALL)["queue"])


async def must_know(store: redis.asyncio.Redis, call: str) -> None:
    """Raises NotFound for a call that is not on the board (any more); empty: none is meant."""
    if call and not await _exists(store, call):
        raise NotFound


async def _exists(store: redis.asyncio.Redis, call: str) -> bool:
    found: Any = store.hexists("board:calls", call)
    return bool(await found)


async def queues_of(store: redis.asyncio.Redis, names: list[str]) -> list[Entry]:
    """The queues that an agent serves, as they stand."""
    if not names:
        return []
    kept = await store.hmget("board:queues", names)
    return [_entry(found, {**_QUEUE, "name": name}) for name, found in zip(names, kept, strict=True)]


def _discreet(agent: Entry, seen: Board) -> Entry:
    """Somebody who supervises speaks with somebody, and it is not said with whom."""
    there = (seen.calls.get(agent["call"]) or {}).get("parties") or {}
    inside = any(one["role"] == "supervisor" and one["name"] == agent["name"] for one in there.values())
    return (
        {**agent, "activity": "talking", "call": ""}
        if inside or agent["activity"] == "supervising"
        else agent
    )


def _entries(found: dict[bytes, bytes], whole_entry: Entry) -> dict[str, Entry]:
    return {key.decode(): _entry(value, whole_entry) for key, value in found.items()}


def _entry(found: bytes | str | None, whole_entry: Entry) -> Entry:
    return {**whole_entry, **(orjson.loads(found) if found else {})}
