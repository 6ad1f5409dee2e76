"""The web process in this one, on a port of the system's, and people who look at it."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import redis
import uvicorn
from sqlmodel import Session

from callcenter import db, defaults, events, stream
from callcenter.people import desk as people
from callcenter.people.models import User
from callcenter.settings import Settings
from callcenter.web import app

PASSWORD = "correct horse battery"
DEADLINE = 15.0


@dataclass
class Pages:
    """A running web process, with the record and the store behind it."""

    url: str
    settings: Settings
    store: redis.Redis

    def session(self) -> contextlib.AbstractContextManager[Session]:
        return db.write(self._engine)

    def __post_init__(self) -> None:
        self._engine = db.connect(self.settings.sql)
        defaults.ensure(self._engine, self.settings)

    def add_user(self, name: str, role: str = "agent", **more: Any) -> User:
        with self.session() as session:
            return people.add_user(session, name, role, db.now(), password=PASSWORD, **more)

    def add_token(self, name: str, role: str = "supervisor") -> str:
        with self.session() as session:
            return people.add_token(session, name, role, db.now())

    def program(self, role: str = "supervisor", name: str = "robot") -> httpx.Client:
        """A client with a bearer token."""
        return self.client(authorization=f"Bearer {self.add_token(name, role)}", accept="application/json")

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=DEADLINE, trust_env=False)

    @contextlib.contextmanager
    def browser(self, name: str) -> Iterator[httpx.Client]:
        """A client that signed in through the form; its requests carry the page's token."""
        with self.client() as client:
            answer = client.post("/sign-in", data={"name": name, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            page = client.get("/agents")
            client.headers["x-page-token"] = page.text.split('name="page-token" content="')[1].split('"')[0]
            yield client

    def tell(self, message: Any) -> str:
        """Append a public event, as the conductor does."""
        return stream.append(self.store, stream.PUBLIC, events.public.encode(message))

    def board(self, part: str, key: str, /, **entry: Any) -> None:
        """Write a live board's entry, as the conductor does."""
        self.store.hset(f"board:{part}", key, json.dumps(entry))

    def asked(self) -> list[dict[str, Any]]:
        """Every command that the pages gave the conductor."""
        return [json.loads(fields[b"body"]) for _, fields in self.store.xrange(stream.DESK_COMMANDS)]

    def close(self) -> None:
        self._engine.dispose()


@contextlib.contextmanager
def serve(settings: Settings) -> Iterator[Pages]:
    """The pages, until the end of the block."""
    built = app.build(settings)
    config = uvicorn.Config(built, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1)
    server = app.Server(config, built.state.parts.feed)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with redis.Redis.from_url(settings.redis_url) as store:
        pages = Pages(f"http://127.0.0.1:{port}", settings, store)
        try:
            yield pages
        finally:
            server.should_exit = True
            thread.join(DEADLINE)
            pages.close()


def until(condition: Any) -> Any:
    """What `condition` returns once it is true."""
    deadline = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found


def frames(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """SSE frames: `id`, `event` and `data` (from JSON)."""
    frame: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if not line and frame:
            yield frame
            frame = {}
        elif name == "data":
            frame["data"] = json.loads(value)
        elif name in {"id", "event"}:
            frame[name] = value
