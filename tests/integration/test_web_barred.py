"""Abusive callers by number, and banned addresses."""

import json
import time
from collections.abc import Iterator

import pytest
from sqlmodel import select

from callcenter import db, stream
from callcenter.people.models import AuditEntry
from callcenter.routing import directory
from callcenter.settings import Settings
from tests.pages import Pages, serve

NUMBER = "+8613912345678"


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("sam", "supervisor")
        running.add_user("mei")
        yield running


def test_a_supervisor_bars_a_caller_and_lets_him_in_again(pages: Pages) -> None:
    with pages.browser("sam") as client:
        client.headers["accept"] = "application/json"
        assert client.post("/barred", json={"number": "139 1234 5678", "reason": ""}).status_code == 422
        made = client.post("/barred", json={"number": "139 1234 5678", "hours": 1, "reason": "threats"})
        assert made.status_code == 201
        with pages.session() as session:
            config = directory.line_config(session, pages.settings)
        assert [one.number for one in config.barred] == [NUMBER]
        assert config.barred[0].until > time.time()
        assert client.put(f"/barred/{made.json()['id']}/removal").status_code == 200
        (row,) = client.get("/barred").json()["callers"]
        assert (row["number"], row["by"], row["removed_by"], row["standing"]) == (NUMBER, "sam", "sam", False)
        with pages.session() as session:
            assert not directory.line_config(session, pages.settings).barred
        back = client.put(f"/barred/{row['id']}/restoration").json()
        assert back["number"] == NUMBER
        assert client.put(f"/barred/{back['id']}/restoration").json()["id"] == back["id"]
        assert client.put("/barred/999/restoration").status_code == 404
        assert [one["standing"] for one in client.get("/barred").json()["callers"]] == [True, False]
    with pages.session() as session:
        assert [one.number for one in directory.line_config(session, pages.settings).barred] == [NUMBER]
        assert {"caller.bar", "caller.unbar"} <= {
            one.action for one in session.exec(select(AuditEntry)).all()
        }
    assert [asked["type"] for asked in pages.asked()].count("ReloadDirectory") == 4


def test_a_ban_is_shown_and_lifted(pages: Pages) -> None:
    pages.board("lines", "line1", name="line1", up=True)
    ban = {"source": "192.0.2.1", "why": "scanner", "until": db.now().timestamp() + 60}
    pages.store.hset(stream.line_bans("line1"), "192.0.2.1", json.dumps(ban))
    with pages.browser("sam") as client:
        assert "192.0.2.1" in client.get("/barred").text
        client.put("/bans/removal", json={"source": "192.0.2.1"})
    assert pages.asked()[-1] == {"type": "HearAgain", "source": "192.0.2.1", "by": "sam"}
    with pages.browser("mei") as client:
        assert client.get("/barred").status_code == 403
