"""Plans: what can be kept, what can be published, and where every caller ends."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.hours import rules as hours
from callcenter.routing import plan_json, plans, trial
from callcenter.routing.plan_json import BadPlan
from callcenter.routing.plans import Published
from callcenter.routing.walk import MOST_VISITS, Complaint, Facts
from tests.plans import KNOWN, OFFICE, hotline

CALLER = "+8613800000001"
MINE = Complaint("1042", "in_progress", "Anna", CALLER, 7)
SHANGHAI = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)


def at(when: datetime, **more: Any) -> Facts:
    return Facts(more.pop("number", CALLER), at=when.timestamp(), calendars={"office": OFFICE}, **more)


def ways(
    keys: str = "", when: datetime = MONDAY, data: dict[str, Any] | None = None, **caller: Any
) -> list[str]:
    """`node:chosen` of each step, and the end."""
    found = {"1042": MINE}
    told = trial.run(plan_json.read(data or hotline()), at(when, **caller), keys, found.get)
    steps = [f"{one.node}:{one.value}" for one in told if one.what == "step"]
    return [*steps, f"{told[-1].what} {told[-1].value}".strip()]


def wrong(**changes: Any) -> dict[str, str]:
    """What is wrong with the plan whose nodes were changed so."""
    data = hotline()
    for name, fields in changes.items():
        data["nodes"][name] = {**data["nodes"].get(name, {}), **fields}
    return plans.check(plan_json.read(data), KNOWN)


def test_a_plan_is_the_same_behind_json() -> None:
    plan = plan_json.read(hotline())
    assert plan_json.read(plan_json.as_data(plan)) == plan
    assert plans.check(plan, KNOWN) == {}
    assert plans.prompts_of(plan) == {"closed": ["night.prompt"]}


@pytest.mark.parametrize(
    ("when", "branch"),
    [
        (MONDAY, "open"),
        (datetime(2026, 11, 23, 12, 0, tzinfo=SHANGHAI), "closed"),
        (datetime(2026, 11, 23, 17, 59, 59, tzinfo=SHANGHAI), "open"),
        (datetime(2026, 11, 22, 10, 0, tzinfo=SHANGHAI), "closed"),
        (datetime(2026, 10, 1, 10, 0, tzinfo=SHANGHAI), "holiday"),
        (datetime(2026, 10, 10, 10, 0, tzinfo=SHANGHAI), "open"),
        (datetime(2026, 10, 10, 20, 0, tzinfo=SHANGHAI), "closed"),
        (datetime(2026, 9, 30, 23, 59, tzinfo=SHANGHAI), "closed"),
        (datetime(2026, 9, 30, 16, 0, tzinfo=ZoneInfo("UTC")), "holiday"),
    ],
)
def test_hours_go_by_the_calendar_in_its_zone(when: datetime, branch: str) -> None:
    assert ways(when=when)[0] == f"hours:{branch}"


def test_a_holiday_without_a_branch_of_its_own_is_closed() -> None:
    data = hotline()
    data["nodes"]["hours"]["holiday"] = ""
    assert ways("", datetime(2026, 10, 1, 10, 0, tzinfo=SHANGHAI), data)[-2:] == ["night:said", "message"]


@pytest.mark.parametrize(
    ("utc", "branch"),
    [
        ("2026-03-29T00:59:59", "closed"),  # 01:59:59, then the clock jumps to 03:00
        ("2026-03-29T01:00:00", "open"),
        ("2026-10-25T00:00:00", "open"),  # 02:00, for the first time
        ("2026-10-25T01:59:59", "open"),  # 02:59:59, for the second time
        ("2026-10-25T02:00:00", "closed"),
    ],
)
def test_nights_in_which_the_clock_is_set(utc: str, branch: str) -> None:
    night = hours.parse(
        "Europe/Berlin",
        [[["02:00", "03:00"]]] * 6 + [[["02:00", "04:00"]]],
        {"2026-10-25": [["02:00", "03:00"]]},
    )
    facts = Facts(CALLER, at=datetime.fromisoformat(f"{utc}+00:00").timestamp(), calendars={"office": night})
    told = trial.run(plan_json.read(hotline()), facts, "", lambda _: None)
    assert told[0].value == branch


def test_a_calendar_that_is_not_there_lets_callers_in() -> None:
    told = trial.run(plan_json.read(hotline()), Facts(CALLER), "", lambda _: None)
    assert told[0].value == "unknown"
    assert told[-1].what == "queue"


def test_callers_are_told_apart() -> None:
    assert ways(tier="gold") == ["hours:open", "who:tier A gold", "line:default", "queue default"]
    cases = [
        {"what": "withheld", "to": "mailbox"},
        {"what": "prefix", "value": "+8621 +852", "to": "sales"},
        {"what": "known", "to": "line"},
        {"what": "unknown", "to": "boss"},
    ]
    data = hotline()
    data["nodes"]["who"]["cases"] = cases
    assert ways("", data=data, number="")[-1] == "voicemail default"
    assert ways("", data=data, number="+85221234567")[-1] == "queue sales"
    assert ways("", data=data, customer=7)[-1] == "queue default"
    assert ways("", data=data)[-1] == "external +862155550199"
    assert ways("x", data=data)[-1] == "voicemail default"


def test_menus_ask_again_and_give_up() -> None:
    assert ways("11")[-2:] == ["sales:sales", "queue sales"]
    assert ways("18-")[2:] == [
        "language:1", "main:wrong_key", "main:no_key", "line:default", "queue default",
    ]  # fmt: skip
    assert ways("")[2:5] == ["language:no_key", "main:no_key", "main:no_key"]


def test_the_chosen_language_is_spoken() -> None:
    told = trial.run(plan_json.read(hotline()), at(MONDAY), "2", lambda _: None)
    assert [one.language for one in told if one.what == "said"][:2] == ["", "cmn"]


def test_a_caller_who_goes_round_is_put_through() -> None:
    assert ways("1" + "9" * (MOST_VISITS + 9))[-2:] == ["main:too_long", "queue default"]


def test_a_complaint_is_told_to_whom_it_concerns() -> None:
    phrases = [
        word.phrase
        for one in trial.run(plan_json.read(hotline()), at(MONDAY), "1 2 1042#", {"1042": MINE}.get)
        for word in one.words
    ]
    assert [one for one in phrases if one.endswith(("progress", "owner"))] == [
        "complaint_in_progress",
        "complaint_owner",
    ]
    assert "complaint:told" in ways("12 1042#", number="+8613900000009", customer=7)
    assert "complaint:told" in ways("12 1042-")


@pytest.mark.parametrize("number", ["", "+8613900000009"])
def test_anybody_else_proves_it_by_the_contact_number(number: str) -> None:
    assert ways("12 1042# 0001", number=number)[4:6] == ["complaint:proof_asked", "complaint:told"]
    thrice = ways("12 1042# 9999 1234 0002 0001", number=number)
    assert thrice[4:] == [
        "complaint:proof_asked", "complaint:wrong_proof", "complaint:wrong_proof", "complaint:wrong_proof",
        "line:default", "queue default",
    ]  # fmt: skip
    assert "complaint:told" not in thrice


def test_wrong_numbers_count_for_the_whole_call() -> None:
    data = hotline()
    data["nodes"]["complaint"]["otherwise"] = "again"
    data["nodes"]["again"] = {
        "kind": "menu",
        "prompt": "Again?",
        "keys": {"1": "complaint"},
        "otherwise": "line",
    }
    told = ways("12 1# 2# 3# 1 1042#", data=data)
    assert told.count("complaint:not_found") == 3
    assert "complaint:too_many" in told
    assert "complaint:told" not in told


def test_a_complaint_without_a_contact_is_told_to_nobody_else() -> None:
    bare = Complaint("1042", "in_progress", "Anna")
    told = trial.run(plan_json.read(hotline()), at(MONDAY, number=""), "12 1042#", {"1042": bare}.get)
    assert "told" not in [one.value for one in told]


def test_every_fault_names_its_node_and_field() -> None:
    assert list(wrong(hours={"calendar": "gone", "closed": "nowhere"})) == ["hours.closed", "hours.calendar"]
    assert list(wrong(main={"keys": {}, "prompt": ""})) == ["main.prompt", "main.keys"]
    assert list(wrong(main={"keys": {"1": "nowhere"}, "otherwise": ""})) == ["main.keys.1", "main.otherwise"]
    assert list(wrong(line={"queue": "none"})) == ["line.queue"]
    assert list(wrong(night={"prompt": "prompt:gone"})) == ["night.prompt"]
    assert list(wrong(boss={"number": "+4912345", "trunk": "gone"})) == ["boss.trunk", "boss.number"]
    assert list(wrong(who={"cases": []})) == ["who.cases"]
    assert list(plans.check(plan_json.read(hotline(start="x", fallback="y")), KNOWN)) == ["start", "fallback"]


def test_nobody_goes_round_without_a_key() -> None:
    assert list(wrong(main={"otherwise": "language"})) == ["language"]
    assert list(wrong(hours={"closed": "hours"})) == ["hours"]
    assert list(wrong(boss={"otherwise": "boss"})) == ["boss"]
    assert wrong(main={"keys": {"1": "main"}}) == {}


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, "nodes"),
        ({"nodes": []}, "nodes"),
        ({"colour": 1}, "colour"),
        ({"numbers": ["a b"]}, "numbers"),
        ({"nodes": {"a.b": {"kind": "queue"}}}, "a.b"),
        ({"nodes": {"a": {"kind": "loop"}}}, "a.kind"),
        ({"nodes": {"a": {"kind": "queue", "calendar": "x"}}}, "a.calendar"),
        ({"nodes": {"a": {"kind": "menu", "timeout": "nan"}}}, "a.timeout"),
        ({"nodes": {"a": {"kind": "menu", "retries": 9}}}, "a.retries"),
        ({"nodes": {"a": {"kind": "menu", "keys": {"A": "a"}}}}, "a.keys"),
        ({"nodes": {"a": {"kind": "menu", "barge_in": "perhaps"}}}, "a.barge_in"),
        ({"nodes": {"a": {"kind": "language", "keys": {"1": "de"}}}}, "a.keys"),
        ({"nodes": {"a": {"kind": "by_caller", "cases": [{"what": "tier"}]}}}, "a.cases"),
        ({"nodes": {"a": {"kind": "by_caller", "cases": [{"what": "prefix", "value": "021"}]}}}, "a.cases"),
        ({"nodes": {"a": {"kind": "message", "prompt": "x\x00"}}}, "a.prompt"),
        ({"nodes": {str(one): {"kind": "queue"} for one in range(41)}}, "nodes"),
    ],
)
def test_what_is_no_plan_names_its_field(data: Any, where: str) -> None:
    with pytest.raises(BadPlan) as bad:
        plan_json.read(data)
    assert list(bad.value.fields) == [where]


def test_a_plan_goes_before_a_queue() -> None:
    there = [Published("old", 1, ["1"], current=False), Published("new", 2, ["1", "2"])]
    found = plans.plan_for("1", there)
    assert found is not None
    assert found.key == "new:2"
    assert plans.plan_for("3", there) is None


NAMES = ["a", "b", "c", "d", "e", "f"]


@st.composite
def any_plan(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes of any kind; a key leads anywhere, all else to a later node, and the last one is an end."""
    keys = st.dictionaries(st.sampled_from("123*#"), st.sampled_from(NAMES), min_size=1, max_size=4)
    end = st.sampled_from(
        [
            {"kind": "queue", "queue": "sales"},
            {"kind": "message", "prompt": "p"},
            {"kind": "voicemail", "queue": "default"},
        ]
    )
    nodes = {NAMES[-1]: draw(end)}
    for place, name in enumerate(NAMES[:-1], 1):
        to, anywhere = st.sampled_from(NAMES[place:]), st.sampled_from(NAMES)
        nodes[name] = draw(
            st.one_of(
                end,
                _node("hours", calendar=st.just("office"), open=to, closed=to),
                _node("menu", prompt=st.just("p"), keys=keys, otherwise=to, retries=st.integers(0, 5)),
                _node("language", prompt=st.just("p"), keys=st.just({"1": "yue"}), then=to),
                _node(
                    "by_caller", cases=st.builds(lambda one: [{"what": "known", "to": one}], to), otherwise=to
                ),
                _node("complaint", then=anywhere, otherwise=to),
                _node("external", number=st.just("+8610"), otherwise=to),
            )
        )
    return {"start": "a", "numbers": [], "nodes": nodes}


def _node(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(kind), **fields})


@given(any_plan(), st.text("0123456789*#-x", max_size=60), st.sampled_from(["", CALLER]), st.integers(0, 1))
def test_every_valid_plan_leads_every_caller_to_an_end(
    data: dict[str, Any], keys: str, number: str, customer: int
) -> None:
    plan = plan_json.read(data)
    assert plans.check(plan, KNOWN) == {}
    told = trial.run(plan, at(MONDAY, number=number, customer=customer), keys, {"1": MINE}.get)
    assert told[-1].what in ("queue", "message", "voicemail", "external")
    assert len([one for one in told if one.what in ("said", "step")]) < MOST_VISITS * 14
    assert plan_json.read(plan_json.as_data(plan)) == plan
