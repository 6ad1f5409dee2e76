"""Queues: their rules, who serves them, and how they stand today."""

from typing import Any

from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import stream
from callcenter.people.models import QueueMember, User
from callcenter.routing.models import QueueRow
from callcenter.web import auth, board, respond
from callcenter.web.parts import parts
from callcenter.web.wallboard import service_level


def routes() -> list[BaseRoute]:
    return [auth.route("/queues", listing, act="wallboard")]


async def listing(request: Request) -> Response:
    """`GET /queues`."""
    held = parts(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    seen = await board.whole(held.store)
    rules = await held.record.read(_rules)
    rows = [{**row, "live": seen.queues.get(row["name"])} for row in rules]
    for row in rows:
        row["level"] = service_level(row["live"]) if row["live"] else None
    return respond.page(request, "queues.html", {"queues": rows, "after": after})


def _rules(session: Session) -> list[dict[str, Any]]:
    served: dict[str, list[str]] = {}
    members = select(QueueMember.queue, User.name).join(User).where(User.active).order_by(User.name)
    for queue, name in session.exec(members):
        served.setdefault(queue, []).append(name)
    rows = session.exec(select(QueueRow).order_by(QueueRow.name))
    return [{**row.model_dump(), "agents": served.get(row.name, [])} for row in rows]
