"""Sign-in, sessions, rights, and what keeps other people's pages from acting in our name."""

from collections.abc import Iterator

import pytest

from callcenter.settings import Settings
from tests.pages import PASSWORD, Pages, serve


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        yield running


def test_a_person_signs_in_works_and_signs_out(pages: Pages) -> None:
    pages.add_user("mei", "supervisor", display_name="Mei 梅")
    with pages.client() as client:
        assert client.get("/board").headers["location"] == "/sign-in?next=/board"
        answer = client.post("/sign-in?next=/board", data={"name": "mei", "password": PASSWORD})
        assert (answer.status_code, answer.headers["location"]) == (303, "/board")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        page = client.get("/board")
        assert "Mei 梅" in page.text
        token = page.text.split('name="page-token" content="')[1].split('"')[0]
        kept = client.cookies["callcenter"]
        assert client.post("/sign-out", data={"page_token": token}).status_code == 303
        client.cookies.set("callcenter", kept)
        assert client.get("/board").status_code == 303


def test_nobody_is_sent_to_another_host_after_sign_in(pages: Pages) -> None:
    pages.add_user("mei", "supervisor")
    with pages.client() as client:
        answer = client.post("/sign-in?next=//evil.example/", data={"name": "mei", "password": PASSWORD})
        assert answer.headers["location"] == "/board"


def test_a_wrong_password_is_said_and_guessing_becomes_slow(pages: Pages) -> None:
    pages.add_user("mei")
    with pages.client() as client:
        for _ in range(5):
            answer = client.post("/sign-in", data={"name": "mei", "password": "guess"})
            assert answer.status_code == 401
            assert "not right" in answer.text
        answer = client.post("/sign-in", data={"name": "mei", "password": PASSWORD})
        assert answer.status_code == 429
        told = client.post(
            "/sign-in", json={"name": "mei", "password": PASSWORD}, headers={"accept": "application/json"}
        )
        assert told.json()["error"] == "too-many-attempts"
        assert int(told.headers["retry-after"]) > 0


def test_another_sites_form_changes_nothing(pages: Pages) -> None:
    pages.add_user("mei", "supervisor")
    pages.add_user("wu")
    with pages.browser("mei") as client:
        body = {"status": "available"}
        assert client.put("/agents/wu/status", json=body).status_code in {202, 303}
        foreign = client.put("/agents/wu/status", json=body, headers={"sec-fetch-site": "cross-site"})
        assert foreign.status_code == 403
        origin = client.put("/agents/wu/status", json=body, headers={"origin": "https://evil.example"})
        assert origin.status_code == 403
        client.headers["x-page-token"] = "guess"
        assert client.put("/agents/wu/status", json=body).status_code == 403
    assert [asked["agent"] for asked in pages.asked()] == ["wu"]


def test_rights_are_kept_in_json_with_a_stable_error(pages: Pages) -> None:
    pages.add_user("wu")
    with pages.program("agent") as agent, pages.client(accept="application/json") as nobody:
        answer = agent.put("/agents/wu/status", json={"status": "available"})
        assert (answer.status_code, answer.json()["error"]) == (403, "not-allowed")
        answer = nobody.get("/board")
        assert (answer.status_code, answer.json()["error"]) == (401, "not-signed-in")
        assert set(answer.json()) == {"error", "detail", "fields"}
        assert agent.get("/nowhere").json()["error"] == "not-found"


def test_a_user_who_left_is_out_at_once(pages: Pages) -> None:
    user = pages.add_user("mei", "supervisor")
    with pages.browser("mei") as client:
        assert client.get("/board").status_code == 200
        with pages.session() as session:
            user.active = False
            session.add(user)
        assert client.get("/board").status_code == 303


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.5", "登录"),
        ("zh-TW", "登入"),
        ("zh-HK,en", "登入"),
        ("de-DE,en;q=0.7", "Sign in"),
        ("", "Sign in"),
    ],
)
def test_the_sign_in_page_speaks_the_browsers_language(pages: Pages, header: str, words: str) -> None:
    with pages.client(**{"accept-language": header}) as client:
        assert words in client.get("/sign-in").text


def test_health_names_what_is_not_there(pages: Pages) -> None:
    with pages.client(accept="application/json") as client:
        answer = client.get("/health")
    assert answer.status_code == 503
    parts = answer.json()["parts"]
    assert parts["store"]["well"]
    assert parts["record"]["well"]
    assert not parts["conductor"]["well"]
    assert not parts["workers"]["well"]
