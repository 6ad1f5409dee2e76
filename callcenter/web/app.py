"""Door: pages, JSON, live updates. Reads the board, sends commands, never waits for another process."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callcenter import assets, db, stream
from callcenter.callbacks.desk import follow as follow_callbacks
from callcenter.errors import InvalidInput
from callcenter.recordings.vault import unlock
from callcenter.settings import Settings, host_port
from callcenter.surveys.desk import follow as follow_surveys
from callcenter.tickets.desk import Desk
from callcenter.web import (
    agents,
    auth,
    barred,
    callbacks,
    calls,
    controls,
    customers,
    desk,
    health,
    history,
    hours,
    ledger,
    lines,
    live,
    messages,
    metrics,
    people,
    phones,
    plans,
    prompts,
    queues,
    recordings,
    reports,
    respond,
    sign_in,
    skills,
    staffing,
    steering,
    surveys,
    tickets,
    transfers,
    wallboard,
)
from callcenter.web.pages import STATIC, Pages
from callcenter.web.parts import POOL, Parts, Record

LONGEST_ADDRESS = 4000
LONGEST_BODY = 256 * 1024
"""Bytes."""
LONGEST_UPLOAD = 28 * 1024 * 1024
"""Bytes, of a prompt: its sound as base64 and more."""

HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; "
        b"base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
]
"""Inline styles only: the width of a bar. Scripts come from files."""


def main(settings: Settings) -> int:
    """The web process, until SIGTERM."""
    # Pages are drawn and SQL is read in threads: who rings does not wait for 5 ms until one of them lets go.
    sys.setswitchinterval(0.001)
    host, port = host_port(settings.http)
    app = build(settings)
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    Server(config, app.state.parts.feed).run()
    return 0


class Server(uvicorn.Server):
    """Ends the live connections first, which else would hold up the stop; browsers come back by themselves."""

    def __init__(self, config: uvicorn.Config, feed: live.Feed) -> None:
        super().__init__(config)
        self.feed = feed

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.feed.close()
        await super().shutdown(sockets)


def build(settings: Settings) -> Starlette:
    """The application; `settings.redis_url` names the store."""
    engine = db.connect(settings.sql, POOL)
    store = stream.connect_async(settings.redis_url)
    parts = Parts(
        settings=settings,
        record=Record(engine, stream.connect(settings.redis_url)),
        store=store,
        feed=live.Feed(store),
        pages=Pages(settings),
        wall=wallboard.Wall(),
        vault=unlock(settings),
        desk=Desk(settings, (follow_callbacks, follow_surveys)),
    )

    @contextlib.asynccontextmanager
    async def running(_app: Starlette) -> AsyncIterator[None]:
        tail = asyncio.create_task(parts.feed.run())
        try:
            yield
        finally:
            parts.feed.close()
            await stream.end([tail])
            await store.aclose()
            parts.record.store.close()
            engine.dispose()

    app = Starlette(
        routes=routes(assets.folder(settings.data_dir)),
        middleware=[Middleware(Headers), Middleware(Bounds)],
        exception_handlers=dict.fromkeys(respond.HANDLED, respond.on_error),
        lifespan=running,
    )
    app.state.parts = parts
    return app


def routes(of_others: Path) -> list[BaseRoute]:
    """Every address, one screen after another."""
    return [
        auth.route("/", home),
        *sign_in.routes(),
        *desk.routes(),
        *controls.routes(),
        *transfers.routes(),
        *ledger.routes(),
        *lines.routes(),
        *metrics.routes(),
        *recordings.routes(),
        *reports.routes(),
        *tickets.routes(),
        *wallboard.routes(),
        *agents.routes(),
        *customers.routes(),
        *calls.routes(),
        *callbacks.routes(),
        *messages.routes(),
        *surveys.routes(),
        *people.routes(),
        *phones.routes(),
        *history.routes(),
        *hours.routes(),
        *queues.routes(),
        *plans.routes(),
        *skills.routes(),
        *steering.routes(),
        *staffing.routes(),
        *prompts.routes(),
        *barred.routes(),
        *health.routes(),
        auth.route("/events", live.events_json, act="audit.see"),
        auth.route("/feed", live.changes),
        Mount("/static", StaticFiles(directory=STATIC)),
        Mount("/assets", StaticFiles(directory=of_others, check_dir=False)),
    ]


async def home(request: Request) -> Response:
    """`/`: where this person's day happens."""
    return RedirectResponse(sign_in.home(respond.viewer_of(request).role), 303)


class Bounds:
    """No address and no body is longer than ours are: a body sent in chunks says its length nowhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if len(scope["path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            answer = await respond.on_error(
                Request(scope), InvalidInput("The address is longer than any of ours.")
            )
            await answer(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > (LONGEST_UPLOAD if scope["path"] == "/prompts" else LONGEST_BODY):
                raise InvalidInput("The body is longer than any of our forms.")
            return message

        await self.app(scope, counted, send)


class Headers:
    """What every answer carries to keep a page from being framed, sniffed or scripted by others."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *HEADERS]
            await send(message)

        await self.app(scope, receive, with_headers if scope["type"] == "http" else send)
