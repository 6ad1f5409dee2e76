"""Agents: who works here and what they do now; a supervisor may set a status."""

from typing import Any

from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, stream
from callcenter.errors import InvalidInput, NotAllowed, NotFound
from callcenter.people.models import QueueMember, User
from callcenter.web import auth, board, respond, words
from callcenter.web.parts import parts


def routes() -> list[BaseRoute]:
    return [
        auth.route("/agents", listing, act="wallboard"),
        auth.route("/agents/{name}/status", set_status, act="agents.steer", methods=("PUT", "POST")),
    ]


async def listing(request: Request) -> Response:
    """`GET /agents`."""
    held = parts(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    seen = await board.seen_by(held, respond.viewer_of(request))
    people = await held.record.read(_people)
    rows = [{**person, "live": seen.agents.get(person["name"])} for person in people]
    return respond.page(request, "agents.html", {"agents": rows, "after": after}, breaks=words.BREAKS)


async def set_status(request: Request) -> Response:
    """`PUT /agents/{name}/status`: `available`, `not_ready` or `break` with a reason; 202."""
    name, given = request.path_params["name"], await respond.fields(request)
    rows = await parts(request).record.read(_people)
    person = next((one for one in rows if one["name"] == name), None)
    if person is None:
        raise NotFound
    if not respond.viewer_of(request).oversees(*person["queues"]):
        raise NotAllowed
    status, reason = chosen_status(given)
    by = respond.viewer_of(request).name
    await respond.command(request, commands.SetStatus(name, status, reason, by=by))
    return respond.done(request, "/agents")


def chosen_status(given: dict[str, Any]) -> tuple[str, str]:
    """Status and break reason of a form, where `break:meal` names both. InvalidInput when there is no such status."""
    status, _, joined = str(given.get("status", "")).partition(":")
    reason = joined or str(given.get("reason", ""))
    if status == "break":
        if reason not in words.BREAKS:
            raise InvalidInput(reason=", ".join(words.BREAKS))
        return status, reason
    if status not in words.STATUSES:
        raise InvalidInput(status=", ".join((*words.STATUSES, "break")))
    return status, ""


def _people(session: Session) -> list[dict[str, Any]]:
    """Everybody active, with the queues that they serve."""
    served: dict[int, list[str]] = {}
    for member in session.exec(select(QueueMember)):
        served.setdefault(member.user_id, []).append(member.queue)
    users = session.exec(select(User).where(User.active).order_by(User.name))
    return [
        {
            "name": user.name,
            "display": user.display_name or user.name,
            "role": user.role,
            "phone": user.phone,
            "queues": sorted(served.get(user.id or 0, [])),
        }
        for user in users
    ]
