"""Surveys: what customers answered, and who is still to be asked."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import stream
from callcenter.errors import InvalidInput
from callcenter.surveys import desk
from callcenter.web import auth, respond
from callcenter.web.parts import parts

STATES = ("due", "dialling", "answered", "given_up", "cancelled")


def routes() -> list[BaseRoute]:
    return [auth.route("/surveys", listing, act="surveys.see")]


async def listing(request: Request) -> Response:
    """`GET /surveys?state=`: the newest first."""
    held, state = parts(request), request.query_params.get("state", "")
    if state and state not in STATES:
        raise InvalidInput(state=", ".join(STATES))
    after = await stream.last_id(held.store, stream.PUBLIC)
    rows = await held.record.read(lambda session: desk.listing(session, state))
    answered = [row.score for row in rows if row.score]
    mean = sum(answered) / len(answered) if answered else None
    data = {"surveys": rows, "after": after}
    return respond.page(
        request, "surveys.html", data, state=state, states=STATES, mean=mean, count=len(answered)
    )
