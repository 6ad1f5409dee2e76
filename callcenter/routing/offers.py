"""Offers: one lease at a time for a call and for an agent; the agent's phone rings; answer, or the next one. No I/O."""

from callcenter import commands, events
from callcenter.routing import agents, endings
from callcenter.routing.board import Agent, Call
from callcenter.routing.step import Step

BRIDGE_WITHIN = 5.0
"""Seconds that the line may take to bridge; then the agent's side is given up."""


def ring(step: Step, call: Call, chosen: Agent) -> None:
    """Offer the call and let the agent's phone ring."""
    agent = step.agent(chosen.name) or chosen
    seconds = step.rules_of(call).ring_time
    step.enter(call, "offer")
    call.offer, call.agent, call.until = step.house.new_id(), agent.name, step.now + seconds
    agents.occupy(step, agent, "offered", call.id)
    agent.offer = call.offer
    own = call.kind in ("manual", "internal")
    dial_phone(step, call, agent, seconds, auto_answer=own and agent.remote_answer, first=True)
    tell(step, call, call.until)


def tell(step: Step, call: Call, until: float) -> None:
    """The call is offered to its agent, until then."""
    step.tell(
        events.CallOffered(
            at=step.now,
            call=call.id,
            offer=call.offer,
            agent=call.agent,
            queue=call.queue,
            caller=call.caller if call.direction == "in" else call.called,
            until=until,
            withheld=call.withheld,
            caller_name=call.caller_name,
            customer=call.customer,
            ticket=call.ticket,
            sent_by=call.sent_by,
            note=call.note,
            counted_at=call.counts_in[1],
        )
    )


def dial_phone(
    step: Step, call: Call, agent: Agent, seconds: float, auto_answer: bool = False, first: bool = False
) -> None:
    """Place the agent's leg; `first`: before the caller is answered and hears music, a millisecond that counts."""
    call.agent_leg, call.agent_leg_state = step.house.new_id(), "ringing"
    step.board.legs[call.agent_leg] = call.id
    step.keep(call)
    step.order(
        call.line,
        commands.DialLeg(
            leg=call.agent_leg,
            phone=agent.phone,
            caller=call.caller if call.direction == "in" else call.called,
            caller_name=call.caller_name,
            timeout=seconds,
            auto_answer=auto_answer,
            call=call.id,
        ),
        first,
    )


def answered(step: Step, call: Call) -> None:
    """The agent's phone answered: the winner is chosen. The caller is still there, or the call were not offered."""
    endings.end_offer(step, call, "answered")
    step.enter(call, "answer")
    call.agent_leg_state = "up"
    bridge(step, call)


def bridge(step: Step, call: Call) -> None:
    """They are bridged once both sides are up (`hearing`)."""
    call.until = step.now + BRIDGE_WITHIN
    step.keep(call)


def answer_here(step: Step, command: commands.AnswerOffer) -> None:
    """Answer from the page: the phone is asked again, now to answer by itself."""
    call, agent = offered(step, command.agent, command.offer), step.agent(command.agent)
    if call is None or agent is None:
        step.refuse(command.agent, command, "wrong-state")
    elif not agent.remote_answer:
        step.refuse(command.agent, command, "not-allowed", call.id)
    else:
        step.hang_up(call, agent=True)
        dial_phone(step, call, agent, max(1.0, call.until - step.now), auto_answer=True)


def reject(step: Step, command: commands.RejectOffer) -> None:
    """The agent does not take it."""
    call = offered(step, command.agent, command.offer)
    if call is None:
        step.refuse(command.agent, command, "wrong-state")
    else:
        turn_down(step, call, "rejected")


def turn_down(step: Step, call: Call, outcome: str) -> None:
    """The offer ends without an answer; the call goes on looking."""
    endings.end_offer(step, call, outcome)
    endings.give_back(step, call)


def not_bridged(step: Step, call: Call, outcome: str) -> None:
    """The agent answered, and was gone before both heard each other."""
    endings.part_from_agent(step, call, outcome)
    endings.give_back(step, call)


def offered(step: Step, agent: str, offer: str) -> Call | None:
    """The call of this very offer while it stands."""
    found = step.board.agents.get(agent)
    call = step.board.calls.get(found.call) if found is not None and offer else None
    return call if call is not None and call.offer == offer and call.agent == agent else None
