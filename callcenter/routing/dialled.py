"""Calls that an agent places: asked for at the desk, or dialled on the phone; to a number or to a colleague. No I/O.

The agent's phone comes first, then the other side rings: the agent hears it ring, or what its network says (early
media), and is told in words when nobody comes. An emergency number is dialled for anybody, signed in or not.
"""

import re
import unicodedata

from callcenter import commands, events
from callcenter.customers.numbers import e164
from callcenter.routing import agents, endings, offers, phrases, plans
from callcenter.routing.board import Agent, Call
from callcenter.routing.step import RINGBACK, Step
from callcenter.telephony import dialplan

RING = 40.0
"""Seconds that the other side's phone rings."""
RESCUED_AFTER = 1.0
"""Seconds after which an emergency call is left to the line itself (`telephony.alone.RESCUE_AFTER`)."""
PLACED = frozenset({"manual", "internal"})
"""Kinds of calls that an agent places: to a number, to a colleague."""
_BETWEEN = re.compile(r"[\s().-]+|#$")
"""What people write between the digits of a number, and the key that ends it."""
_TOLD = frozenset({"busy", "no_answer", "refused", "unreachable", "not_allowed", "no_capacity"})
"""Endings that have words of their own."""
_SAID = {
    "busy": "number-busy",
    "no_answer": "number-no-answer",
    "refused": "number-refused",
    "unreachable": "number-unreachable",
    "wrong_number": "number-wrong",
    "not_allowed": "barred",
    "no_capacity": "no-channel",
    "network": "network-failed",
    "failed": "call-failed",
}
"""How a placed call ended -> the code of the `DeskCommandRefused` that tells it at the desk."""


def place(step: Step, asked: commands.PlaceCall) -> None:
    """From the desk: the agent's own phone rings first."""
    agent = step.agent(asked.agent)
    number = number_of(asked.number, step.house.country)
    if agent is None or not number:
        step.refuse(asked.agent, asked, "invalid-input" if agent else "not-found")
        return
    line = _line(step, agent)
    colleague = _colleague(step, number)
    if agent.status == "signed_out" or agent.activity not in ("idle", "wrap_up") or colleague is agent:
        step.refuse(agent.name, asked, "wrong-state")
    elif not line:
        step.refuse(agent.name, asked, "no-phone")
    elif colleague is not None and not _takes_a_second(step, colleague):
        step.refuse(agent.name, asked, "busy")
    else:
        call = _call(step, agent, number, colleague, step.house.new_id(), line)
        call.queue = asked.queue if asked.queue in step.board.queues else ""
        _begin(step, agent, call)
        offers.ring(step, call, agent)


def by_phone(step: Step, event: events.CallArrived) -> bool:
    """A phone of ours dialled: True when that is a call of this kind, False when it is one to the hotline."""
    numbers = {queue.name: queue.numbers for queue in step.board.queues.values()}
    planned = plans.plan_for(event.called, step.board.plans.values())
    if planned or plans.queue_for(event.called, step.house.numbers, numbers):
        return False
    found = next((one for one in step.board.agents.values() if one.phone == event.phone), None)
    agent = step.agent(found.name) if found is not None else None
    number = number_of(event.called, step.house.country)
    emergency = dialplan.is_emergency(number, step.house.country)
    colleague = None if emergency else _colleague(step, number)
    call = _call(step, agent, number or event.called, colleague, event.leg, event.line)
    call.agent_leg, call.agent_leg_state = event.leg, "ringing"
    call.caller, call.started = event.phone, step.at(event.at)
    step.board.legs[event.leg] = call.id
    code = 0 if emergency else _refusal(step, agent, number, colleague)
    if code:
        step.order(call.line, commands.RefuseLeg(event.leg, code))
        step.gone(call, event.leg)
        endings.finish(step, call, "busy" if code == 486 else "refused", "us", step.now, "caller", code)
        return True
    if emergency and step.now - call.started >= RESCUED_AFTER:
        endings.finish(step, call, "unknown", "us", step.now, "us")
        return True
    _begin(step, agent, call)
    step.enter(call, "dial")
    call.until = step.now + RING
    if agent is not None:
        call.agent = agent.name
        if agent.activity == "idle":
            agents.occupy(step, agent, "dialling", call.id)
    step.order(call.line, commands.AnswerLeg(event.leg))
    return True


def phone_ready(step: Step, call: Call) -> None:
    """The phone that dialled is answered: it hears the other side ring."""
    call.agent_leg_state = "up"
    step.order(call.line, commands.PlayPrompts(call.agent_leg, "ringback", RINGBACK, loop=True))
    dial(step, call)


def dial(step: Step, call: Call) -> None:
    """Ring the other side, by the agent's dial plan."""
    call.leg = step.house.new_id()
    call.leg_state, call.until = "ringing", step.now + RING
    step.board.legs[call.leg] = call.id
    step.keep(call)
    agent, colleague = step.board.agents.get(call.agent), step.board.agents.get(call.peer)
    if colleague is not None:
        order = commands.DialLeg(
            call.leg, phone=colleague.phone, caller=call.caller, caller_name=call.caller_name, timeout=RING,
            call=call.id,
        )  # fmt: skip
    else:
        own = next((one for one in step.rules_of(call).numbers if one.startswith("+")), "")
        order = commands.DialLeg(
            call.leg, number=call.called, caller=own, timeout=RING, call=call.id,
            role=agent.role if agent else "agent",
        )  # fmt: skip
    step.order(call.line, order)


def early(step: Step, call: Call) -> None:
    """The other side's network speaks before anybody answers: the agent hears it."""
    if call.kind in PLACED and call.state == "connecting" and call.agent_leg_state == "up":
        step.order(call.line, commands.BridgeLegs(call.agent_leg, call.leg))


def answered(step: Step, call: Call) -> None:
    """A colleague who took an internal call is busy with it."""
    colleague = step.agent(call.peer)
    if colleague is not None and colleague.activity == "idle":
        agents.occupy(step, colleague, "talking", call.id)
    offers.bridge(step, call)


def not_reached(step: Step, call: Call, event: events.LegEnded) -> None:
    """Nobody came: the agent is told in words, at the desk and on the phone, and let go."""
    outcome = {"hung_up": "no_answer", "lost": "unknown"}.get(event.outcome, event.outcome)
    if call.agent_leg_state != "up":
        endings.finish(step, call, outcome, "us", step.at(event.at), event.fault, event.code)
        return
    phrase = why(outcome, event.fault, event.reason)
    if call.agent:
        step.refuse(call.agent, commands.PlaceCall(call.agent, call.called), _SAID[phrase], call.id)
    step.enter(call, "leave")
    call.outcome, call.until = outcome, step.now + endings.MESSAGE_WITHIN
    call.fault, call.code = event.fault, event.code
    call.plays += 1
    call.hearing = "message"
    step.keep(call)
    words = phrases.say(phrase, step.house.languages[0])
    step.order(call.line, commands.PlayPrompts(call.agent_leg, str(call.plays), (words,)))


def why(outcome: str, fault: str, reason: str) -> str:
    """Why nobody came, by a name that has words: the line's own refusal, a number that nobody has (its `fault` is the
    caller's), a network that failed, else the outcome."""
    if reason in _TOLD:
        return reason
    if outcome == "unreachable" and fault == "caller":
        return "wrong_number"
    if outcome in _TOLD and not (outcome == "unreachable" and fault == "network"):
        return outcome
    return "network" if fault == "network" else "failed"


def number_of(text: str, country: str) -> str:
    """What was typed or dialled as it goes into the network: E.164, a short code or an extension; empty for neither.

    Whoever calls for help is understood however he writes it: full-width digits of a Chinese keyboard, "1-1-0".
    """
    text = unicodedata.normalize("NFKC", text).strip()
    bare = _BETWEEN.sub("", text.removeprefix("tel:"))
    if dialplan.is_emergency(bare, country):
        return bare
    if text.isascii() and text.isalnum() and not _is_long(text):
        return text
    return e164(text, country) or ""


def _is_long(text: str) -> bool:
    return text.isdigit() and len(text) > 6


def _refusal(step: Step, agent: Agent | None, number: str, colleague: Agent | None) -> int:
    """The SIP status that a dialled call is refused with; 0 for none."""
    if agent is None or agent.status == "signed_out" or agent.gone:
        return 403
    if not number or colleague is agent:
        return 404
    return 486 if colleague is not None and not _takes_a_second(step, colleague) else 0


def _takes_a_second(step: Step, colleague: Agent) -> bool:
    """Whether a colleague's phone may ring: idle, or the centre lets a second call wait (the phone's own tone)."""
    return colleague.activity in ("idle", "wrap_up") or step.house.second_call == "wait"


def _colleague(step: Step, number: str) -> Agent | None:
    return next((one for one in step.board.agents.values() if number and one.phone == number), None)


def _line(step: Step, agent: Agent) -> str:
    """A line that is up and reaches the agent's phone; empty when there is none."""
    up = sorted(line.name for line in step.board.lines.values() if line.up)
    return next((name for name in up if agents.can_be_rung(agent, name)), "")


def _call(
    step: Step, agent: Agent | None, number: str, colleague: Agent | None, name: str, line: str
) -> Call:
    call = Call(
        id=name,
        kind="internal" if colleague is not None else "manual",
        direction="out",
        caller=agent.phone if agent else "",
        caller_name=(agent.display or agent.name) if agent else "",
        called=number,
        peer=colleague.name if colleague is not None else "",
        line=line,
        started=step.now,
        since=step.now,
        mode="agent_first",
    )
    step.board.calls[call.id] = call
    step.keep(call)
    return call


def _begin(step: Step, agent: Agent | None, call: Call) -> None:
    """Notes of the last call end; it is looked up whom this one goes to."""
    if agent is not None and agent.activity == "wrap_up":
        endings.end_wrap_up(step, agent)
    endings.announce(step, call)
    if call.kind == "manual" and call.called.startswith("+"):
        step.lookups.append((call.id, call.called))
