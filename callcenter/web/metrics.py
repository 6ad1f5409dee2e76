"""`/metrics`: what Prometheus scrapes (text format 0.0.4), by a bearer token whose role may see it."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from callcenter import jobs, timers
from callcenter.calls import ledger
from callcenter.web import auth, board
from callcenter.web.board import Board
from callcenter.web.health import LEASE
from callcenter.web.lines import lines, sounds
from callcenter.web.parts import parts

QUEUE_FIGURES = (
    "offered",
    "answered",
    "abandoned",
    "short_abandon",
    "deflected",
    "overflowed",
    "messages",
    "callbacks",
    "lost",
    "within",
)
MOS_EDGES = ("4.34", "4.03", "3.60", "3.10", "0")
LAGS = {"timers": timers.ALIVE, "ledger": ledger.ALIVE}


def routes() -> list[BaseRoute]:
    return [auth.route("/metrics", show, act="metrics.see")]


async def show(request: Request) -> Response:
    """`GET /metrics`."""
    held = parts(request)
    seen = await board.whole(held.store)
    seen_lines = await lines(held)
    found = [
        *_lines(seen_lines),
        *_sounds(await sounds(held, seen_lines)),
        *_board(seen),
        _gauge("callcenter_conductor_up", "Whether a conductor leads", await held.store.exists(LEASE)),
        *await _lags(held.store),
        await _jobs(held.store),
    ]
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Found(found))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Found(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(name, meaning, value=value)


def _lines(found: list[dict[str, Any]]) -> Iterator[Metric]:
    """Every figure that a line told, under its own name; sums end in `_total`."""
    up = GaugeMetricFamily("callcenter_line_up", "Whether the line's lease stands", labels=["line"])
    trunks = GaugeMetricFamily(
        "callcenter_trunk_up", "Whether the trunk can be used", labels=["line", "trunk"]
    )
    figures: dict[str, Metric] = {}
    for line in found:
        up.add_metric([line["name"]], float(line["up"]))
        for trunk, why in line["trunks"].items():
            trunks.add_metric([line["name"], trunk], float(line["up"] and not why))
        for name, value in line["figures"].items():
            cls = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
            words = name.replace("_", " ")
            metric = figures.setdefault(
                name, cls(f"callcenter_line_{name}", f"Of a line: {words}", labels=["line"])
            )
            metric.add_metric([line["name"]], float(value))  # type: ignore[attr-defined]
    yield from (up, trunks, *figures.values())


def _sounds(heard: list[dict[str, Any]]) -> Iterator[Metric]:
    """Legs by their estimated MOS now; the edges are those of ITU-T G.109 (best, high, medium, low, poor)."""
    mos = GaugeMetricFamily(
        "callcenter_legs_mos", "Legs now, by the lower edge of their MOS", labels=["line", "mos"]
    )
    counted = Counter(
        (one["line"], next(edge for edge in MOS_EDGES if one["mos"] >= float(edge))) for one in heard
    )
    for labels, number in sorted(counted.items()):
        mos.add_metric(list(labels), number)
    loss = GaugeMetricFamily(
        "callcenter_legs_loss_worst", "Largest share of packets lost now", labels=["line"]
    )
    jitter = GaugeMetricFamily("callcenter_legs_jitter_worst_seconds", "Largest jitter now", labels=["line"])
    for line in sorted({one["line"] for one in heard}):
        mine = [one for one in heard if one["line"] == line]
        loss.add_metric([line], max(one["loss"] for one in mine))
        jitter.add_metric([line], max(one["jitter"] for one in mine) / 1000)
    yield from (mos, loss, jitter)


def _board(seen: Board) -> Iterator[Metric]:
    calls = GaugeMetricFamily("callcenter_calls", "Calls now, by state", labels=["state"])
    for state, number in sorted(Counter(call["state"] for call in seen.calls.values()).items()):
        calls.add_metric([state], number)
    agents = GaugeMetricFamily("callcenter_agents", "Agents now", labels=["status", "activity", "reachable"])
    states = Counter(
        (one["status"], one["activity"], str(one["reachable"]).lower()) for one in seen.agents.values()
    )
    for labels, number in sorted(states.items()):
        agents.add_metric(list(labels), number)
    waiting = GaugeMetricFamily("callcenter_queue_waiting", "Callers who wait", labels=["queue"])
    today = GaugeMetricFamily(
        "callcenter_queue_today",
        "Calls of the local day, by what became of them",
        labels=["queue", "outcome"],
    )
    for name, queue in sorted(seen.queues.items()):
        waiting.add_metric([name], queue["waiting"])
        for figure in QUEUE_FIGURES:
            today.add_metric([name, figure], queue.get(figure, 0))
    yield from (calls, agents, waiting, today)


async def _lags(store: Any) -> Iterator[Metric]:
    lag = GaugeMetricFamily(
        "callcenter_lag_seconds", "How late a process is; absent when it is gone", labels=["part"]
    )
    for part, value in zip(LAGS, await store.mget(list(LAGS.values())), strict=True):
        if value is not None:
            lag.add_metric([part], float(value))
    return iter((lag,))


async def _jobs(store: Any) -> Metric:
    waiting = GaugeMetricFamily("callcenter_jobs_waiting", "Jobs that no worker has taken", labels=["queue"])
    for queue in jobs.QUEUES:
        waiting.add_metric([queue], await store.llen(f"rq:queue:{queue}"))
    return waiting
