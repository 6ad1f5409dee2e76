"""A few thousand mutated packets; `./run bench fuzz` sends a hundred thousand."""

from callcenter.bench.fuzz import fuzz


async def test_mutated_packets_leave_nothing_behind() -> None:
    told = await fuzz(3000, seed=3261)
    assert told["errors"] == []
    assert told["calls"] > 0
    assert set(told["left_over"].values()) == {0}
    assert told["good_call"]
