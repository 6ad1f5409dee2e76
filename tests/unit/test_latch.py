"""Whose packets are a leg's, packet by packet."""

from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.media.latch import DOUBT, PROOF, Latch

PARTY, NAT, STRANGER = ("192.0.2.1", 4000), ("198.51.100.7", 6000), ("203.0.113.9", 9)


def test_the_announced_address_is_the_partys_at_once() -> None:
    latch = Latch(PARTY)
    assert latch.destination == PARTY
    assert latch.accept(PARTY, 0.0)
    assert latch.locked
    assert not latch.accept(STRANGER, 0.0)


def test_another_source_is_learnt_and_locked_when_the_announced_one_keeps_silent() -> None:
    latch = Latch(PARTY)
    for number in range(PROOF):
        assert latch.accept(NAT, number * 0.02)
    assert latch.destination == NAT
    assert not latch.accept(STRANGER, 1.0)
    assert not latch.locked
    assert latch.accept(NAT, DOUBT)
    assert latch.locked
    assert not latch.accept(PARTY, DOUBT + 1)


def test_who_forges_first_gives_way_to_the_party() -> None:
    latch = Latch(PARTY)
    for _ in range(1000):
        latch.accept(STRANGER, 0.1)
    assert latch.accept(PARTY, 0.2)
    assert latch.destination == PARTY
    assert not latch.accept(STRANGER, 0.3)


def test_the_one_who_goes_on_wins_over_the_one_who_came_first() -> None:
    latch = Latch(None)
    assert latch.accept(STRANGER, 0.0)
    heard = [latch.accept(NAT, 0.1) for _ in range(PROOF)]
    assert heard == [False] * (PROOF - 1) + [True]
    assert not latch.accept(STRANGER, 0.2)


@given(st.lists(st.sampled_from([NAT, STRANGER]), min_size=2 * PROOF, max_size=40))
def test_one_wins_and_nobody_else_is_heard_after(sources: list[tuple[str, int]]) -> None:
    latch = Latch(PARTY)
    for source in sources:
        latch.accept(source, 0.0)
    winner = max((NAT, STRANGER), key=lambda source: _place_of_proof(sources, source))
    assert latch.destination == winner
    assert latch.accept(winner, 0.0)
    assert not latch.accept(NAT if winner is STRANGER else STRANGER, 0.0)


def _place_of_proof(sources: list[tuple[str, int]], source: tuple[str, int]) -> float:
    """The earlier a source has sent `PROOF` packets, the higher."""
    places = [-at for at, each in enumerate(sources) if each == source]
    return places[PROOF - 1] if len(places) >= PROOF else -1e9


def test_a_crowd_of_sources_does_not_fill_the_memory() -> None:
    latch = Latch(PARTY)
    for port in range(1, 10_000):
        latch.accept(("203.0.113.9", port), 0.0)
    assert len(latch._counts) <= 16
    assert latch.accept(PARTY, 0.0)
