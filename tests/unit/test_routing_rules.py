"""What callers hear, which queue serves a number, what may happen to a call."""

import pytest

from callcenter.calls import life
from callcenter.routing import phrases, plans, rules


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
        prompt = phrases.say(phrase, language, place=2, key=2, minutes=3, number="1 0 4 2", owner="Anna")
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
