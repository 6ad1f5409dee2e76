"""Benchmarks: `./run bench NAME` prints JSON and never fails on time.

Each module has `main(settings) -> dict`. A figure without its machine and its sample size says nothing: both stand in
every answer.
"""

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """What the figures were measured on; `load` is the number of runnable processes over the last minute."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        names = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model,
        "python": sys.version.split()[0],
        "load": round(os.getloadavg()[0], 2),
    }


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float | int]:
    """Sample size, median, 99th percentile (nearest rank) and maximum."""
    if not values:
        return {"samples": 0}
    ordered = sorted(values)
    rank = max(0, -(-99 * len(ordered) // 100) - 1)
    return {
        "samples": len(ordered),
        "p50": round(ordered[len(ordered) // 2], digits),
        "p99": round(ordered[rank], digits),
        "max": round(ordered[-1], digits),
    }
