"""A phone takes another leg's place in a call: INVITE with Replaces (RFC 3891). No I/O.

Which dialog is meant only whoever holds it can say, so a phone that names it was sent by it: the last step of an
attended transfer between two phones, a call pulled from one device to the next, or the pick-up of a colleague's ringing
phone. The new leg stands by as a `Party` until it is up; then it has the place and the old one is hung up.
Refused: 481 no such conversation now, 403 not this phone's to take, 486 its agent is busy, 491 a moment in between.
"""

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import agents, dialled, endings, offers, parties, placed
from callcenter.routing.board import Agent, Call, Party
from callcenter.routing.step import Step

ROLE = "replacing"
"""Of a `Party` that is to take the place of the leg that its `mode` names."""
_CUSTOMER = frozenset({*life.WITH_AGENT, "outside", "transferring", "queued", "offered"})
"""States in which another phone behind the customer's trunk may take the customer's place."""


def arrive(step: Step, event: events.CallArrived) -> None:
    """Let it in, or refuse it: no call of its own comes of it."""
    call = step.board.call_of(event.replaces)
    found = next(
        (one for one in step.board.agents.values() if event.phone and one.phone == event.phone), None
    )
    code = _refusal(step, call, event, found)
    if code or call is None:
        step.order(event.line, commands.RefuseLeg(event.leg, code or 481))
        return
    name = found.name if found is not None else event.caller
    party = Party(
        event.leg, ROLE, name, mode=event.replaces, since=step.now, line=event.line, inside=bool(found)
    )
    call.parties[party.leg] = party
    step.board.legs[party.leg] = call.id
    step.keep(call)
    step.order(call.line, commands.AnswerLeg(party.leg))


def _refusal(step: Step, call: Call | None, event: events.CallArrived, by: Agent | None) -> int:
    """The SIP status that it is refused with; 0 for none."""
    leg = event.replaces
    if call is None or call.state in ("ended", "leaving") or call.line != event.line:
        return 481
    if by is None:
        own = leg == call.leg and event.trunk and event.trunk == call.trunk
        return 403 if not own else 0 if call.state in _CUSTOMER else 491
    holder = _holder(call, leg)
    if not holder or by.status == "signed_out" or by.gone:
        return 403
    if holder != by.name and (by.activity not in ("idle", "wrap_up") or call.involves(by.name)):
        return 486
    if leg != call.agent_leg:
        return 0
    if call.state == "offered":
        return 0 if holder == by.name or call.kind == "inbound" or call.answered else 403
    return 0 if call.state in life.WITH_AGENT else 491


def _holder(call: Call, leg: str) -> str:
    """Whose leg it is, of those that a phone of ours may take: the agent's, a colleague's, a guest's; else empty."""
    if leg == call.agent_leg:
        return call.agent
    if leg == call.leg:
        return call.peer
    party = call.parties.get(leg)
    return party.name if party is not None and party.role in ("consult", "guest") else ""


def take_place(step: Step, call: Call, party: Party) -> None:
    """The new leg is up. When the old one has gone meanwhile there is no place any more."""
    old = call.parties.get(party.mode)
    by = step.agent(party.name) if party.inside else None
    if by is not None and by.activity == "wrap_up":
        endings.end_wrap_up(step, by)
    if party.mode == call.leg and call.leg:
        del call.parties[party.leg]
        _take_the_side(step, call, party, by)
    elif old is not None:
        del call.parties[party.leg]
        _take_the_party(step, call, party, old)
    elif by is None or party.mode != call.agent_leg or not call.agent_leg:
        step.hang_up(call, parties=[party.leg])
    elif call.agent == by.name:
        _take_the_device(step, call, party)
    elif call.state == "offered":
        _pick_up(step, call, party, by)
    elif call.state in life.WITH_AGENT:
        _take_the_call(step, call, party)
    else:
        step.hang_up(call, parties=[party.leg])


def _take_the_call(step: Step, call: Call, party: Party) -> None:
    """The customer goes on with this agent; who was asked meanwhile is let go."""
    asked = parties.consulted(call)
    if asked is not None:
        parties.consult_over(step, call, asked, "dropped")
    party.role, party.mode, call.note = "guest", "", ""
    parties.take_over(step, call, party, "phones")


def _take_the_device(step: Step, call: Call, party: Party) -> None:
    """The same agent by another device."""
    del call.parties[party.leg]
    offered = call.state == "offered"
    step.hang_up(call, agent=True)
    _sit(step, call, party)
    if call.muted:
        step.order(call.line, commands.MuteLeg(party.leg, True))
    if offered:
        _offer_answered(step, call)


def _pick_up(step: Step, call: Call, party: Party, by: Agent) -> None:
    """A colleague's phone rings: who takes it has the call, and the colleague is as before."""
    del call.parties[party.leg]
    endings.end_offer(step, call, "withdrawn")
    call.agent, call.offer = by.name, step.house.new_id()
    agents.occupy(step, by, "offered", call.id)
    by.offer = call.offer
    _sit(step, call, party)
    offers.tell(step, call, step.now)
    _offer_answered(step, call)


def _sit(step: Step, call: Call, party: Party) -> None:
    call.agent_leg, call.agent_leg_state = party.leg, "up"
    step.board.legs[party.leg] = call.id
    step.keep(call)


def _offer_answered(step: Step, call: Call) -> None:
    if call.mode == "agent_first" and not call.answered:
        placed.agent_ready(step, call)
    else:
        offers.answered(step, call)


def _take_the_party(step: Step, call: Call, party: Party, old: Party) -> None:
    """In place of somebody who is asked, or who is a guest."""
    new = Party(party.leg, old.role, party.name, mode=old.mode, since=step.now, line=party.line)
    new.inside, new.asked = party.inside, old.asked
    endings.end_party(step, call, old)
    call.parties[new.leg] = new
    if new.role == "guest":
        step.tell(events.PartyLeft(step.now, call.id, call.agent, old.name, "ended"))
        step.tell(events.PartyJoined(step.now, call.id, call.agent, new.name))
    else:
        step.tell(events.ConsultEnded(step.now, call.id, call.agent or call.sent_by, old.name, "dropped"))
        kind = "agent" if new.inside else "number"
        step.tell(events.ConsultStarted(step.now, call.id, call.agent or call.sent_by, kind, new.name))
    parties.answered(step, call, new)


def _take_the_side(step: Step, call: Call, party: Party, by: Agent | None) -> None:
    """In place of the colleague of an internal call, or of the customer by another phone behind the same trunk."""
    rang = call.leg_state == "ringing"
    former = step.agent(call.peer) if by is not None else None
    if former is not None and former.call == call.id:
        agents.release(step, former)
    step.hang_up(call, customer=True)
    call.leg, call.leg_state, call.hearing = party.leg, "up", ""
    step.board.legs[party.leg] = call.id
    step.keep(call)
    if by is not None:
        call.peer = by.name
        if rang:
            dialled.answered(step, call)
        else:
            agents.occupy(step, by, "talking", call.id)
    elif call.state in ("queued", "offered"):
        step.play(call, "music", step.rules_of(call).waiting_music, loop=True)
