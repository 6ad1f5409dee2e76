"""An agent's skills: what queues may ask for (`routing.rules.Ring`)."""

from typing import Any

from sqlmodel import Session, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands, db, stream
from callcenter.errors import InvalidInput, NotFound
from callcenter.people import desk as people
from callcenter.people import keeping
from callcenter.people.models import QueueMember
from callcenter.routing.queues import pairs
from callcenter.web import asked, auth, board, respond, words
from callcenter.web import people as profiles
from callcenter.web.parts import parts


def routes() -> list[BaseRoute]:
    return [
        auth.route("/agents/{name}", show, act="wallboard"),
        auth.route("/agents/{name}/skills", change, act="users.write", methods=("PUT", "POST")),
    ]


async def show(request: Request) -> Response:
    """`GET /agents/{name}`: what he does now (`live`), skills and queues."""
    held, name = parts(request), request.path_params["name"]
    after = await stream.last_id(held.store, stream.PUBLIC)
    told = await held.record.read(lambda session: _agent(session, name))
    live = (await board.seen_by(held, respond.viewer_of(request))).agents.get(name)
    return respond.page(request, "agent.html", {**told, "live": live, "after": after}, breaks=words.BREAKS)


async def change(request: Request) -> Response:
    """`PUT /agents/{name}/skills` with `skills`: {name: level}, or `english 80, billing 50`; all that the agent has; with
    the `version` that was seen 409 says what is different now."""
    held, viewer, name = parts(request), respond.viewer_of(request), request.path_params["name"]
    given = await respond.fields(request)
    wanted, version = levels(given.get("skills", "")), asked.number(given, "version")

    def write(session: Session) -> dict[str, int]:
        fields, rules = {"skills": wanted}, profiles.rules(session)
        keeping.save(session, name, fields, version, db.now(), viewer.name, rules)
        return wanted

    told = await held.record.write(write)
    await respond.command(request, commands.ReloadDirectory(by=viewer.name))
    return respond.done(request, f"/agents/{name}", {"name": name, "skills": told}, 200)


def levels(raw: Any) -> dict[str, int]:
    """What was sent as skills. Raises InvalidInput (`skills`)."""
    try:
        given = pairs(raw) if isinstance(raw, str) else dict(raw)
        return {str(skill).strip(): int(str(level)) for skill, level in given.items()}
    except (ValueError, TypeError):
        raise InvalidInput(skills="skills and levels from 1 to 100, as english 80, billing 50") from None


def _agent(session: Session, name: str) -> dict[str, Any]:
    user = people.by_name(session, name)
    if user is None or not user.active:
        raise NotFound
    queues = session.exec(select(QueueMember.queue).where(QueueMember.user_id == user.id))
    agent = {
        "name": user.name,
        "display": user.display_name or user.name,
        "role": user.role,
        "version": user.version,
        "skills": people.skills_of(session, user).get(user.id or 0, {}),
        "queues": sorted(queues),
    }
    return {"agent": agent, "known": [skill.name for skill in people.skills(session)]}
