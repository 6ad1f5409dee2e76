"""Bring waiting callers and free agents together, and tell who was considered. No I/O.

Only queues in which a step may have changed something are looked at; a tick looks at all of them, for what time alone
changes: skills that are not asked for any more, an owner who was waited for long enough.
"""

from collections.abc import Iterable

from callcenter import events
from callcenter.routing import agents, offers, rules
from callcenter.routing.board import Agent, Call
from callcenter.routing.lineup import merged
from callcenter.routing.rules import Choice
from callcenter.routing.step import Step

NAMED = 20
"""Agents that one event names at most."""


def match(step: Step) -> None:
    """Offer what can be offered, over all queues by priority, then by the longest wait."""
    board = step.board
    left = dict.fromkeys(step.stirred())
    looked_at: set[str] = set()
    in_vain: set[tuple[str, float, str]] = set()
    for one in merged(board.lineup[name] for name in left):
        call = board.calls[one]
        if call.state != "queued" or call.queue not in left:
            continue
        looked_at.add(one)
        # Who asks for nothing of his own is turned away as the one before him was.
        ring = rules.ring_of(step.rules_of(call).rings, step.now - call.lined_up)
        alike = (call.queue, ring.until, call.line)
        usual = not (call.passed or call.owner or call.last)
        if usual and alike in in_vain:
            continue
        if _offer(step, call, free_in(step, call.queue, call.line)):
            left = {name: None for name in left if board.free.get(name)}
            if not left:
                break
        elif usual:
            in_vain.add(alike)
    for call in step.touched_calls():
        if call.state == "queued" and call.id not in looked_at:
            _offer(step, call, free_in(step, call.queue, call.line))


def free_in(step: Step, queue: str, line: str) -> list[Agent]:
    """Who serves the queue, is free, and has a phone that the line reaches."""
    found = (step.board.agents[name] for name in step.board.free.get(queue, {}))
    return [
        agent for agent in found if rules.is_free(agent) and (not line or agents.can_be_rung(agent, line))
    ]


def next_of(
    step: Step, queue: str, free: Iterable[Agent], passed: dict[str, float], since: float
) -> Agent | None:
    """Who of these is asked for advice, or places a callback; the skills relax from `since` on."""
    served = step.board.queues.get(queue)
    if served is None:
        return None
    chosen = rules.best(served, free, rules.ring_of(served.rings, step.now - since), passed, step.now)
    return _turn(step, queue, chosen)


def _offer(step: Step, call: Call, free: list[Agent]) -> bool:
    """Whether somebody's phone rings for the call now."""
    queue, people = step.rules_of(call), step.board.agents
    choice = rules.choose_agent(call, queue, free, people.get(call.owner), people.get(call.last), step.now)
    _tell(step, call, choice)
    if choice.agent is None:
        return False
    offers.ring(step, call, _turn(step, call.queue, choice.agent) or choice.agent)
    step.board.look_at(choice.agent)
    return True


def _turn(step: Step, queue: str, chosen: Agent | None) -> Agent | None:
    """The chosen one, to be changed; a queue that goes round remembers him."""
    served = step.board.queues.get(queue)
    if chosen is None or served is None:
        return chosen
    if served.strategy == "round_robin":
        (step.queue(queue) or served).turn = chosen.name
    return step.agent(chosen.name)


def _tell(step: Step, call: Call, choice: Choice[Agent]) -> None:
    """Say who was considered, when it is something else than what was last said of this call."""
    queue, board = step.rules_of(call), step.board
    chosen = choice.agent.name if choice.agent is not None else ""
    ring = rules.ring_of(queue.rings, step.now - call.lined_up)
    decided = f"{call.queue} {choice.why} {chosen} {ring.until:g}"
    if decided == call.decided:
        return
    call.decided = decided
    step.keep(call)
    serving, free = board.serving.get(call.queue, {}), board.free.get(call.queue, {})
    others = [name for name in serving if name not in free and board.agents[name].status != "signed_out"]
    found = rules.consider(
        call,
        queue,
        (board.agents[name] for name in [*free, *others[:NAMED]]),
        chosen,
        lambda agent: agents.can_be_rung(board.agents[agent.name], call.line),
        step.now,
    )
    step.tell(
        events.RoutingDecided(
            at=step.now,
            call=call.id,
            queue=call.queue,
            agent=chosen,
            why=choice.why,
            considered=tuple(f"{name} {why}" for name, why in found[:NAMED]),
            more=len(free) + len(others) - min(len(found), NAMED),
        )
    )
