"""The supervisor's hand: a waiting call is assigned, pulled out, moved, ranked; a wrap-up is ended, a queue closed. No I/O.

Each act is told (`SupervisorActed`), and stands at the agent's entry until he chooses a status by himself. Refusals:
not-found, wrong-state, agent-busy, agent-unreachable, queue-closed, queue-full.
"""

from callcenter import commands, events
from callcenter.routing import agents, endings, moves, offers
from callcenter.routing.board import Agent, Call
from callcenter.routing.step import Step

WAITING = frozenset({"greeting", "queued", "offered"})
"""States in which a caller can be assigned, moved and ranked."""


def assign(step: Step, asked: commands.AssignCall) -> None:
    """The agent's phone rings for this call now, whatever the rules say; who does not answer it leaves it its place."""
    call, agent = _waiting(step, asked.call), step.agent(asked.agent)
    refused = "wrong-state" if call is None else _cannot_take(agent, call)
    if call is None or agent is None or refused:
        step.refuse(asked.by, asked, refused, asked.call)
        return
    moves.call_back_offer(step, call)
    if call.state == "greeting":
        step.enter(call, "queue")
        step.play(call, "music", step.rules_of(call).waiting_music, loop=True)
    offers.ring(step, call, agent)
    act = "pull" if asked.by == agent.name else "assign"
    _note(step, agent, act, asked.by)
    step.tell(events.SupervisorActed(step.now, asked.by, act, agent.name, call.id, call.queue))


def move(step: Step, asked: commands.MoveCall) -> None:
    """Into another queue, by its age."""
    call = _waiting(step, asked.call)
    refused = "wrong-state" if call is None or call.queue == asked.queue else moves.barred(step, asked.queue)
    if call is None or refused:
        step.refuse(asked.by, asked, refused, asked.call)
        return
    moves.move(step, call, asked.queue)
    step.tell(events.SupervisorActed(step.now, asked.by, "move", call=call.id, queue=asked.queue))


def rank(step: Step, asked: commands.RankCall) -> None:
    """Its priority is this now, whatever queue it comes to."""
    call = _waiting(step, asked.call)
    if call is None:
        step.refuse(asked.by, asked, "wrong-state", asked.call)
        return
    call.priority, call.ranked_by = asked.priority, asked.by
    step.line_up_again(call)
    step.tell(
        events.SupervisorActed(step.now, asked.by, "priority", call=call.id, detail=str(asked.priority))
    )


def end_wrap_up(step: Step, asked: commands.EndWrapUp) -> None:
    """The agent is free for the next call, if he is available."""
    agent = step.agent(asked.agent)
    if agent is None or agent.activity != "wrap_up":
        step.refuse(asked.by, asked, "not-found" if agent is None else "wrong-state")
        return
    call = agent.wrap_call
    endings.end_wrap_up(step, agent)
    _note(step, agent, "end_wrap_up", asked.by)
    step.tell(events.SupervisorActed(step.now, asked.by, "end_wrap_up", agent.name, call))


def close(step: Step, asked: commands.CloseQueue) -> None:
    """No more callers, or again; who waits stays, or leaves as one whom the queue has no time for."""
    queue = step.queue(asked.queue)
    if queue is None or queue.closed == asked.closed:
        step.refuse(asked.by, asked, "not-found" if queue is None else "wrong-state")
        return
    queue.closed, queue.closed_by = asked.closed, asked.by if asked.closed else ""
    if asked.closed and asked.send_away:
        for name in list(step.board.lineup.get(queue.name, ())):
            if (call := _waiting(step, name)) is not None:
                moves.out(step, call)
    act = "close" if asked.closed else "open"
    detail = "send_away" if asked.closed and asked.send_away else ""
    step.tell(events.SupervisorActed(step.now, asked.by, act, queue=queue.name, detail=detail))


def chose(step: Step, agent: Agent, by: str) -> None:
    """A supervisor has set the agent's status."""
    _note(step, agent, "status", by)
    detail = f"{agent.status} {agent.reason}".strip()
    step.tell(events.SupervisorActed(step.now, by, "status", agent.name, detail=detail))


def _waiting(step: Step, name: str) -> Call | None:
    call = step.board.calls.get(name)
    return call if call is not None and call.kind == "inbound" and call.state in WAITING else None


def _cannot_take(agent: Agent | None, call: Call) -> str:
    """A supervisor may give a call also to somebody who is not ready, or on a break."""
    if agent is None or agent.gone:
        return "not-found"
    if agent.status == "signed_out" or not agents.can_be_rung(agent, call.line):
        return "agent-unreachable"
    return "agent-busy" if agent.activity != "idle" else ""


def _note(step: Step, agent: Agent, act: str, by: str) -> None:
    agent.hand, agent.hand_by, agent.hand_at = act, by, step.now
