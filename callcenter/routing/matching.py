"""Bring waiting callers and free agents together, and tell who was considered. No I/O.

Only queues in which a step may have changed something are looked at; a tick looks at all of them, for what time alone
changes: skills that are not asked for any more, an owner who was waited for long enough.
"""

from callcenter.routing import choosing, explaining, offers, placed, rules
from callcenter.routing.board import Agent, Call
from callcenter.routing.explaining import Known
from callcenter.routing.lineup import merged
from callcenter.routing.rules import Choice
from callcenter.routing.step import Step

NOBODY: Choice[Agent] = Choice(None, "nobody")


def match(step: Step) -> None:
    """Offer what can be offered, over all queues by priority, then by the longest wait."""
    board = step.board
    left = dict.fromkeys(step.stirred())
    looked_at: set[str] = set()
    in_vain: set[tuple[str, float, str]] = set()
    known: Known = {}
    for one in merged(lineup for name in left for lineup in board.waiting_in(name)):
        call = board.calls.get(one)
        if call is None:
            attempt = board.attempts[one]
            if attempt.queue in left and placed.take_turn(step, attempt):
                left = {name: None for name in left if board.free.get(name)}
                known.clear()
            continue
        if call.state != "queued" or call.queue not in left:
            continue
        looked_at.add(one)
        # Who asks for nothing of his own is turned away as the one before him was.
        ring = rules.ring_of(step.rules_of(call).rings, step.now - call.lined_up)
        alike = (call.queue, ring.until, call.line)
        usual = not (call.passed or call.owner or call.last)
        if usual and alike in in_vain:
            explaining.tell(step, call, NOBODY, known)
            continue
        if _offer(step, call, choosing.free_in(step, call.queue, call.line), known if usual else None):
            known.clear()
            left = {name: None for name in left if board.free.get(name)}
            if not left:
                break
        elif usual:
            in_vain.add(alike)
    for call in step.touched_calls():
        if call.state == "queued" and call.id not in looked_at:
            _offer(step, call, choosing.free_in(step, call.queue, call.line))
    for attempt in step.touched_attempts():
        if attempt.stands and not attempt.decided:
            explaining.tell(step, attempt, NOBODY)


def _offer(step: Step, call: Call, free: list[Agent], known: Known | None = None) -> bool:
    """Whether somebody's phone rings for the call now."""
    queue, people = step.rules_of(call), step.board.agents
    choice = rules.choose_agent(call, queue, free, people.get(call.owner), people.get(call.last), step.now)
    explaining.tell(step, call, choice, known if choice.why == NOBODY.why else None)
    if choice.agent is None:
        return False
    offers.ring(step, call, choosing.turn(step, call.queue, choice.agent) or choice.agent)
    step.board.look_at(choice.agent)
    return True
