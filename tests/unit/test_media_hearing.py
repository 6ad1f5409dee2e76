"""Who hears whom after each order."""

from callcenter.telephony.media.hearing import Hearing


def told(changes: object) -> dict[str, tuple[str, ...]]:
    return dict(changes)  # type: ignore[call-overload, no-any-return]


def test_a_bridge_is_both_ways_and_alone() -> None:
    hearing = Hearing()
    assert told(hearing.bridge("a", "b")) == {"a": ("b",), "b": ("a",)}
    assert told(hearing.bridge("a", "b")) == {}
    assert list(hearing.bridge("c", "a")) == [("b", ()), ("c", ("a",)), ("a", ("c",))]


def test_a_leg_never_hears_itself_and_nobody_twice() -> None:
    hearing = Hearing()
    assert told(hearing.hear("a", ("a", "b", "b", "c"))) == {"a": ("b", "c")}


def test_who_only_listens_goes_on_when_the_two_part_or_meet() -> None:
    hearing = Hearing()
    told(hearing.bridge("a", "b"))
    told(hearing.hear("s", ("a", "b")))
    assert told(hearing.part("a")) == {"a": (), "b": ()}
    assert told(hearing.bridge("b", "a")) == {"a": ("b",), "b": ("a",)}
    assert hearing.of("s") == ("a", "b")


def test_who_hears_others_too_is_left_as_it_is() -> None:
    hearing = Hearing()
    for leg in "abc":
        told(hearing.hear(leg, tuple(other for other in "abc" if other != leg)))
    assert told(hearing.part("b")) == {"b": ()}
    assert told(hearing.bridge("a", "b")) == {"a": ("b",), "b": ("a",)}
    assert hearing.of("c") == ("a", "b")


def test_a_whisper_becomes_listening() -> None:
    hearing = Hearing()
    told(hearing.bridge("customer", "agent"))
    told(hearing.hear("agent", ("customer", "supervisor")))
    told(hearing.hear("supervisor", ("customer", "agent")))
    assert told(hearing.bridge("customer", "agent")) == {"agent": ("customer",)}
    assert hearing.of("supervisor") == ("customer", "agent")


def test_who_ends_is_heard_by_nobody() -> None:
    hearing = Hearing()
    told(hearing.bridge("a", "b"))
    told(hearing.hear("s", ("a", "b")))
    assert told(hearing.close("a")) == {"a": (), "b": (), "s": ("b",)}
    assert told(hearing.close("a")) == {}
