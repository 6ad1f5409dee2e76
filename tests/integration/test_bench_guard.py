"""A few packets; `./run bench guard` sends twenty thousand."""

from callcenter.bench.guard import guard


async def test_the_cost_of_a_dropped_packet_is_told() -> None:
    told = await guard(400)
    assert told["packets"] == 400
    assert told["dropped_us"] > 0
    assert told["answered_us"] > 0
