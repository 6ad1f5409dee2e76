"""People as administrators keep them: profile, password, lock, versions; and what the audit log says of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlmodel import col, select

from callcenter import db
from callcenter.people import desk as people
from callcenter.people.models import AuditEntry, User
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.telephony.line import LineConfig
from tests.pages import PASSWORD, Pages, serve

NEW = "a horse of my own"


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        with running.session() as session:
            if session.get(QueueRow, "sales") is None:
                session.add(QueueRow(name="sales", label="Sales"))
        yield running


@pytest.fixture
def admin(pages: Pages) -> Iterator[httpx.Client]:
    pages.add_user("root", "admin", queues=())
    with pages.browser("root") as client:
        client.headers["accept"] = "application/json"
        yield client


def test_a_person_is_added_and_must_choose_a_password(pages: Pages, admin: httpx.Client) -> None:
    answer = admin.post("/people", json={"name": "wu", "display_name": "Wu 吴", "role": "lead", "queues": "sales",
                                         "phone": "1001", "skills": "english 80"})  # fmt: skip
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert (told["person"]["role"], told["person"]["queues"], told["person"]["skills"]) == (
        "lead", ["sales"], {"english": 80},
    )  # fmt: skip
    assert told["made"]["phone_password"]
    assert pages.asked()[-1]["by"] == "root"
    with pages.client() as wu:
        enter = {"name": "wu", "password": told["made"]["password"]}
        assert wu.post("/sign-in", data=enter).status_code == 303
        assert wu.get("/board").headers["location"] == "/password"
        assert (
            wu.get("/board", headers={"accept": "application/json"}).json()["error"] == "must-change-password"
        )
        token = wu.get("/password").text.split('name="page-token" content="')[1].split('"')[0]
        form = {"page_token": token, "old": enter["password"], "new": NEW, "again": NEW + "!"}
        assert "not the same" in wu.post("/password", data=form).text
        assert wu.post("/password", data={**form, "again": NEW, "old": "wrong"}).status_code == 401
        assert wu.post("/password", data={**form, "new": "short", "again": "short"}).status_code == 422
        assert wu.post("/password", data={**form, "again": NEW}).status_code == 303
        assert wu.get("/board").status_code == 200
    assert told["made"]["password"] not in admin.get("/people/wu").text
    assert told["made"]["password"] not in admin.get("/audit").text + admin.get("/history").text


def test_a_reset_ends_every_session_and_a_lock(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu")
    with pages.browser("wu") as at_work, pages.browser("wu") as at_home:
        assert at_work.get("/desk").status_code == 200
        made = admin.put("/people/wu/password", json={}).json()["made"]["password"]
        for client in (at_work, at_home):
            assert client.get("/desk").headers["location"].startswith("/sign-in")
    with pages.client() as wu:
        assert wu.post("/sign-in", data={"name": "wu", "password": PASSWORD}).status_code == 401
        assert wu.post("/sign-in", data={"name": "wu", "password": made}).status_code == 303


def test_the_epoch_alone_keeps_a_session_closed(pages: Pages) -> None:
    user = pages.add_user("wu")
    with pages.browser("wu") as client:
        with pages.session() as session:
            user.epoch += 1
            session.add(user)
        assert client.get("/desk").headers["location"].startswith("/sign-in")


def test_a_change_of_the_own_password_ends_the_other_sessions(pages: Pages) -> None:
    pages.add_user("wu")
    with pages.browser("wu") as here, pages.browser("wu") as there:
        assert here.put("/password", json={"old": PASSWORD, "new": NEW}).status_code in {200, 303}
        assert here.get("/desk").status_code == 200
        assert there.get("/desk").headers["location"].startswith("/sign-in")


def test_wrong_passwords_lock_until_an_administrator_unlocks(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu")
    wrong = {"name": "wu", "password": "guess"}
    with pages.client(accept="application/json") as guesser:
        for _ in range(pages.settings.lock_after):
            assert guesser.post("/sign-in", json=wrong).status_code == 401
            for key in pages.store.scan_iter("wrong:*"):
                pages.store.delete(key)  # as from many addresses
        assert guesser.post("/sign-in", json=wrong).json()["error"] == "wrong-password"
        right = guesser.post("/sign-in", json={"name": "wu", "password": PASSWORD})
        assert (right.status_code, right.json()["error"]) == (403, "locked")
        assert [one["name"] for one in admin.get("/people?state=locked").json()["people"]] == ["wu"]
        assert admin.put("/people/wu/unlocking", json={}).json()["person"]["locked_at"] is None
        assert guesser.post("/sign-in", json={"name": "wu", "password": PASSWORD}).status_code == 200
    with pages.session() as session:
        said = session.exec(select(AuditEntry.action).where(AuditEntry.subject == "wu")).all()
    assert {"user.locked", "user.unlocked"} <= set(said)


def test_a_right_password_forgets_the_wrong_ones(pages: Pages) -> None:
    pages.add_user("wu")
    with pages.client(accept="application/json") as client:
        client.post("/sign-in", json={"name": "wu", "password": "guess"})
        client.post("/sign-in", json={"name": "wu", "password": PASSWORD})
    with pages.session() as session:
        kept = people.by_name(session, "wu")
        assert kept is not None
        assert kept.wrong == 0


def test_wrong_fields_are_named_and_nothing_is_saved(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu", phone="1001")
    pages.add_user("mei", phone="1002")
    seen = admin.get("/people/wu").json()["person"]["version"]
    wrong = {"role": "king", "phone": "1002", "queues": "nowhere", "email": "x", "supervisor": "wu", "wings": "2",
             "skills": "english 200", "display_name": "Wu"}  # fmt: skip
    answer = admin.put("/people/wu", json={"version": seen, **wrong})
    assert answer.status_code == 422
    assert set(answer.json()["fields"]) == set(wrong) - {"display_name"}
    assert admin.get("/people/wu").json()["person"]["display_name"] == "wu"
    assert admin.put("/people/wu", json={"display_name": "Wu"}).status_code == 422


def test_the_second_of_two_tabs_is_told_what_changed(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu")
    seen = admin.get("/people/wu").json()["person"]["version"]
    assert admin.put("/people/wu", json={"version": seen, "email": "a@example.org"}).status_code == 200
    answer = admin.put("/people/wu", json={"version": seen, "email": "b@example.org"})
    assert (answer.status_code, answer.json()["error"]) == (409, "stale")
    assert answer.json()["fields"] == {"email": "is 'a@example.org' now, by root"}


def test_the_last_administrator_stays(pages: Pages, admin: httpx.Client) -> None:
    seen = admin.get("/people/root").json()["person"]["version"]
    for change in ({"role": "agent"}, {"active": False}):
        answer = admin.put("/people/root", json={"version": seen, **change})
        assert "last administrator" in answer.text
    pages.add_user("other", "admin", queues=())
    assert admin.put("/people/root", json={"version": seen, "role": "agent"}).status_code == 200
    assert admin.get("/people").status_code == 403


def test_who_leaves_is_out_at_once_and_comes_back_by_an_earlier_version(
    pages: Pages, admin: httpx.Client
) -> None:
    pages.add_user("wu", queues=("sales",))
    seen = admin.get("/people/wu").json()["person"]["version"]
    assert admin.put("/people/wu", json={"version": seen, "email": "wu@example.org"}).status_code == 200
    with pages.browser("wu") as client:
        left = {"version": seen + 1, "active": False, "queues": [], "email": ""}
        assert admin.put("/people/wu", json=left).status_code == 200
        assert client.get("/desk").headers["location"].startswith("/sign-in")
    versions = admin.get("/history?name=wu").json()["changes"]
    assert [(one["version"], one["by"], one["before"]["active"], one["after"]["active"]) for one in versions] == [
        (2, "root", True, False), (1, "root", True, True),
    ]  # fmt: skip
    answer = admin.put(f"/history/{versions[1]['id']}/restoration", json={})
    assert (answer.status_code, sorted(answer.json()["changed"])) == (200, ["active", "email", "queues"])
    person = admin.get("/people/wu").json()["person"]
    assert (person["active"], person["email"], person["queues"]) == (True, "wu@example.org", ["sales"])
    assert admin.get("/history?name=wu").json()["changes"][0]["restores"] == 1
    assert "user.restored" in {one["action"] for one in admin.get("/audit?subject=wu").json()["entries"]}


def test_a_version_that_names_what_is_gone_is_not_restored(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu", queues=("sales",))
    for queues in (["default"], []):
        seen = admin.get("/people/wu").json()["person"]["version"]
        assert admin.put("/people/wu", json={"version": seen, "queues": queues}).status_code == 200
    with pages.session() as session:
        session.delete(session.get(QueueRow, "default"))
    first = admin.get("/history?name=wu").json()["changes"][-1]
    answer = admin.put(f"/history/{first['id']}/restoration", json={})
    assert answer.json()["fields"] == {"queues": "there is no queue default"}


def test_the_phones_password_is_renewed(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu", phone="1001", phone_ha1="x y")
    made = admin.put("/people/wu/phone-password", json={}).json()["made"]["phone_password"]
    with pages.session() as session:
        kept = session.exec(select(User).where(col(User.name) == "wu")).one()
        assert kept.phone_ha1 == people.phone_ha1("1001", LineConfig().realm, made)


def test_an_auditor_reads_and_changes_nothing(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("au", "auditor", queues=())
    pages.add_user("wu")
    with pages.browser("au") as client:
        for path in ("/people", "/people/wu", "/audit", "/history"):
            page = client.get(path)
            assert page.status_code == 200, path
            assert 'method="post" action="/people' not in page.text
        assert client.put("/people/wu", json={"version": 1}).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh_Hans", "zh_Hant"])
def test_the_pages_show_in_every_language(pages: Pages, admin: httpx.Client, language: str) -> None:
    pages.add_user("wu", phone="1001", queues=("sales",))
    seen = admin.get("/people/wu").json()["person"]["version"]
    admin.put("/people/wu", json={"version": seen, "skills": "english 80", "department": "Repairs"})
    with pages.session() as session:
        root = people.by_name(session, "root")
        wu = people.by_name(session, "wu")
        assert root
        assert wu
        root.language, wu.locked_at = language, db.now()
        session.add_all([root, wu])
    admin.headers["accept"] = "text/html"
    for path in ("/people", "/people/wu", "/audit", "/history", "/password"):
        answer = admin.get(path)
        assert answer.status_code == 200, answer.text
        assert f'lang="{language.replace("_", "-")}"' in answer.text


def test_a_queue_is_changed_by_version_and_put_back(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu")
    assert admin.put("/agents/wu/skills", json={"version": 1, "skills": {"english": 80}}).status_code == 200
    seen = admin.get("/queues/sales").json()["queue"]["version"]
    first = {"version": seen, "max_wait": 60, "needs": "30: english 50", "tiers": "gold 10"}
    assert admin.put("/queues/sales", json=first).status_code == 200
    late = admin.put("/queues/sales", json={"version": seen, "max_wait": 90, "ring_time": 15})
    assert (late.status_code, late.json()["error"]) == (409, "stale")
    assert late.json()["fields"]["max_wait"] == "is 60.0 now, by root"
    again = {"version": seen + 1, "max_wait": 120, "needs": [], "tiers": {}}
    assert admin.put("/queues/sales", json=again).status_code == 200
    newest, oldest = admin.get("/history?noun=queue&name=sales").json()["changes"]
    assert (newest["version"], oldest["version"], newest["by"]) == (2, 1, "root")
    told = admin.put(f"/history/{oldest['id']}/restoration", json={}).json()
    assert told["changed"] == ["max_wait", "needs", "tiers"]
    row = admin.get("/queues/sales").json()["queue"]
    assert (row["max_wait"], row["tiers"], row["version"]) == (60, {"gold": 10}, seen + 3)
    actions = [one["action"] for one in admin.get("/audit?subject=sales").json()["entries"]]
    assert actions == ["queue.restored", "queue.changed", "queue.changed"]
    admin.headers["accept"] = "text/html"
    assert "version 1 again" in admin.get("/queues/sales").text
    assert f'name="version" value="{seen + 3}"' in admin.get("/queues/sales").text


def test_skills_are_saved_by_version(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu")
    seen = admin.get("/agents/wu").json()["agent"]["version"]
    answer = admin.put("/agents/wu/skills", json={"version": seen, "skills": {"english": 80}})
    assert answer.status_code == 200, answer.text
    blind = admin.put("/agents/wu/skills", json={"skills": {"billing": 10}})
    assert (blind.status_code, list(blind.json()["fields"])) == (422, ["version"])
    late = admin.put("/agents/wu/skills", json={"version": seen, "skills": {"billing": 10}})
    assert late.json()["fields"] == {"skills": "is {'english': 80} now, by root"}


def test_of_two_at_once_one_is_told(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("wu")
    for path, field in (
        ("/people/wu", "email"),
        ("/queues/sales", "label"),
        ("/hours/office", "covers_until"),
    ):
        told = admin.get(path).json()
        seen = next(told[noun]["version"] for noun in ("person", "queue", "calendar") if noun in told)
        values = [
            f"2027-01-1{place}" if field == "covers_until" else f"a{place}@example.org" for place in range(4)
        ]
        with ThreadPoolExecutor(len(values)) as threads:
            sent = [threads.submit(admin.put, path, json={"version": seen, field: value}) for value in values]
        assert sorted(one.result().status_code for one in sent) == [200, 409, 409, 409], path
