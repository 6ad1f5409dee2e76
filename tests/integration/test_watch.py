"""A dispatcher that does not dispatch: seen in the store, told on the wallboard and on Health, over when it is over."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from callcenter import stream
from callcenter.routing import watch
from callcenter.settings import Settings
from tests.pages import Pages, serve

WORDS = "Callers wait although agents are ready"


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("susan", "supervisor")
        yield running


def test_callers_beside_ready_agents_are_an_alarm_until_they_are_served(pages: Pages) -> None:
    now = time.time()
    pages.board("queues", "default", name="default", waiting=1)
    pages.board("lines", "line1", name="line1", up=True)
    pages.board(
        "agents", "mei", name="mei", status="available", reachable=True, fixed=True, phone="mei",
        queues=["default"], since=now - 60, status_since=now - 60,
    )  # fmt: skip
    waits = {"id": "c1", "queue": "default", "line": "line1", "since": now - 9, "lined_up": now - 9}
    pages.board("calls", "c1", state="queued", **waits)
    watch.look(pages.store, now)
    watch.look(pages.store, now)
    with pages.browser("susan") as susan:
        for path in ("/board", "/health"):
            assert WORDS in susan.get(path).text
        pages.board("calls", "c1", state="offered", agent="mei", **waits)
        watch.look(pages.store, now)
        assert WORDS not in susan.get("/board").text
    entries: Any = pages.store.xrange(stream.PUBLIC)
    told = [body for _, body in entries if b"AlarmChanged" in body[b"body"]]
    assert len(told) == 2, "when it began and when it ended"
