"""An eye on the dispatcher from outside: callers who wait although an agent could have had them. No conductor is needed for
it, so that a dead one is noticed too."""

import threading
import time
from typing import Any

import redis
import structlog

from callcenter import alarms
from callcenter.routing import agents, rules
from callcenter.routing import board as live
from callcenter.routing.board import Agent, Board, Queue

log = structlog.get_logger()

AFTER = 3.0
"""Seconds that a caller and an agent may be there for each other (contact centre guide, pain 3)."""
EVERY = 1.0
ALARM = "dispatch"


def run(store: redis.Redis, leaving: threading.Event) -> None:
    """Look each second until `leaving`; what is found is an alarm, which ends when nothing is found any more."""
    while not leaving.wait(EVERY):
        try:
            look(store, time.time())
        except (redis.RedisError, OSError) as error:
            log.warning("the board is not watched", error=str(error))


def look(store: redis.Redis, now: float) -> None:
    """One look. The whole board is read only while somebody waits."""
    found: Any = store.hgetall("board:queues")
    board = live.load({"board:queues": found})
    if any(queue.waiting for queue in board.queues.values()):
        with store.pipeline(transaction=True) as pipe:
            for key in live.HASHES:
                pipe.hgetall(key)
            board = live.load(dict(zip(live.HASHES, pipe.execute(), strict=True)))
    alarms.set_alarm(store, ALARM, ", ".join(left_waiting(board, now)), now, where="")


def left_waiting(board: Board, now: float) -> list[str]:
    """Queues in which a caller has waited for more than AFTER seconds for whom the rules would have had an agent all that
    time."""
    return [name for name, queue in sorted(board.queues.items()) if _left(board, queue, now - AFTER)]


def _left(board: Board, queue: Queue, then: float) -> bool:
    free = [board.agents[name] for name in board.free.get(queue.name, {})]
    free = [agent for agent in free if max(agent.since, agent.status_since) <= then]
    in_vain: set[tuple[float, str]] = set()
    for one in board.lineup.get(queue.name, ()) if free else ():
        call = board.calls[one]
        if call.state != "queued" or call.since > then:
            continue
        # Who asks for nothing of his own is turned away as the one before him was.
        alike = (rules.ring_of(queue.rings, then - call.lined_up).until, call.line)
        usual = not (call.passed or call.owner or call.last)
        if usual and alike in in_vain:
            continue
        reached: list[Agent] = [agent for agent in free if agents.can_be_rung(agent, call.line)]
        people = board.agents
        if rules.choose_agent(
            call, queue, reached, people.get(call.owner), people.get(call.last), then
        ).agent:
            return True
        if usual:
            in_vain.add(alike)
    return False
