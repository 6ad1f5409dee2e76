"""A few hundred calls of every kind; `./run bench soak` makes twenty thousand."""

from callcenter.bench.soak import FADES, Pace, soak


async def test_no_call_leaves_anything_behind() -> None:
    pace = Pace(rate=25, t1=0.05, silent=3, faded=0)
    told = await soak(200, seed=3, pace=pace, warm=100, parts=(1.0,))
    assert told["errors"] == []
    assert told["failed"] == {}
    assert told["endings"]["hung_up"] > 100
    assert {name: counts for name, counts in told["left_over"].items() if name not in FADES} == {}
    assert {
        told["figures"][name] for name in ("legs", "sip_transactions", "sip_sessions", "rtp_ports_used")
    } == {0}
