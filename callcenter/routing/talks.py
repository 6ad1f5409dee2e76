"""Conversations: bridged, held, muted, ended by either side, wrapped up. No I/O."""

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import agents, endings
from callcenter.routing.board import Agent, Call
from callcenter.routing.step import Step


def bridged(step: Step, call: Call, at: float) -> None:
    """Both sides hear each other: the call is answered, or taken over behind a transfer."""
    step.enter(call, "bridge")
    call.until, call.hearing = 0.0, ""
    again = bool(call.answered)
    if not again:
        call.answered, call.first = max(at, call.queued), call.agent
    speaks(step, call, call.answered if not again else step.now)
    agent = step.agent(call.agent)
    if agent is not None:
        agent.misses = agent.errors = 0
    endings.count(step, call, "answered", step.now)
    if again:
        taken_over(step, call)
        return
    waited = call.answered - call.queued if call.queued else 0.0
    _talking(step, call)
    step.tell(
        events.CallAnswered(
            call.answered, call.id, call.agent, waited, call.queue, call.customer, call.ticket
        )
    )


def speaks(step: Step, call: Call, at: float) -> None:
    """The call's agent speaks with the customer, since then."""
    agent = step.agent(call.agent)
    if agent is not None and agent.call in ("", call.id):
        # (Else it is a second call, dialled on the phone while the first one waits.)
        agents.occupy(step, agent, "talking", call.id)
    endings.begin_stint(step, call, at)


def taken_over(step: Step, call: Call) -> None:
    """The transfer has its end: the new agent has the call."""
    waited = max(0.0, step.now - call.sent) if call.sent else 0.0
    step.tell(events.CallTakenOver(step.now, call.id, call.agent, call.sent_by, waited, call.queue))


def phone_held(step: Step, call: Call, leg: str, held: bool) -> None:
    """A phone put us on hold: the agent's lets the customer hear music, the customer's is shown. Another thing than
    the desk's hold: each ends alone."""
    if leg == call.agent_leg:
        if call.phone_held == held:
            return
        call.phone_held, side = held, "agent"
    elif leg == call.leg and call.caller_held != held:
        call.caller_held, side = held, "customer"
    else:
        return
    step.keep(call)
    if call.answered:
        step.tell(events.PhoneHeld(step.now, call.id, call.agent, side, held))


def command(step: Step, asked: commands.HoldCall | commands.ResumeCall | commands.MuteCall) -> None:
    """Hold, resume, mute: by the agent who speaks with the customer."""
    call = spoken(step, asked.agent, asked.call)
    match asked, call.state if call else "":
        case commands.HoldCall(), "bridged":
            assert call is not None
            _hold(step, call)
        case commands.ResumeCall(), "held":
            assert call is not None
            _resume(step, call)
        case commands.MuteCall(muted=muted), "bridged" | "held" | "consulting":
            assert call is not None
            call.muted = muted
            step.keep(call)
            step.order(call.line, commands.MuteLeg(call.agent_leg, muted))
            step.tell(events.CallMuted(step.now, call.id, asked.agent, muted))
        case _:
            step.refuse(asked.agent, asked, "wrong-state", asked.call)


def digits(step: Step, asked: commands.SendCallDigits) -> None:
    """DTMF to the customer, or to the one who is consulted now."""
    call = spoken(step, asked.agent, asked.call)
    if call is None or not asked.digits or set(asked.digits) - set("0123456789*#ABCD"):
        step.refuse(asked.agent, asked, "wrong-state" if call is None else "invalid-input", asked.call)
    else:
        consulted = next((one.leg for one in call.parties.values() if one.role == "consult"), "")
        leg = consulted if call.state == "consulting" and consulted else call.leg
        step.order(call.line, commands.SendDigits(leg, asked.digits))


def help_wanted(step: Step, asked: commands.AskForHelp) -> None:
    """A flag for the supervisors."""
    call, agent = spoken(step, asked.agent, asked.call), step.agent(asked.agent)
    if call is None or agent is None:
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
        return
    call.help = agent.help = asked.wanted
    step.keep(call)
    step.tell(events.HelpWanted(step.now, asked.agent, call.id, asked.wanted))


def bind(step: Step, asked: commands.BindCustomer) -> None:
    """The agent in the call chose who is calling; after the call the record alone is bound (`calls.ledger`)."""
    call = step.board.calls.get(asked.call)
    if call is not None and call.agent and asked.by and call.agent != asked.by:
        step.refuse(asked.by, asked, "wrong-state", asked.call)
        return
    if call is not None:
        call.customer = asked.customer
        step.keep(call)
    step.tell(events.CustomerBound(step.now, asked.call, asked.customer, asked.by))


def extend(step: Step, asked: commands.ExtendWrapUp) -> None:
    """More time for the wrap-up that runs, as often and as much as the queue allows; the last one may be shorter than
    what was asked for."""
    agent = step.agent(asked.agent)
    if agent is None or agent.activity != "wrap_up" or asked.seconds <= 0:
        step.refuse(asked.agent, asked, "wrong-state")
        return
    call = step.board.calls.get(agent.wrap_call)
    queue = step.rules_of(call or Call(""))
    seconds = min(asked.seconds, queue.extension_seconds - agent.extended)
    if agent.extensions >= queue.extension_times or seconds <= 0:
        step.refuse(asked.agent, asked, "no-more-time", agent.wrap_call)
        return
    agent.extensions, agent.extended = agent.extensions + 1, agent.extended + seconds
    agent.wrap_until += seconds
    if call is not None:
        call.wrap_until = max(call.wrap_until, agent.wrap_until)
        step.keep(call)
    step.tell(events.WrapUpExtended(step.now, agent.wrap_call, agent.name, agent.wrap_until))


def wrapped_up(step: Step, asked: commands.FinishWrapUp) -> None:
    """Through with it, with disposition and note."""
    agent = step.agent(asked.agent)
    if agent is None or agent.activity != "wrap_up" or agent.wrap_call != asked.call:
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
    else:
        endings.end_wrap_up(step, agent, asked.disposition, asked.note)


def _hold(step: Step, call: Call) -> None:
    step.enter(call, "hold")
    _occupy(step, call, "held")
    step.tell(events.CallHeld(step.now, call.id, call.agent))


def _resume(step: Step, call: Call) -> None:
    step.enter(call, "resume")
    _occupy(step, call, "talking")
    step.tell(events.CallResumed(step.now, call.id, call.agent))


def _occupy(step: Step, call: Call, activity: str) -> None:
    agent = step.agent(call.agent)
    if agent is not None:
        agents.occupy(step, agent, activity, call.id)


def _talking(step: Step, call: Call) -> None:
    attempt = step.board.attempts.get(call.attempt)
    if attempt is not None:
        attempt.state = "talking"
        step.keep(attempt)


def spoken(step: Step, agent: str, call: str) -> Call | None:
    """The call when this agent speaks in it."""
    found, who = step.board.calls.get(call), step.board.agents.get(agent)
    if found is None or who is None or found.agent != agent or not _together(found, who):
        return None
    return found


def _together(call: Call, agent: Agent) -> bool:
    return call.state in life.WITH_AGENT and agent.call == call.id
