"""Surveys: who was asked how it went, what the answer was, and what they come to."""

from typing import Any

from sqlmodel import Session
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import stream
from callcenter.customers import numbers
from callcenter.outbound import attempts
from callcenter.people import desk as people
from callcenter.surveys import desk, lists
from callcenter.web import asked, auth, respond
from callcenter.web.parts import parts

Told = dict[str, Any]


def routes() -> list[BaseRoute]:
    return [
        auth.route("/surveys", listing, act="surveys.see"),
        auth.route("/surveys/{id:int}", show, act="surveys.see"),
    ]


async def listing(request: Request) -> Response:
    """`GET /surveys?state=&score=1..5|low&agent=&after=`, the newest first, with the mean of the whole selection."""
    held, words = parts(request), asked.words(request, "state", "score", "agent")
    begins, limit = asked.after(request), asked.limit(request)
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        rows, following = lists.page(session, **words, after=begins, limit=limit)
        return {
            "surveys": rows,
            "next": following,
            "figures": lists.figures(session, **words),
            "after": after,
        }

    data = await held.record.read(read)
    if respond.wants_json(request):
        return respond.as_json(data)
    names = await held.record.read(lambda session: [user.name for user in people.users(session)])
    shown = {"asked": words, "begins": begins, "states": lists.STATES, "agent_names": names}
    return respond.html(request, "surveys.html", {**data, **shown})


async def show(request: Request) -> Response:
    """`GET /surveys/{id}`: the answer, and every attempt with the reason where the gate refused it."""
    held, which = parts(request), request.path_params["id"]
    after = await stream.last_id(held.store, stream.PUBLIC)

    def read(session: Session) -> Told:
        row = lists.find(session, which)
        tried = attempts.of(session, desk.KIND, which)
        told = [one.model_dump(exclude={"kind", "ref"}) for one in tried]
        return {"survey": row, "attempts": told, "after": after}

    data = await held.record.read(read)
    national = numbers.national(data["survey"].number, held.settings.country)
    return respond.page(request, "survey.html", data, national=national)
