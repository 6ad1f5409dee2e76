"""An agent gives a call away, asks somebody first, makes a conference, leaves it: from the desk or by the phone. No I/O.

Hanging up the phone while somebody is consulted completes the transfer, also while it still rings there (RFC 5589,
section 6); in a conference the agent leaves it. Refusals: not-found, wrong-state, invalid-input, agent-busy,
agent-unreachable, no-agent-free, queue-full, queue-closed, not-supported.
"""

from typing import Any

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import agents, dialled, endings, moves, parties, plan_json, plans, releases, talks
from callcenter.routing.board import Agent, Call, Party
from callcenter.routing.step import Step

MOST = 5
"""Parties of one call besides customer and agent."""


def begin(step: Step, asked: commands.TransferCall | commands.ConsultCall) -> None:
    """Transfer at once, or ask first."""
    call = talks.spoken(step, asked.agent, asked.call)
    blind = isinstance(asked, commands.TransferCall)
    refused = (
        "wrong-state" if call is None else start(step, call, asked.kind, asked.target, asked.note, blind)
    )
    if refused:
        step.refuse(asked.agent, asked, refused, asked.call)


def start(
    step: Step, call: Call, kind: str, target: str, note: str = "", blind: bool = False, asked: str = ""
) -> str:
    """Ring the target, or let the call into a queue; why not, or empty. `asked`: the leg that asked by REFER."""
    if (
        call.state not in ("bridged", "held")
        or parties.consulted(call) is not None
        or call.releasing
        or len(call.parties) >= MOST
    ):
        return "wrong-state"
    if kind == "release":
        return releases.start(step, call, target, note) if blind else "invalid-input"
    by = step.board.agents.get(call.agent)
    before, call.sent_by, call.note = (call.sent_by, call.note), call.agent, note[:500]
    party = Party("", "consult", target, mode="blind" if blind else "", line=call.line, asked=asked)
    match kind:
        case "agent":
            refused = _ring_agent(step, call, party)
        case "queue" if target not in step.board.queues:
            refused = "not-found"
        case "queue" if blind:
            refused = _to_queue(step, call, target, asked)
        case "queue":
            refused = _ring_queue(step, call, party)
        case "number":
            refused = _ring_number(step, call, party, by)
        case _:
            refused = "invalid-input"
    if refused:
        call.sent_by, call.note = before
    elif call.state != "queued":
        step.enter(call, "consult")
        step.tell(events.ConsultStarted(step.now, call.id, call.agent, kind, target, blind))
    return refused


def swap(step: Step, asked: commands.SwapCall) -> None:
    """The other one waits with music."""
    call, party = _consulting(step, asked)
    if call is None or party is None or party.state != "up":
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
        return
    step.enter(call, "join" if call.state == "consulting" else "consult")
    step.tell(events.CallSwapped(step.now, call.id, asked.agent, call.state == "bridged"))


def complete(step: Step, asked: commands.CompleteTransfer) -> None:
    """The one who is asked has the call, now or with the answer."""
    call, party = _consulting(step, asked)
    if call is None or party is None:
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
    elif refused := _complete(step, call, party):
        step.refuse(asked.agent, asked, refused, asked.call)


def join(step: Step, asked: commands.JoinCall) -> None:
    """All hear each other."""
    call, party = _consulting(step, asked)
    if call is None or party is None or party.state != "up":
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
        return
    line = step.board.lines.get(call.line)
    if line is not None and "mixing" in line.lacks:
        step.refuse(asked.agent, asked, "not-supported", asked.call)
        return
    party.role = "guest"
    step.tell(events.ConsultEnded(step.now, call.id, call.agent, party.name, "joined"))
    if call.state == "consulting":
        step.enter(call, "join")
    step.keep(call)
    step.tell(events.PartyJoined(step.now, call.id, call.agent, party.name))


def drop(step: Step, asked: commands.DropParty) -> None:
    """Let go of one."""
    call = talks.spoken(step, asked.agent, asked.call)
    there = [one for one in call.parties.values() if one.role != "supervisor"] if call else []
    fitting = [one for one in there if asked.party in (one.leg, "")]
    if call is None or len(fitting) != 1:
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
    else:
        parties.drop(step, call, fitting[0])


def leave(step: Step, asked: commands.LeaveCall) -> None:
    """The agent leaves a conference."""
    call = talks.spoken(step, asked.agent, asked.call)
    if call is None or not _leave(step, call):
        step.refuse(asked.agent, asked, "wrong-state", asked.call)


def hang_up(step: Step, asked: commands.HangUpCall) -> None:
    """The agent ends it for all; a call that we place, also before anybody answered. Who was called in leaves it."""
    call = step.board.calls.get(asked.call)
    party = call.party_of(asked.agent) if call is not None else None
    if call is not None and party is not None and party.role != "supervisor" and not party.offer:
        parties.left(step, call, party, events.LegEnded(step.now, call.line, party.leg, "hung_up", "us"))
    elif call is None or call.agent != asked.agent or call.state == "ended":
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
    elif (asking := parties.consulted(call)) is not None:
        _complete(step, call, asking)
    elif releases.agent_leaves(step, call):
        return
    elif call.answered and call.state in life.WITH_AGENT:
        endings.finish(step, call, endings.spoken_outcome(call), "agent", step.now)
    elif call.kind in dialled.PLACED and call.state == "leaving":
        endings.finish(step, call, call.outcome, "us", step.now, call.fault, call.code)
    elif call.kind in ("callback", "manual", "internal") and not call.answered:
        endings.finish(step, call, "cancelled", "agent", step.now)
    else:
        step.refuse(asked.agent, asked, "wrong-state", asked.call)


def agent_left(step: Step, call: Call, event: events.LegEnded) -> None:
    """The agent's phone hung up in a conversation."""
    party = parties.consulted(call)
    if party is not None and event.by == "remote":
        _complete(step, call, party)
    elif event.by == "remote" and (releases.agent_leaves(step, call) or _leave(step, call)):
        return
    else:
        outcome = endings.spoken_outcome(call)
        by = "agent" if event.by == "remote" else "us"
        fault = "us" if event.by == "us" else event.fault
        endings.finish(step, call, outcome, by, step.at(event.at), fault, event.code)


def _complete(step: Step, call: Call, party: Party) -> str:
    """Why not, or empty."""
    if party.state == "up":
        parties.take_over(step, call, party, "attended")
    elif party.state == "waiting":
        # Nobody is free there yet: the customer waits for them instead.
        parties.consult_over(step, call, party, "transferred")
        if (refused := _to_queue(step, call, party.queue, "")) and not call.agent_leg:
            parties.back_to_queue(step, call)
        return refused
    else:
        parties.hand_over(step, call, party)
    return ""


def _leave(step: Step, call: Call) -> bool:
    """A colleague among the guests becomes the call's agent; else customer and guests go on, if the centre allows."""
    guests = [one for one in call.parties.values() if one.role == "guest"]
    colleague = next((one for one in guests if one.inside), None)
    if not guests or (colleague is None and not step.house.guests_go_on):
        return False
    parties.take_over(step, call, colleague or guests[0], "conference")
    return True


def _consulting(step: Step, asked: Any) -> tuple[Call | None, Party | None]:
    call = talks.spoken(step, asked.agent, asked.call)
    return call, parties.consulted(call)


def _ring_agent(step: Step, call: Call, party: Party) -> str:
    """A colleague may be asked who is not available for callers, but is there and does nothing else."""
    agent = step.agent(party.name)
    if agent is None or agent.gone:
        return "not-found"
    if agent.status == "signed_out" or not agents.can_be_rung(agent, call.line):
        return "agent-unreachable"
    if agent.activity != "idle":
        return "agent-busy"
    party.inside = True
    parties.ring_agent(step, call, agent, party)
    return ""


def _ring_queue(step: Step, call: Call, party: Party) -> str:
    if step.board.queues[party.name].closed:
        return "queue-closed"
    call.passed = {}
    step.keep(call)
    agent = parties.next_of_queue(step, call, party.name, step.now)
    if agent is None:
        return parties.wait_for(step, call, party)
    party.queue, party.name, party.inside = party.name, agent.name, True
    parties.ring_agent(step, call, agent, party)
    return ""


def _ring_number(step: Step, call: Call, party: Party, by: Agent | None) -> str:
    party.name = dialled.number_of(party.name, step.house.country)
    if not party.name:
        return "invalid-input"
    colleague = next((one.name for one in step.board.agents.values() if one.phone == party.name), "")
    if colleague:
        party.name = colleague
        return _ring_agent(step, call, party)
    parties.ring_number(step, call, party, by.role if by else "agent")
    return ""


def _to_queue(step: Step, call: Call, queue: str, asked: str) -> str:
    if barred := moves.barred(step, queue):
        return barred
    if asked:
        step.order(call.line, commands.FinishReferral(asked, 200))
    parties.transferred(step, call, call.agent, "queue", queue, "blind")
    parties.to_queue(step, call, queue)
    return ""


def refer(step: Step, event: events.TransferAsked) -> None:
    """REFER: from an agent's phone it is what the desk does; a caller may not have us call somebody on our account."""
    call = step.board.call_of(event.leg)
    if call is None or event.leg != call.agent_leg or call.state not in life.WITH_AGENT:
        step.order(event.line, commands.FinishReferral(event.leg, 603))
        return
    if event.replaces:
        code = _merge(step, call, event)
    else:
        kind, target = named(step, event.target)
        code = (
            0
            if not (why := start(step, call, kind, target, blind=True, asked=event.leg))
            else _STATUS.get(why, 480)
        )
    if code:
        step.order(call.line, commands.FinishReferral(event.leg, code))


_STATUS = {
    "not-found": 404,
    "agent-busy": 486,
    "queue-full": 486,
    "queue-closed": 480,
    "invalid-input": 484,
    "wrong-state": 491,
}
"""Refusal -> what the phone is told (RFC 3261, 21)."""


def named(step: Step, target: str) -> tuple[str, str]:
    """What a phone means by a number: a colleague's phone, a queue's number or name, else a number outside."""
    user = (
        target.partition(":")[2].partition("@")[0].partition(";")[0]
        if target.startswith(("sip:", "sips:"))
        else target
    )
    for agent in step.board.agents.values():
        if agent.phone and agent.phone == user and agent.status != "signed_out":
            return "agent", agent.name
    queues = {queue.name: queue.numbers for queue in step.board.queues.values()}
    if user in queues:
        return "queue", user
    planned = plans.plan_for(user, step.board.plans.values())
    fallback = plan_json.loaded(planned.body).fallback if planned else None
    found = plans.queue_for(user, step.house.numbers, queues) or fallback
    return ("queue", found) if found else ("number", user or target)


def _merge(step: Step, call: Call, event: events.TransferAsked) -> int:
    """Attended by the phone (RFC 5589, 7): it has a second call, with the target, whose partner comes over."""
    found = step.board.call_of(event.replaces)
    if found is None or found is call or found.state == "ended" or found.line != call.line:
        return 481
    # Whichever of its calls the phone names first: the customer's goes on.
    turned = call.kind in dialled.PLACED and found.kind not in dialled.PLACED
    (call, mine), (other, its) = (call, event.leg), (found, event.replaces)
    if turned:
        (call, mine), (other, its) = (other, its), (call, mine)
    if mine != call.agent_leg or call.state not in life.WITH_AGENT or parties.consulted(call) is not None:
        return 481
    party = _partner(step, call, other, its)
    if party is None:
        return 480
    step.order(call.line, commands.FinishReferral(event.leg, 200))
    step.gone(other, party.leg)
    if other.agent == party.name:
        other.served, other.agent = other.agent, ""  # that agent goes on without a wrap-up
    endings.finish(step, other, endings.spoken_outcome(other), "agent", step.now)
    call.parties[party.leg] = party
    step.board.legs[party.leg] = call.id
    call.sent_by, call.note = call.agent, ""
    kind = "agent" if party.inside else "number"
    step.tell(events.ConsultStarted(step.now, call.id, call.agent, kind, party.name))
    if party.state == "up":
        parties.take_over(step, call, party, "phones")
    else:
        parties.hand_over(step, call, party)
    return 0


def _partner(step: Step, call: Call, other: Call, leg: str) -> Party | None:
    """Whom the agent's phone speaks with on this leg of another call, or hears ring there, as one to come over; None
    when it may not."""
    by = step.board.agents.get(call.agent)
    if by is None or not (other.answered or (other.kind in dialled.PLACED and other.state == "connecting")):
        return None
    if leg == other.agent_leg and other.agent == by.name:
        theirs, state, name = other.leg, other.leg_state, other.peer or other.called
        inside = bool(other.peer)
    elif leg == other.leg and other.phone == by.phone:
        theirs, state, name, inside = other.agent_leg, other.agent_leg_state, other.agent, True
    else:
        return None
    agent = step.board.agents.get(name) if inside else None
    if not theirs or (inside and (agent is None or (state == "up" and agent.call != other.id))):
        return None
    party = Party(theirs, "consult", name, state, since=step.now, line=call.line, inside=inside)
    party.until = other.until if state == "ringing" else 0.0
    return party
