"""How offers, calls and wrap-ups end: every one exactly once, with its outcome. No I/O."""

from callcenter import events
from callcenter.calls import life
from callcenter.recordings.rules import LEAST_MESSAGE
from callcenter.routing import agents, phrases, rules
from callcenter.routing.board import Agent, Attempt, Call, Party, Queue
from callcenter.routing.step import Step

MESSAGE_WITHIN = 30.0
"""Seconds after which a last message counts as heard, when the line does not say so."""
SHORT_PAUSE = "silence:200"
"""In place of a last message that is not wanted."""
TRY_AGAIN = frozenset({"busy", "no_answer", "unreachable", "failed", "no_agent", "unknown"})
"""Outcomes of a placed call that trying again later can better."""


def end_offer(step: Step, call: Call, outcome: str) -> None:
    """The lease is over: answered | missed | rejected | device_error | caller_gone | withdrawn."""
    agent = step.agent(call.agent)
    step.tell(events.OfferEnded(step.now, call.id, call.offer, call.agent, outcome))
    call.offer, call.until = "", 0.0
    if agent is not None:
        agent.offer = ""
    if outcome != "answered":
        part_from_agent(step, call, outcome)


def part_from_agent(step: Step, call: Call, outcome: str) -> None:
    """The call and its agent have not come together: the agent is free, the call looks for another one."""
    step.hang_up(call, agent=True)
    agent = step.agent(call.agent)
    turned_down = outcome in ("missed", "rejected", "device_error")
    if turned_down:
        call.passed[call.agent] = step.now + (0.0 if outcome == "missed" else rules.RETRY_AFTER)
    if agent is not None:
        agents.judge(step, agent, outcome, step.rules_of(call).misses_allowed)
        agents.release(step, agent, to_the_end=turned_down)
    call.agent = ""
    step.keep(call)


def send_away(step: Step, call: Call, outcome: str, phrase: str) -> None:
    """A last message to the customer, then we hang up; the outcome is decided now."""
    step.enter(call, "leave")
    call.outcome, call.until = outcome, step.now + MESSAGE_WITHIN
    queue = step.rules_of(call)
    text = {"sorry_busy": queue.sorry, "message_kept": queue.voicemail_goodbye}.get(phrase, "")
    language = call.language or step.house.languages[0]
    words = phrases.own(phrase, text, language, step.house.languages, queue.prompts)
    step.play(call, "message", *(words or (SHORT_PAUSE,)))


def give_back(step: Step, call: Call) -> None:
    """After an offer that was not answered: a caller keeps the place, a called customer is told and called again."""
    if call.kind == "inbound" or call.answered:
        bridging = call.state == "connecting"
        step.enter(call, "queue")
        if bridging:
            step.play(call, "music", step.rules_of(call).waiting_music, loop=True)
    elif call.leg_state == "up":
        send_away(step, call, "no_agent", "sorry_later")
    else:
        finish(step, call, "no_agent", "us", step.now)


def finish(
    step: Step,
    call: Call,
    outcome: str,
    ended_by: str,
    at: float,
    fault: str = "nobody",
    code: int = 0,
    retry: bool | None = None,
) -> None:
    """The end of a call, whatever its state: both sides hung up, counted, told, the agent in wrap-up or free.

    A call in which somebody spoke with the customer was answered, whatever came behind it.
    """
    # A line whose clock was set meanwhile, or is another one, may say that it ended before it began.
    at = max(at, call.started, call.answered)
    step.stop_clock(call, at)
    # What was done after the caller had gone, before we heard of it, is no hold.
    call.held = min(call.held, max(0.0, at - call.answered))
    end_stint(step, call, at)
    owed = bool(call.answered) and outcome in ("deflected", "lost_by_us", "no_agent")
    owed = owed or outcome == "callback_taken" or (call.walk is not None and call.walk.owed)
    counted = outcome
    if call.answered:
        # Who waits once more, behind a transfer, leaves that queue with an outcome of its own.
        if outcome == spoken_outcome(call):
            counted = life.left(at - call.lined_up)
        outcome = spoken_outcome(call)
    if call.offer:
        end_offer(step, call, "caller_gone" if ended_by == "customer" else "withdrawn")
    announce(step, call)
    for party in list(call.parties.values()):
        _end_party_with_call(step, call, party, ended_by)
    step.hang_up(call, customer=True, agent=True)
    step.enter(call, "end")
    call.until = 0.0
    talk = max(0.0, at - call.answered - call.held - call.between) if call.answered else 0.0
    count(step, call, counted, at)
    queue = step.queue(call.queue) if call.answered and call.kind == "inbound" else None
    if queue is not None:
        queue.handling = rules.smoothed(queue.handling, talk + call.held + queue.wrap_up)
    waited = ((call.answered or at) - call.queued) if call.queued else 0.0
    step.tell(
        events.CallFinished(
            at=at,
            call=call.id,
            outcome=outcome,
            ended_by=ended_by,
            started=call.started,
            queued=call.queued,
            answered=call.answered,
            waited=max(0.0, waited),
            talk=talk,
            hold=call.held,
            queue=call.first_queue or call.queue,
            agent=call.first,
            customer=call.customer,
            ticket=call.ticket,
            attempt=call.attempt,
            kind=call.kind,
            caller=call.caller,
            called=call.called,
            fault=fault,
            code=code,
            last_agent=call.served,
            transfers=call.transfers,
            owed=owed and call.kind == "inbound",
            message=call.message_recording if outcome == "message_left" else "",
            call_back=call.call_back,
            last_queue=call.queue,
        )
    )
    _end_attempt(step, call, outcome, talk, fault, code, retry)
    if call.kind == "inbound" and talk > 0 and not (owed or ended_by == fault == "us"):
        _rang_in(step, call)
    leave_agent(step, call)


def end_party(step: Step, call: Call, party: Party, offer: str = "withdrawn") -> None:
    """A party is no more in the call; an agent among them has wrap-up after a conference with the customer, else is
    free. `offer`: how the offer ends when the phone still rings, as in `OfferEnded`."""
    step.hang_up(call, parties=[party.leg])
    agent = step.agent(party.name) if party.inside else None
    rang = bool(party.offer)
    if rang:
        step.tell(events.OfferEnded(step.now, call.id, party.offer, party.name, offer))
        party.offer = ""
    if agent is None or agent.call != call.id:
        return
    agent.offer = ""
    if party.role == "guest":
        wrap_up(step, call, agent)
        return
    if rang and agent.status == "available":
        agents.judge(step, agent, offer, step.rules_of(call).misses_allowed)
    agents.release(step, agent, to_the_end=not rang or offer in ("missed", "rejected", "device_error"))


def give_up_agent(step: Step, call: Call) -> None:
    """The agent is out of a call that goes on: hung up, in wrap-up."""
    end_stint(step, call, step.now)
    step.hang_up(call, agent=True)
    agent = step.agent(call.agent)
    if agent is not None and agent.call == call.id:
        wrap_up(step, call, agent)
    call.agent, call.muted, call.help = "", False, False
    step.keep(call)


def begin_stint(step: Step, call: Call, at: float) -> None:
    """The call's agent has the customer from now on."""
    if call.stint and call.served == call.agent:
        return
    end_stint(step, call, at)
    call.served, call.stint, call.stint_held = call.agent, at, call.held_until(at)


def end_stint(step: Step, call: Call, at: float) -> None:
    """The agent who had the customer has no more: told with what it took."""
    if not call.stint:
        return
    seconds = max(0.0, at - call.stint)
    hold = min(seconds, max(0.0, call.held_until(at) - call.stint_held))
    queue, offered = call.counts_in
    call.stint = call.stint_held = 0.0
    if call.kind != "internal":
        step.tell(
            events.CallHandled(at, call.id, call.served, queue, offered, seconds - hold, hold, kind=call.kind)
        )


def announce(step: Step, call: Call) -> None:
    """CallStarted, once: when it is known who calls, at the latest before anything else is told of the call."""
    if call.announced:
        return
    call.announced = True
    step.keep(call)
    step.tell(
        events.CallStarted(
            at=call.started,
            call=call.id,
            kind=call.kind,
            direction=call.direction,
            caller=call.caller,
            called=call.called,
            caller_name=call.caller_name,
            withheld=call.withheld,
            trunk=call.trunk,
            customer=call.customer,
            ticket=call.ticket,
            attempt=call.attempt,
        )
    )


def roll(step: Step, queue: Queue) -> None:
    """Begin the local day's counters."""
    day = step.house.day(step.now)
    if queue.day == day:
        return
    queue.day, queue.longest_today = day, 0.0
    queue.offered = queue.answered = queue.within = queue.lost = 0
    queue.abandoned = queue.short_abandon = queue.deflected = queue.overflowed = 0
    queue.messages = queue.callbacks = 0


def enter_queue(step: Step, call: Call) -> None:
    """Count a caller as offered to the queue: once in each queue that the call ever enters."""
    queue = step.queue(call.queue)
    call.entered = ""
    if queue is not None and not call.ranked_by:
        call.priority = rules.priority(queue.priority, queue.tiers, call.tier)
    if queue is None or call.queue in call.counted:
        return
    roll(step, queue)
    queue.offered += 1
    call.counted[call.queue] = step.now
    call.entered = queue.day


def count(step: Step, call: Call, outcome: str, at: float) -> None:
    """Count the outcome of a caller in the queue, once, and tell it; the board's figures are those of the day in which
    the call was offered.

    The wait is the one in this queue.
    """
    queue = step.queue(call.queue) if call.entered else None
    if queue is None:
        return
    day, call.entered = call.entered, ""
    since = call.lined_up or call.queued
    waited = max(0.0, (call.answered if call.answered >= since else at) - since)
    counted = life.counted(outcome)
    step.tell(
        events.QueueLeft(
            at=step.now,
            call=call.id,
            queue=queue.name,
            entered=call.counted.get(queue.name, since),
            outcome=counted,
            waited=waited,
            target=queue.service_level,
            agent=call.agent if counted == "answered" else "",
        )
    )
    if day == queue.day:
        _add(queue, counted, waited)


def end_wrap_up(step: Step, agent: Agent, disposition: str = "", note: str = "") -> None:
    """The agent is through with the call, or the time is over."""
    call = step.board.calls.get(agent.wrap_call)
    seconds = max(0.0, step.now - agent.since)
    step.tell(
        events.WrapUpEnded(
            step.now, agent.wrap_call, agent.name, seconds, disposition, note,
            queue=agent.wrap_queue, offered=agent.wrap_offered,
        )
    )  # fmt: skip
    agents.release(step, agent)
    if call is not None:
        others = (one.wrap_until for one in step.board.agents.values() if one.wrap_call == call.id)
        call.wrap_until = max(others, default=0.0)
        step.keep(call)


def _add(queue: Queue, outcome: str, waited: float) -> None:
    match outcome:
        case "answered":
            queue.answered += 1
            queue.within += waited <= queue.service_level
        case "abandoned":
            queue.abandoned += 1
        case "short_abandon":
            queue.short_abandon += 1
        case "deflected":
            queue.deflected += 1
        case "overflowed":
            queue.overflowed += 1
        case "message_left":
            queue.messages += 1
        case "callback_taken":
            queue.callbacks += 1
        case "lost_by_us":
            queue.lost += 1
    queue.longest_today = max(queue.longest_today, waited)


def _end_attempt(
    step: Step, call: Call, outcome: str, talk: float, fault: str, code: int, retry: bool | None
) -> None:
    attempt = step.board.attempts.get(call.attempt)
    if attempt is None or attempt.state == "ended":
        return
    _over(step, attempt)
    again = outcome in TRY_AGAIN if retry is None else retry
    step.tell(
        events.AttemptEnded(
            step.now, call.attempt, attempt.kind, attempt.ref, outcome, call.id, talk, fault, again, code
        )
    )


def _rang_in(step: Step, call: Call) -> None:
    """A caller who was served need not be rung back: the places that are kept for him are given up."""
    kept = [step.board.attempts[one] for lineup in step.board.places.values() for one in lineup]
    for attempt in kept:
        if attempt.concerns(call):
            _over(step, attempt)
            step.tell(
                events.AttemptEnded(step.now, attempt.attempt, attempt.kind, attempt.ref, "rang_in", "", 0.0)
            )


def _over(step: Step, attempt: Attempt) -> None:
    attempt.state, attempt.at = "ended", step.now
    step.board.line_up(attempt)
    step.keep(attempt)


def leave_agent(step: Step, call: Call) -> None:
    """The call's agent is free of it: in wrap-up after a conversation."""
    colleague = step.agent(call.peer)
    if colleague is not None and colleague.call == call.id:
        agents.release(step, colleague)
    agent = step.agent(call.agent)
    if agent is None or agent.call != call.id:
        return
    if call.answered:
        wrap_up(step, call, agent)
    else:
        agents.release(step, agent, to_the_end=False)


def wrap_up(step: Step, call: Call, agent: Agent) -> None:
    """Time for the notes of an agent who spoke with the customer."""
    seconds = step.rules_of(call).wrap_up if call.kind != "internal" else 0.0
    if seconds <= 0 or agent.status == "signed_out" or agent.gone:
        agents.release(step, agent)
        return
    agents.occupy(step, agent, "wrap_up", "")
    agent.wrap_call, agent.help = call.id, False
    agent.wrap_queue, agent.wrap_offered = ("", 0.0) if call.agent != agent.name else call.counts_in
    agent.extensions, agent.extended = 0, 0.0
    agent.wrap_until = step.now + seconds
    call.wrap_until = max(call.wrap_until, agent.wrap_until)
    step.keep(call)
    step.tell(events.WrapUpStarted(step.now, call.id, agent.name, agent.wrap_until))


def spoken_outcome(call: Call) -> str:
    """Outcome of a call in which agent and customer were bridged."""
    return "answered" if call.kind == "inbound" else "conversation"


def _end_party_with_call(step: Step, call: Call, party: Party, ended_by: str) -> None:
    why = "caller_gone" if ended_by == "customer" else "withdrawn"
    end_party(step, call, party, why)
    if party.role == "consult":
        outcome = "caller_gone" if ended_by == "customer" else "dropped"
        step.tell(events.ConsultEnded(step.now, call.id, call.agent, party.name, outcome))


def lost_outcome(call: Call, at: float) -> str:
    """What a call is that we lost: its line died, or its leg is gone without a word. What was said of a message until
    then is kept."""
    if call.state == "voicemail" and call.message_since and at - call.message_since >= LEAST_MESSAGE:
        return "message_left"
    if call.answered and call.state in (*life.WITH_AGENT, "outside"):
        return spoken_outcome(call)
    if call.state in ("leaving", "outside"):
        return call.outcome
    if call.score:
        return "answered"
    return "lost_by_us" if call.kind == "inbound" else "unknown"


def abandoned(call: Call, at: float) -> str:
    """What a caller is who hung up before an agent answered; whoever a plan led to no queue was not offered to one. The
    place may be older than this call."""
    if call.walk is not None and not call.queued:
        return "left_in_menu"
    return life.left(at - max(call.queued, call.started))
