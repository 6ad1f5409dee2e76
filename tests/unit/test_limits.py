"""Calls a minute, and at once."""

from callcenter.telephony.limits import Limits, Traffic, Window


def test_a_window_slides() -> None:
    window = Window(60.0)
    for now in (0.0, 10.0):
        window.count("a", now)
    assert window.full("a", 2, 59.9)
    assert window.frees_in("a", 50.0) == 11
    assert not window.full("b", 2, 59.9)
    assert not window.full("a", 2, 60.0)
    assert not window.full("a", 0, 20.0)


def test_a_window_keeps_nothing_older_even_when_nobody_asks() -> None:
    window = Window(60.0)
    for now in range(1000):
        window.count("a", float(now))
    assert len(window._times["a"]) == 60


def test_calls_a_minute_overall_by_trunk_and_by_class() -> None:
    traffic = Traffic(Limits(placed=3, trunk=2, classes={"international": 1}))
    assert traffic.may_place("international", "a", 0.0)
    traffic.placed("1", "international", "a", 0.0)
    assert not traffic.may_place("international", "b", 1.0)
    assert traffic.may_place("national", "a", 1.0)
    traffic.placed("2", "national", "a", 1.0)
    assert not traffic.may_place("national", "a", 2.0)
    assert traffic.may_place("national", "b", 2.0)
    traffic.placed("3", "national", "b", 2.0)
    assert not traffic.may_place("national", "c", 3.0)
    assert traffic.may_place("national", "c", 60.5)


def test_calls_at_once_by_class() -> None:
    traffic = Traffic(Limits(classes_at_once={"premium": 1}))
    traffic.placed("1", "premium", "a", 0.0)
    assert not traffic.may_place("premium", "a", 500.0)
    traffic.ended("1")
    traffic.ended("1")
    assert traffic.may_place("premium", "a", 500.0)


def test_a_phone_and_a_stranger_are_limited_apart() -> None:
    traffic = Traffic(Limits(phone=1, source=2, source_at_once=1))
    traffic.arrived("1", "anna", "192.0.2.1", 0.0)
    assert traffic.retry_after("anna", "192.0.2.1", 10.0) == 51
    assert not traffic.retry_after("bert", "192.0.2.1", 10.0)
    assert not traffic.retry_after("", "192.0.2.1", 10.0)
    traffic.arrived("2", "", "192.0.2.1", 10.0)
    assert traffic.retry_after("", "192.0.2.1", 11.0) == 5
    traffic.ended("2")
    assert not traffic.retry_after("", "192.0.2.1", 12.0)
    traffic.arrived("3", "", "192.0.2.1", 12.0)
    traffic.ended("3")
    assert traffic.retry_after("", "192.0.2.1", 13.0) == 58
