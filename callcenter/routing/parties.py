"""Who else is in a call: rung, answered, gone; and how a call gets a new agent from them. No I/O.

One is consulted at a time; the customer hears music meanwhile. Whatever becomes of the one who was asked, the customer
is never left alone: back to the agent, to whoever was asked, or to the front of the queue.
"""

from callcenter import commands, events
from callcenter.routing import agents, choosing, endings, phrases, plans, rules, supervision, talks
from callcenter.routing.board import Agent, Call, Party
from callcenter.routing.step import Step

RING_OUTSIDE = 40.0
"""Seconds that a number outside rings."""
STATUS = {
    "busy": 486,
    "no_answer": 408,
    "refused": 603,
    "unreachable": 480,
    "not_allowed": 403,
    "hung_up": 487,
}
"""Outcome of a consultation -> the SIP status that the phone is told that asked for it (RFC 3515, 2.4.5)."""


def consulted(call: Call | None) -> Party | None:
    """The one who is asked now, or waits."""
    parties = call.parties.values() if call is not None else ()
    return next((one for one in parties if one.role == "consult"), None)


def ring_agent(step: Step, call: Call, agent: Agent, party: Party) -> None:
    """Offer the call to a colleague: a lease, as any offer."""
    seconds = step.rules_of(call).ring_time
    party.offer, party.until = step.house.new_id(), step.now + seconds
    agents.occupy(step, agent, "offered", call.id)
    agent.offer = party.offer
    _dial(step, call, party, seconds, phone=agent.phone)
    step.tell(
        events.CallOffered(
            at=step.now,
            call=call.id,
            offer=party.offer,
            agent=agent.name,
            queue="",
            caller=call.caller if call.direction == "in" else call.called,
            until=party.until,
            withheld=call.withheld,
            caller_name=call.caller_name,
            customer=call.customer,
            ticket=call.ticket,
            sent_by=call.sent_by,
            note=call.note,
            counted_at=call.counts_in[1],
        )
    )


def ring_number(step: Step, call: Call, party: Party, role: str) -> None:
    """A number outside, under the dial plan of who asks; it sees the customer's number if the queue says so."""
    party.until = step.now + RING_OUTSIDE
    own = next((one for one in step.rules_of(call).numbers if one.startswith("+")), "")
    shown = call.caller if step.rules_of(call).show_caller and not call.withheld else own
    _dial(step, call, party, RING_OUTSIDE, number=party.name, role=role, shown=shown)


def offered(step: Step, agent: str, offer: str) -> tuple[Call, Party] | None:
    """The call and the party of this very offer while it stands."""
    found = step.board.agents.get(agent)
    call = step.board.calls.get(found.call) if found is not None and offer else None
    party = call.party_of(agent) if call is not None else None
    return (call, party) if call is not None and party is not None and party.offer == offer else None


def answer_here(step: Step, command: commands.AnswerOffer, call: Call, party: Party) -> None:
    """Answer from the page: the phone is asked again, now to answer by itself."""
    agent = step.agent(command.agent)
    if agent is None or not agent.remote_answer:
        step.refuse(command.agent, command, "not-allowed", call.id)
        return
    step.hang_up(call, parties=[party.leg])
    _dial(step, call, party, max(1.0, party.until - step.now), phone=agent.phone, auto_answer=True)


def answered(step: Step, call: Call, party: Party) -> None:
    """The one who was asked is there."""
    if party.state == "up":
        return
    party.state, party.since, party.until = "up", step.now, 0.0
    step.keep(call)
    if party.role == "supervisor":
        supervision.answered(step, call, party)
        return
    agent = step.agent(party.name) if party.inside else None
    if party.offer:
        step.tell(events.OfferEnded(step.now, call.id, party.offer, party.name, "answered"))
        party.offer = ""
    if agent is not None:
        agent.offer, agent.misses, agent.errors = "", 0, 0
        agents.occupy(step, agent, "talking", call.id)
    if party.role != "consult":
        return
    if party.mode == "blind" or call.state == "transferring":
        take_over(step, call, party, "blind" if party.mode == "blind" else "attended")
    else:
        step.tell(events.ConsultAnswered(step.now, call.id, call.agent, party.name))


def left(step: Step, call: Call, party: Party, event: events.LegEnded) -> None:
    """A party's leg has ended by itself: busy, no answer, refused, hung up."""
    outcome = event.outcome
    if party.role == "supervisor":
        supervision.left(step, call, party)
        return
    if event.by == "line" and event.reason == "not_allowed":
        outcome = "not_allowed"
    elif outcome in ("lost", "cancelled") or (outcome == "hung_up" and party.state == "ringing"):
        outcome = "failed"
    endings.end_party(step, call, party, rules.offer_outcome(event.outcome))
    if party.role == "consult":
        _not_reached(step, call, party, outcome)
    elif party.role == "guest":
        guest_left(step, call, party, "hung_up")


def turn_down(step: Step, call: Call, party: Party, offer: str) -> None:
    """An offer to a colleague ends without an answer: missed | rejected | withdrawn."""
    if party.role == "supervisor":
        supervision.left(step, call, party)
        return
    endings.end_party(step, call, party, offer)
    _not_reached(step, call, party, "no_answer" if offer == "missed" else "refused")


def guest_left(step: Step, call: Call, party: Party, why: str) -> None:
    """A conference has one less; without agent and guests the customer's call is over."""
    step.tell(events.PartyLeft(step.now, call.id, call.agent, party.name, why))
    if call.state == "outside" and not any(one.role == "guest" for one in call.parties.values()):
        endings.finish(step, call, endings.spoken_outcome(call), "guest", step.now)


def drop(step: Step, call: Call, party: Party) -> None:
    """The agent lets go of a party."""
    if party.role == "guest":
        endings.end_party(step, call, party)
        guest_left(step, call, party, "dropped")
    else:
        consult_over(step, call, party, "dropped")


def consult_over(step: Step, call: Call, party: Party, outcome: str) -> None:
    """No more asking: the agent is back with the customer."""
    endings.end_party(step, call, party)
    _ended(step, call, party, outcome)
    call.sent_by = call.note = ""
    if call.state == "consulting":
        step.enter(call, "join")


def take_over(step: Step, call: Call, party: Party, how: str) -> None:
    """The party has the call now: an agent becomes its agent, a number outside speaks with the customer alone."""
    by = call.agent or call.sent_by
    if party.role == "consult":
        _ended(step, call, party, "transferred")
    if call.agent:
        endings.give_up_agent(step, call)
    transferred(step, call, by, "agent" if party.inside else "number", party.name, how)
    if not party.inside:
        party.role = "guest"
        step.enter(call, "let_out")
        return
    del call.parties[party.leg]
    call.agent, call.agent_leg, call.agent_leg_state = party.name, party.leg, "up"
    step.enter(call, "join")
    talks.speaks(step, call, step.now)
    talks.taken_over(step, call)


def transferred(step: Step, call: Call, by: str, kind: str, to: str, how: str) -> None:
    """Say, once, that the call was given away."""
    call.transfers += 1
    call.sent_by, call.sent = by, call.sent if call.state == "transferring" else step.now
    queue, offered = call.counts_in
    step.tell(events.CallTransferred(step.now, call.id, by, kind, to, how, call.note, queue, offered))
    step.keep(call)


def hand_over(step: Step, call: Call, party: Party) -> None:
    """The agent leaves while the phone still rings: whoever answers it has the call."""
    call.sent_by, call.sent = call.agent, step.now
    endings.give_up_agent(step, call)
    step.enter(call, "hand_over")
    party.asked = ""


def to_queue(step: Step, call: Call, queue: str) -> None:
    """To the queue, by its age: the caller's clock runs from the first ring. The first agent comes last."""
    before = call.agent or call.sent_by
    for party in [one for one in call.parties.values() if one.role != "supervisor"]:
        endings.end_party(step, call, party)
        if party.role == "guest":
            step.tell(events.PartyLeft(step.now, call.id, before, party.name, "ended"))
    endings.give_up_agent(step, call)
    call.queue, call.lined_up, call.until = queue, step.now, 0.0
    endings.enter_queue(step, call)
    call.passed = {before: step.now + rules.RETRY_AFTER} if before else {}
    call.place_told, call.position = 0, 1
    step.enter(call, "queue")
    step.play(call, "music", step.rules_of(call).waiting_music, loop=True)
    step.tell(events.CallQueued(step.now, call.id, queue, call.position))


def back_to_queue(step: Step, call: Call) -> None:
    """Nobody took a transferred call and its agent has left: the front of a queue, else a message and a callback."""
    call.sent_by = call.sent_by or call.agent
    queue = call.queue or plans.DEFAULT
    if queue in step.board.queues:
        to_queue(step, call, queue)
        return
    step.enter(call, "leave")
    call.outcome, call.until = "deflected", step.now + endings.MESSAGE_WITHIN
    step.play(call, "message", phrases.say("sorry_busy", call.language or step.house.languages[0]))


def tell_phone(step: Step, call: Call, party: Party, code: int) -> None:
    """The phone that asked by REFER hears how it went."""
    if party.asked and party.asked in step.board.legs:
        step.order(call.line, commands.FinishReferral(party.asked, code))
    party.asked = ""


def wait_for(step: Step, call: Call, party: Party) -> str:
    """A queue is asked where nobody is free: the agent waits in music; why not, or empty. Its callers come first."""
    queue = party.name
    if not step.staffed(queue):
        return "no-agent-free"
    party.leg, party.queue, party.state, party.since = step.house.new_id(), queue, "waiting", step.now
    call.parties[party.leg] = party
    step.board.legs[party.leg] = call.id
    step.keep(call)
    return ""


def look_again(step: Step, call: Call) -> None:
    """Ring whoever has become free in the queue that the agent waits for."""
    party = consulted(call)
    if party is None or party.state != "waiting":
        return
    agent = next_of_queue(step, call, party.queue, party.since)
    if agent is not None:
        step.gone(call, party.leg)
        party.name, party.inside = agent.name, True
        ring_agent(step, call, agent, party)


def _not_reached(step: Step, call: Call, party: Party, outcome: str) -> None:
    """The next one of the queue is asked; else back to the customer, or to the queue when the agent has left."""
    asking = bool(party.queue) and party.state == "ringing"
    following = next_of_queue(step, call, party.queue, party.since) if asking else None
    if following is not None:
        again = Party(step.house.new_id(), "consult", following.name, mode=party.mode, since=step.now)
        again.line, again.inside, again.queue, again.asked = call.line, True, party.queue, party.asked
        call.passed[party.name] = step.now + rules.RETRY_AFTER
        ring_agent(step, call, following, again)
        return
    _ended(step, call, party, outcome)
    if call.state == "transferring":
        back_to_queue(step, call)
        return
    call.sent_by = call.note = ""
    if call.state == "consulting":
        step.enter(call, "join")


def next_of_queue(step: Step, call: Call, queue: str, since: float) -> Agent | None:
    """Who of the queue is free and was not asked yet in this call, by its strategy; asked for since `since`."""
    free = [
        agent
        for agent in choosing.free_in(step, queue, call.line)
        if agent.name not in call.passed and not call.involves(agent.name)
    ]
    return choosing.next_of(step, queue, free, {}, since)


def _ended(step: Step, call: Call, party: Party, outcome: str) -> None:
    tell_phone(step, call, party, 200 if outcome == "transferred" else STATUS.get(outcome, 500))
    by = call.agent or call.sent_by
    step.tell(events.ConsultEnded(step.now, call.id, by, party.name, outcome))
    step.keep(call)


def _dial(
    step: Step,
    call: Call,
    party: Party,
    seconds: float,
    *,
    phone: str = "",
    number: str = "",
    role: str = "",
    shown: str | None = None,
    auto_answer: bool = False,
) -> None:
    """Place the party's leg, a new one each time."""
    party.leg = step.house.new_id()
    party.state, party.since = "ringing", step.now
    call.parties[party.leg] = party
    step.board.legs[party.leg] = call.id
    step.keep(call)
    customer = call.caller if call.direction == "in" else call.called
    step.order(
        call.line,
        commands.DialLeg(
            leg=party.leg,
            phone=phone,
            number=number,
            caller=customer if shown is None else shown,
            caller_name=call.caller_name if shown in (None, customer) else "",
            timeout=seconds,
            auto_answer=auto_answer,
            call=call.id,
            role=role,
        ),
    )
