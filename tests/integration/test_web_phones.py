"""Phones and trunks: what is configured beside what the lines tell of it, and no secret."""

import json
from collections.abc import Iterator

import pytest

from callcenter import stream
from callcenter.settings import Settings, TrunkSettings
from callcenter.web.lines import LINES
from tests.pages import Pages, serve

TRUNK = {"name": "carrier", "address": "192.0.2.7:5060", "username": "hotline", "password": "trunk-secret"}


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings.model_copy(update={"trunks": (TrunkSettings(**TRUNK),)})) as running:  # type: ignore[arg-type]
        yield running


def test_trunks_tell_their_true_state_and_no_secret(pages: Pages) -> None:
    for name, why, up in (("line1", "", True), ("line2", "timeout", True), ("line3", "", False)):
        line = {"name": name, "up": up, "address": "", "driver": "sipua", "capacity": 10, "lacks": [],
                "trunks": {"carrier": why}}  # fmt: skip
        pages.store.hset(LINES, name, json.dumps(line))
        if up:
            pages.store.set(stream.line_figures(name), json.dumps({"legs": 0}))
    with pages.program("auditor") as client:
        answer = client.get("/trunks")
        assert answer.json()["trunks"][0]["states"] == [
            {"line": "line1", "up": True, "why": ""},
            {"line": "line2", "up": False, "why": "timeout"},
        ]
        assert "trunk-secret" not in answer.text


def test_phones_tell_how_they_are_reached(pages: Pages) -> None:
    pages.add_user("wu", phone="1001", phone_ha1="x y")
    pages.add_user("mei", phone="sip:mei@192.0.2.9", display_name="Mei 梅")
    pages.add_user("bo", phone="1003")
    pages.add_user("no", phone="")
    pages.board("agents", "wu", name="wu", reachable=True)
    pages.board("agents", "mei", name="mei", reachable=False)
    with pages.program("admin") as client:
        found = {one["name"]: one for one in client.get("/phones").json()["phones"]}
    assert {name: (one["registers"], one["secret"], one["reachable"]) for name, one in found.items()} == {
        "wu": (True, True, True),
        "mei": (False, False, False),
        "bo": (True, False, None),
    }


@pytest.mark.parametrize("language", ["en", "zh_Hans", "zh_Hant"])
def test_the_pages_show_in_every_language(pages: Pages, language: str) -> None:
    pages.add_user("root", "admin", phone="1001", language=language)
    down = {"name": "line1", "up": True, "address": "", "driver": "sipua", "capacity": 10, "lacks": [],
            "trunks": {"carrier": "registration: 401"}}  # fmt: skip
    pages.store.hset(LINES, "line1", json.dumps(down))
    pages.store.set(stream.line_figures("line1"), json.dumps({"legs": 0}))
    with pages.browser("root") as client:
        assert "1001" in client.get("/phones").text
        trunks = client.get("/trunks").text
        assert "192.0.2.7:5060" in trunks
        assert "trunk-secret" not in trunks
        said = {
            "en": "refuses our user name",
            "zh_Hans": "拒绝了我们的用户名",
            "zh_Hant": "拒絕了我們的用戶名稱",
        }
        assert said[language] in trunks
