"""Who is free in a queue, and who of them is taken. No I/O."""

from collections.abc import Iterable

from callcenter.routing import agents, rules
from callcenter.routing.board import Agent
from callcenter.routing.step import Step


def free_in(step: Step, queue: str, line: str) -> list[Agent]:
    """Who serves the queue, is free, and has a phone that the line reaches."""
    found = (step.board.agents[name] for name in step.board.free.get(queue, {}))
    return [
        agent for agent in found if rules.is_free(agent) and (not line or agents.can_be_rung(agent, line))
    ]


def next_of(
    step: Step, queue: str, free: Iterable[Agent], passed: dict[str, float], since: float
) -> Agent | None:
    """Who of these is asked for advice; the skills relax from `since` on."""
    served = step.board.queues.get(queue)
    if served is None:
        return None
    chosen = rules.best(served, free, rules.ring_of(served.rings, step.now - since), passed, step.now)
    return turn(step, queue, chosen)


def turn(step: Step, queue: str, chosen: Agent | None) -> Agent | None:
    """The chosen one, to be changed; a queue that goes round remembers him."""
    served = step.board.queues.get(queue)
    if chosen is None or served is None:
        return chosen
    if served.strategy == "round_robin":
        (step.queue(queue) or served).turn = chosen.name
    return step.agent(chosen.name)
