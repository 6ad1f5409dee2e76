"""`./run bench board [DECISIONS]`: steps of the conductor over a big board: an agent becomes free, a caller is chosen.

1,000 agents of four queues each, 500 callers in 20 queues, who ask for skills that relax. Each decision is a whole step in
memory: a desk command, the match, the offer, what would be written with it. Then a floor of which everybody is free and
nobody has the skill: each decision is a caller who comes to wait, and is told of.
"""

import itertools
import random
import time
from typing import Any

from callcenter import commands, events
from callcenter.bench import machine, spread
from callcenter.routing.board import Agent, Board, Call, Line, Queue
from callcenter.routing.flows import CallerFound, House, Tick, step
from callcenter.routing.rules import STRATEGIES, Ring
from callcenter.settings import Settings

DECISIONS = 20_000
AGENTS, CALLS, QUEUES, SERVED = 1000, 500, 20, 4
SEED = 6
NOW = 1_795_338_000.0


def main(settings: Settings, decisions: int = DECISIONS) -> dict[str, Any]:
    """`decisions_per_second`: of one core; `step_us`: microseconds of each; `tick_ms`: of a sweep over all, four times a
    second; `explained_bytes`: of the event that says who was considered; `nobody`: the same of callers for whom none of
    many free agents will do."""
    del settings  # everything is in memory
    dice, house = random.Random(SEED), House()
    board = made(dice)
    took: list[float] = []
    sizes: list[float] = []
    number = itertools.count()
    offered = 0
    began = time.perf_counter()
    while len(took) < decisions:
        agent = board.agents[f"agent{dice.randrange(AGENTS)}"]
        if agent.activity != "idle":
            continue
        now = NOW + len(took) * 0.01
        before = time.perf_counter()
        effects = step(board, commands.SetStatus(agent.name, "available", by=agent.name), now, house)
        took.append((time.perf_counter() - before) * 1e6)
        rung = [one for one in effects.events if isinstance(one, events.CallOffered)]
        offered += len(rung)
        sizes += explained(effects.events)
        for one in rung:
            _serve(board, one.call, one.agent, next(number), now, dice)
        _breaks(board, agent)
    seconds = time.perf_counter() - began
    return {
        "bench": "board",
        "machine": machine(),
        "agents": AGENTS,
        "waiting": sum(len(one) for one in board.lineup.values()),
        "queues": QUEUES,
        "decisions": len(took),
        "offered": offered,
        "decisions_per_second": round(len(took) / sum(took) * 1e6),
        "seconds": round(seconds, 1),
        "step_us": spread(took, 1),
        "tick_ms": spread(_ticks(board, now, house), 1),
        "explained_bytes": spread(sizes, 0),
        "nobody": nobody(decisions // 4),
    }


def nobody(decisions: int) -> dict[str, Any]:
    """Callers who come to a floor of free agents of whom none has the skill, one after the other."""
    dice, house = random.Random(SEED), House(greeting=False)
    board = made(dice)
    for queue in board.queues.values():
        queue.rings, queue.max_length = [Ring(0.0, {"language": 101})], 10 * CALLS
    for agent in board.agents.values():
        agent.status = "available"
    board.index()
    first = _ticks(board, NOW, house, 1)
    took: list[float] = []
    sizes: list[float] = []
    for number in range(decisions):
        now = NOW + 1.0 + number * 0.01
        call = _arrives(board, f"caller{number}", now, dice)
        call.state, call.announced, call.hearing = "arriving", False, ""
        before = time.perf_counter()
        effects = step(board, CallerFound(call.id), now, house)
        took.append((time.perf_counter() - before) * 1e6)
        sizes += explained(effects.events)
        board.lineup[call.queue].remove(call.id)
        del board.calls[call.id]
    return {
        "decisions_per_second": round(len(took) / sum(took) * 1e6),
        "explained": len(sizes),
        "step_us": spread(took, 1),
        "first_tick_ms": round(first[0], 1),
        "tick_ms": spread(_ticks(board, now, house), 1),
        "explained_bytes": spread(sizes, 0),
    }


def explained(told: list[Any]) -> list[float]:
    """Bytes of the events that say who was considered."""
    return [float(len(events.public.encode(one))) for one in told if isinstance(one, events.RoutingDecided)]


def _ticks(board: Board, now: float, house: House, times: int = 50) -> list[float]:
    """Milliseconds of sweeps, which look at every call, agent and queue."""
    took = []
    board.ticked = now
    for number in range(times):
        before = time.perf_counter()
        step(board, Tick({"line1": "b"}), now + number * 0.25, house)
        took.append((time.perf_counter() - before) * 1e3)
    return took


def made(dice: random.Random) -> Board:
    """The board: agents on a break, callers who wait."""
    board = Board(ticked=NOW)
    board.lines["line1"] = Line("line1", boot="b", up=True)
    names = [f"queue{number}" for number in range(QUEUES)]
    for number, name in enumerate(names):
        rings = [Ring(20.0, {"language": 60}), Ring(60.0, {"language": 30})]
        board.queues[name] = Queue(name, strategy=[*STRATEGIES][number % len(STRATEGIES)], rings=rings)
    for number in range(AGENTS):
        board.agents[f"agent{number}"] = Agent(
            f"agent{number}", status="break", reachable=True, fixed=True, phone=f"agent{number}",
            queues=dice.sample(names, SERVED), skills={"language": dice.randrange(101)},
            idle_since=NOW - dice.random() * 600,
        )  # fmt: skip
    for number in range(CALLS):
        _arrives(board, f"call{number}", NOW - dice.random() * 90, dice)
    board.index()
    return board


def _arrives(board: Board, name: str, at: float, dice: random.Random) -> Call:
    board.calls[name] = Call(
        name, state="queued", leg=name, leg_state="up", line="line1", announced=True, hearing="music",
        queue=f"queue{dice.randrange(QUEUES)}", started=at, queued=at, lined_up=at, since=at, priority=dice.randrange(3),
    )  # fmt: skip
    return board.calls[name]


def _serve(board: Board, call: str, agent: str, number: int, now: float, dice: random.Random) -> None:
    """The call is over at once, and another caller comes: the board stays as full."""
    gone = board.calls.pop(call)
    for leg in gone.legs:
        board.legs.pop(leg, None)
    board.lineup[gone.queue].remove(call)
    freed = board.agents[agent]
    freed.activity, freed.call, freed.offer = "idle", "", ""
    _breaks(board, freed)
    came = _arrives(board, f"next{number}", now, dice)
    board.legs[came.leg] = came.id
    board.lineup[came.queue].put(came)


def _breaks(board: Board, agent: Agent) -> None:
    agent.status = "break"
    board.look_at(agent)
