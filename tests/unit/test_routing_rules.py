"""Who gets a call, what callers hear, which queue serves a number, what may happen to a call."""

from dataclasses import dataclass, field

import pytest

from callcenter.calls import life
from callcenter.routing import phrases, plans, rules


@dataclass
class Agent:
    name: str
    idle_since: float = 0.0
    status: str = "available"
    activity: str = "idle"
    reachable: bool = True
    paused: str = ""
    queues: list[str] = field(default_factory=lambda: ["default"])


@dataclass
class Call:
    id: str = "call"
    queue: str = "default"
    queued: float = 100.0
    priority: int = 0
    owner: str = ""
    passed: dict[str, float] = field(default_factory=dict)


def chosen(call: Call, *agents: Agent, wait: float = 0.0, now: float = 101.0) -> str:
    """Whom the rules choose among the free ones."""
    free = [agent for agent in agents if rules.is_free(agent)]
    owner = next((agent for agent in agents if agent.name == call.owner), None)
    found = rules.choose_agent(call, free, owner, wait, now)
    return found.name if found else ""


@pytest.mark.parametrize(
    "not_free",
    [
        {"status": "not_ready"},
        {"status": "break"},
        {"activity": "wrap_up"},
        {"activity": "offered"},
        {"reachable": False},
        {"paused": "missed_calls"},
        {"queues": ["other"]},
    ],
)
def test_only_the_free_are_chosen(not_free: dict[str, object]) -> None:
    ann = Agent("ann", 1.0, **not_free)  # type: ignore[arg-type]
    assert chosen(Call(), ann, Agent("ben", 5.0)) == "ben"
    assert chosen(Call(), ann) == ""


def test_the_owner_then_the_longest_idle() -> None:
    ann, ben, cao = Agent("ann", 10.0), Agent("ben", 5.0), Agent("cao", 20.0)
    assert chosen(Call(), ann, ben, cao) == "ben"
    assert chosen(Call(owner="cao"), ann, ben, cao) == "cao"
    assert chosen(Call(owner="cao", passed={"cao": 0.0}), ann, ben, cao) == "ben"


def test_a_busy_owner_is_waited_for_only_so_long() -> None:
    ann, cao = Agent("ann"), Agent("cao", activity="talking")
    call = Call(owner="cao")
    assert chosen(call, ann, cao) == "ann"
    assert chosen(call, ann, cao, wait=10.0, now=109.9) == ""
    assert chosen(call, ann, cao, wait=10.0, now=110.0) == "ann"
    cao.status = "break"
    assert chosen(call, ann, cao, wait=10.0) == "ann"


def test_who_passed_the_call_comes_last_and_not_at_once() -> None:
    ann, ben = Agent("ann", 1.0), Agent("ben", 50.0)
    assert chosen(Call(passed={"ann": 100.0}), ann, ben) == "ben"
    assert chosen(Call(passed={"ann": 100.0}), ann) == "ann"
    assert chosen(Call(passed={"ann": 106.0}), ann) == ""
    assert chosen(Call(passed={"ann": 106.0}), ann, now=106.0) == "ann"


def test_callers_in_order() -> None:
    old, young, urgent = (
        Call("old", queued=1.0),
        Call("young", queued=2.0),
        Call("urgent", queued=3.0, priority=1),
    )
    assert rules.in_order([young, urgent, old]) == [urgent, old, young]


def test_the_place_is_told_when_it_improved() -> None:
    assert rules.tell_place(3, 0, 0.0, 30.0, 100.0)
    assert not rules.tell_place(3, 3, 100.0, 30.0, 200.0)
    assert not rules.tell_place(4, 3, 100.0, 30.0, 200.0)
    assert not rules.tell_place(2, 3, 100.0, 30.0, 129.9)
    assert rules.tell_place(2, 3, 100.0, 30.0, 130.0)
    assert not rules.tell_place(1, 0, 0.0, 0.0, 100.0)


@pytest.mark.parametrize(
    ("ended", "offer"),
    [
        ("no_answer", "missed"),
        ("busy", "rejected"),
        ("refused", "rejected"),
        ("unreachable", "device_error"),
        ("failed", "device_error"),
        ("lost", "device_error"),
    ],
)
def test_offers_end_in_different_ways(ended: str, offer: str) -> None:
    assert rules.offer_outcome(ended) == offer


def test_numbers_lead_to_queues() -> None:
    queues = {"default": [], "repairs": ["repairs", "4002"]}
    assert plans.queue_for("4002", ["hotline"], queues) == "repairs"
    assert plans.queue_for("hotline", ["hotline"], queues) == "default"
    assert plans.queue_for("stranger", ["hotline"], queues) is None
    assert plans.queue_for("hotline", ["hotline"], {"repairs": []}) == "repairs"
    assert plans.queue_for("hotline", ["hotline"], {}) is None
    assert plans.all_numbers(["hotline", "4002"], queues) == ("hotline", "4002", "repairs")


@pytest.mark.parametrize("language", phrases.SPOKEN)
def test_every_phrase_is_spoken(language: str) -> None:
    for phrase in phrases._TEXTS:
        prompt = phrases.say(phrase, language, place=2, key=2, number="1 0 4 2", owner="Anna")
        assert prompt.startswith(f"say:{language}:")
        assert "{" not in prompt
    assert phrases.say("place", "fr", place=2) == "say:en:You are number 2 in the queue."


def test_greetings() -> None:
    spoken = ("cmn", "en")
    assert phrases.own("greeting", "-", "en", spoken, {}) == ()
    assert phrases.own("greeting", "欢迎", "en", spoken, {}) == ("say:cmn:欢迎",)
    assert phrases.own("greeting", "", "yue", spoken, {}) == (phrases.say("greeting", "yue"),)
    assert phrases.own("greeting", "", "", spoken, {}) == (
        phrases.say("greeting", "cmn"),
        phrases.say("greeting", "en"),
    )


def test_a_call_cannot_jump() -> None:
    state = "arriving"
    for happening in ("greet", "queue", "offer", "answer", "bridge", "hold", "resume", "end"):
        state = life.advance(state, happening)
    for happening in ("queue", "offer", "bridge", "leave", "end"):
        with pytest.raises(life.IllegalStep):
            life.advance(state, happening)
    with pytest.raises(life.IllegalStep):
        life.advance("queued", "bridge")
    with pytest.raises(life.IllegalStep):
        life.advance("nowhere", "end")


def test_what_an_ending_means() -> None:
    assert life.left(5.0) == "short_abandon"
    assert life.left(5.1) == "abandoned"
    assert life.is_evidence("conversation", 0.1)
    assert not life.is_evidence("conversation", 0.0)
    assert not life.is_evidence("no_agent", 9.0)
    assert life.owes_callback("inbound", "lost_by_us", "+8613800000001")
    assert life.owes_callback("inbound", "deflected", "+8613800000001")
    assert not life.owes_callback("inbound", "abandoned", "+8613800000001")
    assert not life.owes_callback("inbound", "lost_by_us", "")
    assert not life.owes_callback("callback", "lost_by_us", "+8613800000001")
    assert life.owes_callback("inbound", "answered", "+8613800000001", "us", "us")
    for ended_by, fault in (("customer", "nobody"), ("agent", "nobody"), ("us", "network")):
        assert not life.owes_callback("inbound", "answered", "+8613800000001", ended_by, fault)
