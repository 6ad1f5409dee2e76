"""What the pages tell an agent of a supervisor in the call: all in the open, nothing in private."""

import json
import time

import pytest

from callcenter import db, events
from callcenter.calls.models import Call, CallEvent
from callcenter.settings import Settings
from tests.pages import Pages, frames, serve

PAGES = ("/desk", "/board", "/agents", "/agents/sue", "/calls/c1", "/queues/default")


def listened_to(pages: Pages) -> None:
    """Sue listens to Mei's call; Tom, who supervises too, tried to."""
    now = time.time()
    pages.add_user("mei", phone="2001")
    pages.add_user("sue", "supervisor", phone="2009")
    party = {
        "leg": "s1",
        "role": "supervisor",
        "name": "sue",
        "state": "up",
        "mode": "listen",
        "inside": True,
    }
    call = {"id": "c1", "state": "bridged", "caller": "+8613912345678", "leg": "c1", "agent_leg": "a1"}
    hears = {"c1": ["a1"], "a1": ["c1"], "s1": ["c1", "a1"]}
    pages.board(
        "calls", "c1", **call, agent="mei", since=now, started=now, parties={"s1": party}, heard=hears
    )
    at_work = {"status": "available", "reachable": True, "queues": ["default"], "since": now, "call": "c1"}
    pages.board("agents", "mei", name="mei", activity="talking", **at_work)
    pages.board("agents", "sue", name="sue", activity="supervising", **at_work)
    told = (
        events.CallSupervised(now, "c1", "mei", "sue", "listen"),
        events.DeskCommandRefused(now, "tom", "Supervise", "no-phone", "c1"),
    )
    with pages.session() as session:
        session.add(Call(id="c1", started_at=db.now(), agent="mei"))
        for entry, one in enumerate(told):
            body = events.public.encode(one)
            session.add(
                CallEvent(entry=f"{entry}-1", call_id="c1", type=type(one).__name__, at=db.now(), body=body)
            )


@pytest.mark.parametrize("language", ["en", "zh-Hans", "zh-Hant"])
def test_private(settings: Settings, language: str) -> None:
    with serve(settings.model_copy(update={"supervision": "private"})) as pages:
        listened_to(pages)
        word = {"en": "Supervising", "zh-Hans": "监听", "zh-Hant": "監聽"}[language]
        with pages.browser("sue") as supervisor:
            shown = supervisor.get("/agents", headers={"accept-language": language}).text
            told = supervisor.get("/calls/c1", headers={"accept": "application/json"}).text
        assert word in shown
        assert "CallSupervised" in told
        with pages.browser("mei") as agent:
            for path in PAGES:
                answer = agent.get(path, headers={"accept-language": language})
                assert word not in answer.text, path
                text = agent.get(path, headers={"accept": "application/json"}).text
                assert '"s1"' not in text, path
                assert "upervise" not in text, path
            targets = agent.get("/desk/targets").json()["agents"]
            assert [(one["name"], one["free"]) for one in targets] == [("sue", False)]
            assert agent.get("/events").status_code == 403
            with agent.stream("GET", "/desk/live?view=desk&tab=t1") as answer:
                drawn = next(frame for frame in frames(answer.iter_lines()) if frame["event"] == "parts")
            assert "sue" not in json.dumps(drawn)


def test_open(settings: Settings) -> None:
    with serve(settings) as pages:
        listened_to(pages)
        with pages.browser("mei") as agent:
            assert "Supervisor in the call: sue" in agent.get("/desk", headers={"accept-language": "en"}).text
            told = agent.get("/board", headers={"accept": "application/json"}).json()
        assert [one["activity"] for one in told["agents"] if one["name"] == "sue"] == ["supervising"]
