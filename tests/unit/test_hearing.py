"""Who hears whom, and that the line is told the differences only."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from callcenter import commands
from callcenter.routing import hearing
from callcenter.routing.board import Call, Party
from callcenter.routing.hearing import Hears, scene

STATES = ("connecting", "bridged", "held", "consulting", "transferring", "outside", "queued", "leaving")


def call(state: str, *parties: Party, **more: Any) -> Call:
    made = Call("c", state=state, leg="c", leg_state="up", agent="ann", agent_leg="a", agent_leg_state="up")
    made.parties = {one.leg: one for one in parties}
    return replace(made, **more)


def asked(leg: str = "b", state: str = "up") -> Party:
    return Party(leg, "consult", "ben", state)


def guest(leg: str = "g") -> Party:
    return Party(leg, "guest", "+8613900000001", "up")


def boss(mode: str, leg: str = "s") -> Party:
    return Party(leg, "supervisor", "sue", "up", mode)


def test_two_speak_and_hold() -> None:
    assert scene(call("bridged")).hears == {"c": ["a"], "a": ["c"]}
    held = scene(call("held"))
    assert (held.hears, held.music) == ({}, {"c"})
    by_phone = scene(call("bridged", phone_held=True))
    assert (by_phone.hears, by_phone.music) == ({}, {"c"})


def test_consultation_and_swap() -> None:
    rings = scene(call("consulting", asked(state="ringing")))
    assert (rings.hears, rings.music, rings.ringback) == ({}, {"c"}, {"a"})
    speaks = scene(call("consulting", asked()))
    assert (speaks.hears, speaks.music) == ({"a": ["b"], "b": ["a"]}, {"c"})
    swapped = scene(call("bridged", asked()))
    assert (swapped.hears, swapped.music) == ({"c": ["a"], "a": ["c"]}, {"b"})


def test_conference_and_without_the_agent() -> None:
    three = scene(call("bridged", guest()))
    assert three.hears == {"c": ["a", "g"], "a": ["c", "g"], "g": ["c", "a"]}
    assert scene(call("bridged", guest(), phone_held=True)).hears == {"c": ["g"], "g": ["c"]}
    assert scene(call("held", guest())).hears == {"a": ["g"], "g": ["a"]}
    alone = call("outside", guest(), agent="", agent_leg="", agent_leg_state="")
    assert scene(alone).hears == {"c": ["g"], "g": ["c"]}


def test_a_supervisor() -> None:
    assert scene(call("bridged", boss("listen"))).hears == {"c": ["a"], "a": ["c"], "s": ["c", "a"]}
    assert scene(call("bridged", boss("whisper"))).hears == {"c": ["a"], "a": ["c", "s"], "s": ["c", "a"]}
    assert scene(call("bridged", boss("barge"))).hears == {"c": ["a", "s"], "a": ["c", "s"], "s": ["c", "a"]}
    consulting = scene(call("consulting", asked(), boss("whisper")))
    assert consulting.hears == {"a": ["b", "s"], "b": ["a"], "s": ["a", "b"]}
    assert consulting.music == {"c"}


def test_only_differences_are_ordered() -> None:
    two = scene(call("bridged")).hears
    assert hearing.changes({}, two) == [commands.BridgeLegs("c", "a")]
    assert hearing.changes(two, two) == []
    assert hearing.changes(two, {}) == [commands.UnbridgeLegs("c")]
    three = scene(call("bridged", guest())).hears
    assert hearing.changes(two, three) == [
        commands.HearLegs("c", ("a", "g")),
        commands.HearLegs("a", ("c", "g")),
        commands.HearLegs("g", ("c", "a")),
    ]
    assert hearing.changes(three, two) == [commands.HearLegs("g", ()), commands.BridgeLegs("c", "a")]
    listening = scene(call("bridged", boss("listen"))).hears
    assert hearing.changes(two, listening) == [commands.HearLegs("s", ("c", "a"))]
    assert hearing.changes(listening, two) == [commands.HearLegs("s", ())]
    consulting = scene(call("consulting", asked())).hears
    assert hearing.changes(two, consulting) == [commands.UnbridgeLegs("c"), commands.BridgeLegs("a", "b")]


PARTIES = st.lists(
    st.sampled_from(
        [
            asked(),
            asked("b2", "ringing"),
            guest(),
            guest("g2"),
            boss("listen"),
            boss("whisper"),
            boss("barge", "s2"),
        ]
    ),
    unique_by=lambda one: one.leg,
)
CALLS = st.builds(
    lambda state, parties, held, agent: call(
        state,
        *parties,
        phone_held=held and agent,
        agent_leg_state="up" if agent else "",
        agent_leg="a" if agent else "",
    ),
    st.sampled_from(STATES),
    PARTIES,
    st.booleans(),
    st.booleans(),
)


@given(CALLS)
def test_the_customer_never_hears_a_whisper_nor_a_consultation(made: Call) -> None:
    hears = scene(made).hears
    quiet = {
        leg for leg, one in made.parties.items() if one.role == "consult" or one.mode in ("listen", "whisper")
    }
    assert not quiet & set(hears.get("c", ()))
    assert all(leg not in others for leg, others in hears.items())
    assert not scene(made).music & set(hears)
    if made.state in ("bridged", "held", "consulting", "transferring", "outside"):
        assert "c" in hears or "c" in scene(made).music


@given(CALLS, CALLS)
def test_the_line_ends_up_as_wanted(first: Call, second: Call) -> None:
    """As a line follows the orders (see `telephony.fake`), it stands as the second scene wants, from the first."""
    before, after = scene(first).hears, scene(second).hears
    line = _follow(_follow({}, hearing.changes({}, before)), hearing.changes(before, after))
    assert line == {leg: set(others) for leg, others in after.items()}


def _follow(start: Hears, orders: list[Any]) -> dict[str, set[str]]:
    hears = {leg: set(others) for leg, others in start.items()}

    def part(leg: str) -> None:
        for other in hears.pop(leg, set()):
            if hears.get(other) == {leg}:
                hears.pop(other)

    for order in orders:
        match order:
            case commands.BridgeLegs(leg, other):
                part(leg), part(other)
                hears[leg], hears[other] = {other}, {leg}
            case commands.UnbridgeLegs(leg):
                part(leg)
            case commands.HearLegs(leg, others):
                hears[leg] = set(others)
    return {leg: others for leg, others in hears.items() if others}
