"""Bring waiting callers and free agents together, and tell who was considered. No I/O.

Only queues in which a step may have changed something are looked at; a tick looks at all of them, for what time alone
changes: skills that are not asked for any more, an owner who was waited for long enough.
"""

from callcenter import events
from callcenter.routing import agents, choosing, offers, placed, rules
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
    for one in merged(lineup for name in left for lineup in board.waiting_in(name)):
        call = board.calls.get(one)
        if call is None:
            attempt = board.attempts[one]
            if attempt.queue in left and placed.take_turn(step, attempt):
                left = {name: None for name in left if board.free.get(name)}
            continue
        if call.state != "queued" or call.queue not in left:
            continue
        looked_at.add(one)
        # Who asks for nothing of his own is turned away as the one before him was.
        ring = rules.ring_of(step.rules_of(call).rings, step.now - call.lined_up)
        alike = (call.queue, ring.until, call.line)
        usual = not (call.passed or call.owner or call.last)
        if usual and alike in in_vain:
            continue
        if _offer(step, call, choosing.free_in(step, call.queue, call.line)):
            left = {name: None for name in left if board.free.get(name)}
            if not left:
                break
        elif usual:
            in_vain.add(alike)
    for call in step.touched_calls():
        if call.state == "queued" and call.id not in looked_at:
            _offer(step, call, choosing.free_in(step, call.queue, call.line))


def _offer(step: Step, call: Call, free: list[Agent]) -> bool:
    """Whether somebody's phone rings for the call now."""
    queue, people = step.rules_of(call), step.board.agents
    choice = rules.choose_agent(call, queue, free, people.get(call.owner), people.get(call.last), step.now)
    _tell(step, call, choice)
    if choice.agent is None:
        return False
    offers.ring(step, call, choosing.turn(step, call.queue, choice.agent) or choice.agent)
    step.board.look_at(choice.agent)
    return True


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
