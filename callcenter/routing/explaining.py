"""Tell who was considered for a caller, or for a place that is kept, and why not the others. No I/O.

Told when it is something else than what was last told of the same one.
"""

from bisect import bisect_left

from callcenter import events
from callcenter.calls import considered
from callcenter.routing import agents, rules
from callcenter.routing.board import Agent, Attempt, Call
from callcenter.routing.lineup import Lineup
from callcenter.routing.rules import Choice
from callcenter.routing.step import Step

NAMED = 20
"""Agents that one event names with all that kept each from it."""

Known = dict[tuple[str, float, str], list[tuple[str, str]]]
"""Queue, end of the ring, line -> who was looked at: of callers who ask for nothing of their own, turned away alike."""


def tell(step: Step, waiting: Call | Attempt, choice: Choice[Agent], known: Known | None = None) -> None:
    """Say what was decided. `known`: what was found for others in this step, while no agent has changed."""
    queue = step.board.queues.get(waiting.queue) or step.rules_of(Call(""))
    chosen = choice.agent.name if choice.agent is not None else ""
    ring = rules.ring_of(queue.rings, step.now - waiting.lined_up)
    decided = f"{waiting.queue} {choice.why} {chosen} {ring.until:g}"
    if decided == waiting.decided:
        return
    waiting.decided = decided
    step.keep(waiting)
    line = waiting.line if isinstance(waiting, Call) else ""
    alike = (waiting.queue, ring.until, line)
    if known is None or alike not in known:
        found = _found(step, waiting, chosen, line)
        if known is not None:
            known[alike] = found
    else:
        found = known[alike]
    call, kinds = isinstance(waiting, Call), considered.by_kind(found)
    step.tell(
        events.RoutingDecided(
            at=step.now,
            call=waiting.id if call else "",
            queue=waiting.queue,
            agent=chosen,
            why=choice.why,
            considered=tuple(f"{name} {why}" for name, why in found[:NAMED]),
            more=max(0, len(found) - NAMED),
            counts=considered.counts(kinds),
            everyone=considered.pack(kinds) if len(found) > NAMED else "",
            relaxes=waiting.lined_up + ring.until if ring.until else 0.0,
            before=_before(step.board.lineup.get(waiting.queue), waiting),
            places=_before(step.board.places.get(waiting.queue), waiting),
            attempt="" if call else waiting.id,
        )
    )


def _found(step: Step, waiting: Call | Attempt, chosen: str, line: str) -> list[tuple[str, str]]:
    board = step.board
    queue = board.queues.get(waiting.queue) or step.rules_of(Call(""))
    serving = (board.agents[name] for name in board.serving.get(waiting.queue, {}))
    return rules.consider(
        waiting,
        queue,
        serving,
        chosen,
        lambda agent: not line or agents.can_be_rung(board.agents[agent.name], line),
        step.now,
    )


def _before(lineup: Lineup | None, waiting: Call | Attempt) -> int:
    return bisect_left(lineup.order, rules.rank(waiting)) if lineup else 0
