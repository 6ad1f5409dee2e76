"""Twenty deaths of any process, and conductors that stand still, under load; `./run bench kills` makes a thousand."""

from callcenter import events
from callcenter.bench.kills import check, run
from callcenter.routing.board import Board


async def test_nothing_is_lost_or_told_twice() -> None:
    told = await run(20, seed=7, paused=5.0)
    assert told["wrong"] == {}
    assert sum(told["kills"].values()) == 20
    assert told["outcomes"]["answered"] > 0
    assert told["takeover_s"]["samples"] > 0


def test_what_does_not_add_up_is_seen() -> None:
    def offer(number: int) -> events.CallOffered:
        return events.CallOffered(1.0, f"c{number}", f"o{number}", "ann", "default", "", 9.0)

    started = events.CallStarted(1.0, "c1", "inbound", "in", "", "hotline")
    told = [started, started, offer(1), offer(2), events.OfferEnded(2.0, "c1", "o1", "ann", "missed")]
    assert check(told, Board(), 1) == {
        "told twice": ["CallStarted c1"],
        "calls without an end": ["c1"],
        "offers without an end": ["o2"],
        "two offers for one agent": ["ann o2"],
        "record": ["1 rows, 0 calls"],
    }
