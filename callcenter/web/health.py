"""`/health`: which part is well. Open to everybody: it names no person and no call."""

from typing import Any

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from callcenter import jobs, stream, timers
from callcenter.calls import ledger
from callcenter.web import alarms, respond
from callcenter.web.parts import Parts, parts

LAG_ALLOWED = 120.0
"""Seconds that the sweep of timers, or the record of calls, may be late before it is unwell (service desk guide)."""
LEASE = "conductor:lease"


def routes() -> list[BaseRoute]:
    return [Route("/health", show)]


async def show(request: Request) -> Response:
    """200 when every part is well, else 503. `alarms`: what needs a hand although all runs; they change no status."""
    held = parts(request)
    found = {"record": await _record(held), **await _store(held)}
    well = all(part["well"] for part in found.values())
    raised = await alarms.standing(held.store) if found["store"]["well"] else []
    data = {"well": well, "parts": found, "alarms": raised}
    return respond.page(request, "health.html", data, 200 if well else 503)


async def _record(held: Parts) -> dict[str, Any]:
    try:
        await held.record.read(lambda session: session.connection().execute(text("SELECT 1")).scalar())
    except SQLAlchemyError as error:
        return {"well": False, "detail": type(error).__name__}
    return {"well": True, "detail": held.record.engine.dialect.name}


async def _store(held: Parts) -> dict[str, dict[str, Any]]:
    """The store, and all that shows itself alive there."""
    try:
        await held.store.ping()
        return {
            "store": {"well": True, "detail": ""},
            "conductor": await _conductor(held),
            "lines": await _lines(held),
            "timers": await _lag(held, timers.ALIVE),
            "ledger": await _lag(held, ledger.ALIVE),
            "workers": await _workers(held),
        }
    except (redis.RedisError, OSError) as error:
        return {"store": {"well": False, "detail": type(error).__name__}}


async def _conductor(held: Parts) -> dict[str, Any]:
    return {"well": bool(await held.store.exists(LEASE)), "detail": ""}


async def _lines(held: Parts) -> dict[str, Any]:
    prefix = stream.line_alive("")
    alive = [key.decode()[len(prefix) :] async for key in held.store.scan_iter(f"{prefix}*", count=500)]
    return {"well": bool(alive), "detail": ", ".join(sorted(alive))}


async def _lag(held: Parts, key: str) -> dict[str, Any]:
    """A process that says how late it is, as long as it lives."""
    lag = await held.store.get(key)
    return {
        "well": lag is not None and float(lag) < LAG_ALLOWED,
        "detail": f"{float(lag):.1f} s" if lag else "",
    }


async def _workers(held: Parts) -> dict[str, Any]:
    """Every queue has a worker that RQ still counts."""
    served: set[str] = set()
    for key in await held.store.smembers("rq:workers"):
        served.update((await _queues(held, key)).split(","))
    missing = sorted(set(jobs.QUEUES) - served)
    return {"well": not missing, "detail": ", ".join(missing)}


async def _queues(held: Parts, worker: bytes | str) -> str:
    named: Any = await held.store.hget(worker, "queues")
    return named.decode() if named else ""
