"""Phones and trunks as they are configured beside what the lines tell of them now. Secrets are never shown."""

from typing import Any

from sqlmodel import Session, col, select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import stream
from callcenter.people.models import User
from callcenter.routing.directory import is_address
from callcenter.telephony.config import trunks_of
from callcenter.web import auth, board, respond
from callcenter.web.lines import lines
from callcenter.web.parts import parts

Told = dict[str, Any]
CONFIGURED = (
    *("name", "address", "transport", "country", "register", "username", "caller", "prefixes", "channels"),
    *("keepalive", "srtp", "number_format", "trusted", "release"),
)
"""Fields of a trunk (`telephony.line.Trunk`) that are told: all but its password."""


def routes() -> list[BaseRoute]:
    return [
        auth.route("/phones", phones, act="settings.see"),
        auth.route("/trunks", trunks, act="settings.see"),
    ]


async def phones(request: Request) -> Response:
    """`GET /phones`: everybody's phone, how it is reached (`registers` here, or is called at its `address`), whether it
    has a secret, and whether it can be reached now; None while the conductor does not serve the person."""
    held = parts(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    live = (await board.whole(held.store)).agents
    data = {"phones": [_phone(one, live) for one in await held.record.read(_with_phones)], "after": after}
    return respond.page(request, "phones.html", data)


async def trunks(request: Request) -> Response:
    """`GET /trunks`: each trunk of the settings with `states`: line -> `up`, and `why` not; only lines that are up tell."""
    held = parts(request)
    after = await stream.last_id(held.store, stream.PUBLIC)
    found = [line for line in await lines(held) if line["up"]]
    told = [
        {
            **{field: getattr(trunk, field) for field in CONFIGURED},
            "states": [
                {
                    "line": line["name"],
                    "up": not line["trunks"][trunk.name],
                    "why": line["trunks"][trunk.name],
                }
                for line in found
                if trunk.name in line["trunks"]
            ],
        }
        for trunk in trunks_of(held.settings)
    ]
    return respond.page(request, "trunks.html", {"trunks": told, "after": after})


def _with_phones(session: Session) -> list[User]:
    return list(session.exec(select(User).where(col(User.active), User.phone != "").order_by(User.name)))


def _phone(user: User, live: dict[str, Told]) -> Told:
    entry = live.get(user.name)
    return {
        "name": user.name,
        "display": user.display_name or user.name,
        "phone": user.phone,
        "registers": not is_address(user.phone),
        "secret": bool(user.phone_ha1),
        "remote_answer": user.remote_answer,
        "reachable": bool(entry["reachable"]) if entry else None,
    }
