"""Transfer, ask first, swap, complete, conference, drop, leave: each a command, answered 202; the result comes live."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import commands
from callcenter.errors import InvalidInput
from callcenter.web import auth, board, respond, words
from callcenter.web.board import Entry
from callcenter.web.parts import parts

LONGEST_NOTE = 500
KINDS = ("agent", "queue", "number", "release")


def routes() -> list[BaseRoute]:
    return [
        auth.route("/desk/targets", targets, act="desk"),
        _act("/calls/{call}/transfer", transfer),
        _act("/calls/{call}/consultation", consult),
        _act("/calls/{call}/swap", swap),
        _act("/calls/{call}/completion", complete),
        _act("/calls/{call}/conference", confer),
        _act("/calls/{call}/drop", drop),
        _act("/calls/{call}/departure", leave),
    ]


async def targets(request: Request) -> Response:
    """`GET /desk/targets`: to whom a call can go: colleagues with their state, queues with who waits."""
    held, viewer = parts(request), respond.viewer_of(request)
    seen = await board.seen_by(held, viewer)

    def word(code: str, kind: str) -> str:
        return held.pages.translate(viewer.language, words.WORDS[kind].get(code, code))

    colleagues = [
        {
            "name": one["name"],
            "display": one["display"] or one["name"],
            "free": _reachable(one) and one["activity"] == "idle",
            "state": word(*_state(one)),
        }
        for one in seen.agents.values()
        if one["name"] != viewer.name and one["status"] != "signed_out"
    ]
    queues = [
        {"name": one["name"], "label": one["label"] or one["name"], "waiting": one["waiting"]}
        for one in seen.queues.values()
    ]
    colleagues.sort(key=lambda one: (not one["free"], one["display"]))
    return respond.as_json(
        {"agents": colleagues, "queues": sorted(queues, key=lambda one: str(one["label"]))}
    )


async def transfer(request: Request) -> Response:
    """`PUT /calls/{id}/transfer` with `to` (and `kind`: agent | queue | number | release; guessed when missing, never
    release) and `note`."""
    return await _ask(request, commands.TransferCall(_me(request), _call(request), *await _target(request)))


async def consult(request: Request) -> Response:
    """`PUT /calls/{id}/consultation`, as a transfer: speak with them first."""
    return await _ask(request, commands.ConsultCall(_me(request), _call(request), *await _target(request)))


async def swap(request: Request) -> Response:
    """`PUT /calls/{id}/swap`: from the one who is asked to the customer, or again."""
    return await _ask(request, commands.SwapCall(_me(request), _call(request)))


async def complete(request: Request) -> Response:
    """`PUT /calls/{id}/completion`: the one who is asked has the call."""
    return await _ask(request, commands.CompleteTransfer(_me(request), _call(request)))


async def confer(request: Request) -> Response:
    """`PUT /calls/{id}/conference`: all hear each other."""
    return await _ask(request, commands.JoinCall(_me(request), _call(request)))


async def drop(request: Request) -> Response:
    """`PUT /calls/{id}/drop` with `party` (a leg; may be left out when there is only one): let go of them."""
    leg = str((await respond.fields(request)).get("party", ""))[:64]
    return await _ask(request, commands.DropParty(_me(request), _call(request), leg))


async def leave(request: Request) -> Response:
    """`PUT /calls/{id}/departure`: I leave the conference, the others go on."""
    return await _ask(request, commands.LeaveCall(_me(request), _call(request)))


async def _target(request: Request) -> tuple[str, str, str]:
    """Kind, target, note. What a person typed is a colleague's name, a queue's, else a number."""
    given = await respond.fields(request)
    to, kind = str(given.get("to", "")).strip()[:200], str(given.get("kind", ""))
    if not to or (kind and kind not in KINDS):
        raise InvalidInput(**({"kind": ", ".join(KINDS)} if to else {"to": "is missing"}))
    if not kind:
        seen = await board.whole(parts(request).store)
        agents = {one["name"]: one["name"] for one in seen.agents.values()}
        agents |= {one["display"]: one["name"] for one in seen.agents.values() if one["display"]}
        queues = {one["label"]: one["name"] for one in seen.queues.values() if one["label"]}
        queues |= {name: name for name in seen.queues}
        kind = "agent" if to in agents else "queue" if to in queues else "number"
        to = agents.get(to) or queues.get(to) or to
    return kind, to, str(given.get("note", "")).strip()[:LONGEST_NOTE]


def _reachable(agent: Entry) -> bool:
    return bool(agent["reachable"])


def _state(agent: Entry) -> tuple[str, str]:
    """A code and the list of words that it is in."""
    if not agent["reachable"]:
        return "unreachable", "outcome"
    return (agent["status"], "status") if agent["activity"] == "idle" else (agent["activity"], "activity")


async def _ask(request: Request, message: Any) -> Response:
    await board.must_know(parts(request).store, getattr(message, "call", ""))
    await respond.command(request, message)
    return respond.done(request, "/desk")


def _act(path: str, view: auth.View) -> BaseRoute:
    return auth.route(path, view, act="desk", methods=("PUT", "POST"))


def _me(request: Request) -> str:
    return respond.viewer_of(request).name


def _call(request: Request) -> str:
    return str(request.path_params["call"])
