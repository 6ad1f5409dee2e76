"""`./run bench simulate [DAYS]`: how fast a described centre of about 5,000 calls a day is simulated on all cores."""

import time
from typing import Any

from callcenter.bench import machine
from callcenter.settings import Settings
from callcenter.whatif import centre, simulate

DAYS = 1000
CENTRE = {
    "opens": "08:00",
    "closes": "20:00",
    "period": 30,
    "busyness": 40,
    "queues": {
        "orders": {"service_level": 20},
        "repairs": {"service_level": 30, "rings": [{"until": 20, "needs": {"boilers": 50}}]},
    },
    "types": {
        "orders": {"rate": 270, "service": {"mean": 170, "cv": 1.1}, "wrap_up": 20, "patience": 240},
        "repairs": {"rate": 147, "service": {"mean": 320, "cv": 0.9}, "patience": 400},
    },
    "groups": {
        "counter": {"agents": 15, "queues": ["orders"]},
        "workshop": {"agents": 13, "queues": ["repairs"], "skills": {"boilers": 80}},
        "both": {"agents": 4, "queues": ["orders", "repairs"], "skills": {"boilers": 40}},
    },
}


def main(settings: Settings, days: int = DAYS) -> dict[str, Any]:
    """Seconds for all days, and processor microseconds of a core for each call, the start of the processes included."""
    del settings
    described = centre.read(CENTRE)
    began = time.perf_counter()
    calls = sum(int(tally.calls[:, :, 0].sum()) for tally in simulate.run(described, days, seed=1))
    took = time.perf_counter() - began
    figures = machine()
    return {
        "bench": "simulate",
        "machine": figures,
        "days": days,
        "calls": calls,
        "seconds": round(took, 1),
        "core_microseconds_a_call": round(took * figures["cores"] / max(1, calls) * 1e6, 1),
    }
