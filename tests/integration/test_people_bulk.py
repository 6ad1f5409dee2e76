"""People in bulk: tried first, all lines or none, each wrong cell named, out and in again without a change."""

from collections.abc import Iterator

import httpx
import pytest

from callcenter.settings import Settings
from tests.pages import Pages, serve

FILE = """\ufeff工号,姓名,角色,分机,队列,班组长,技能,鞋码
wu,Wu 吴,坐席,1001,default,li,"english 80, billing 50",42
li,Li 李,班组长,1002,default,,,41
"""


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        yield running


@pytest.fixture
def admin(pages: Pages) -> Iterator[httpx.Client]:
    pages.add_user("root", "admin", queues=())
    with pages.browser("root") as client:
        client.headers["accept"] = "application/json"
        yield client


def _names(admin: httpx.Client) -> list[str]:
    return [one["name"] for one in admin.get("/people?state=any").json()["people"]]


def test_a_file_is_tried_then_imported_with_passwords_that_open(pages: Pages, admin: httpx.Client) -> None:
    told = admin.post("/imports/people", json={"csv": FILE.removeprefix("\ufeff")}).json()
    assert (told["applied"], told["added"], told["made"], told["ignored_columns"]) == (False, 2, [], ["鞋码"])
    assert _names(admin) == ["root"]
    admin.headers["accept"] = "text/html"
    files = {"file": ("people.csv", FILE.encode("utf-8"), "text/csv")}
    page = admin.post("/imports/people", data={"apply": "true"}, files=files)
    assert page.status_code == 200, page.text
    admin.headers["accept"] = "application/json"
    wu = admin.get("/people/wu").json()["person"]
    assert (wu["display_name"], wu["role"], wu["supervisor"], wu["skills"]) == (
        "Wu 吴", "agent", "li", {"billing": 50, "english": 80},
    )  # fmt: skip
    assert [one["name"] for one in admin.get("/people?supervisor=li").json()["people"]] == ["wu"]
    password = page.text.split("<td>wu</td><td><code>")[1].split("<")[0]
    with pages.client() as client:
        assert client.post("/sign-in", data={"name": "wu", "password": password}).status_code == 303
        assert client.get("/desk").headers["location"] == "/password"


def test_gb18030_and_semicolons_are_read(admin: httpx.Client) -> None:
    body = "登录名;姓名\nwu;吴\n".encode("gb18030")
    answer = admin.post(
        "/imports/people", data={"apply": "true"}, files={"file": ("x.csv", body, "text/csv")}
    )
    assert answer.json()["added"] == 1
    assert admin.get("/people/wu").json()["person"]["display_name"] == "吴"


def test_one_wrong_cell_and_nothing_is_imported(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("mei", phone="1009")
    lines = ["name,role,phone,queues,skills,supervisor,email", "mei,lead,,,,,mei@example.org", "wu,king,1009,,,,",
             "li,agent,,nowhere,english 300,,", "wu,agent,,,,,", ",agent,,,,,", "bo,agent,,,,nobody,",
             "a b,agent,,,,,"]  # fmt: skip
    answer = admin.post("/imports/people", json={"csv": "\n".join(lines), "apply": True})
    assert answer.status_code == 422
    told = answer.json()
    assert not told["applied"]
    assert [(one["line"], one["field"]) for one in told["rejections"]] == [
        (3, "role"), (4, "queues"), (4, "skills"), (5, "name"), (6, "name"), (7, "supervisor"), (8, "name"),
    ]  # fmt: skip
    assert _names(admin) == ["mei", "root"]
    assert admin.get("/people/mei").json()["person"]["email"] == ""
    assert admin.get("/history?name=mei").json()["changes"] == []


def test_what_goes_out_comes_in_without_a_change(pages: Pages, admin: httpx.Client) -> None:
    pages.add_user("li", "lead", phone="sip:li@127.0.0.1:5070", display_name='=Li, "the" boss')
    pages.add_user("wu", phone="1001", phone_ha1="x y", supervisor="li", department="Repairs", queues=())
    answer = admin.get("/people.csv")
    assert "'=Li" in answer.text
    told = admin.post(
        "/imports/people", json={"csv": answer.text.removeprefix("\ufeff"), "apply": True}
    ).json()
    assert (told["applied"], told["unchanged"], told["made"], told["rejections"]) == (True, 3, [], [])
    left = "name,active\nwu,否\n"
    with pages.browser("wu") as client:
        assert admin.post("/imports/people", json={"csv": left, "apply": True}).json()["updated"] == 1
        assert client.get("/desk").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("text", ["", "surname\nx\n", "name,user\nx,y\n", "name\n" + "x\n" * 600])
def test_what_is_no_such_table_is_refused(admin: httpx.Client, text: str) -> None:
    answer = admin.post("/imports/people", json={"csv": text, "apply": True})
    assert (answer.status_code, list(answer.json()["fields"])) == (422, ["csv"])
