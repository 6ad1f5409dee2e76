"""Calls that we place: callbacks (customer first or agent first) and surveys. An attempt dials once. No I/O."""

from callcenter import commands, events
from callcenter.recordings.rules import announced
from callcenter.routing import agents, choosing, dialled, endings, explaining, offers, phrases, plans, rules
from callcenter.routing.board import Agent, Attempt, Call
from callcenter.routing.step import RINGBACK, Step

RING_CUSTOMER = 40.0
"""Seconds that a customer's phone rings (the guide: at least 15)."""
STALE = 60.0
"""Seconds after which a command to place a call is not followed any more: its hour may be over."""
ANSWER_WITHIN = 6.0
"""Seconds for a key after the survey's question."""
QUESTIONS = 3
PATIENCE = 3600.0
"""Seconds that a place in a queue is stood in by one attempt; the next one stands there again."""


def place_callback(step: Step, asked: commands.PlaceCallback, written_at: float) -> None:
    """Ring customer and agent, unless this attempt is known already."""
    attempt = Attempt(
        asked.attempt,
        "callback",
        asked.callback,
        at=step.now,
        agent=asked.agent,
        number=asked.number,
        trunk=asked.trunk,
        mode=asked.mode,
        ticket=asked.ticket,
        customer=asked.customer,
        language=asked.language,
        queue=asked.queue if asked.queue in step.board.queues else plans.DEFAULT,
        since=min(asked.since, step.now),
        owner=asked.owner,
        caller=asked.caller,
        until=asked.until,
    )
    if (queue := step.board.queues.get(attempt.queue)) and attempt.stands:
        attempt.priority = rules.priority(queue.priority, queue.tiers, asked.tier)
        attempt.mode = queue.callback_mode or attempt.mode
    _take(step, attempt, written_at)


def place_survey(step: Step, asked: commands.PlaceSurvey, written_at: float) -> None:
    """Ring the customer and ask, unless this attempt is known already."""
    attempt = Attempt(
        asked.attempt,
        "survey",
        asked.survey,
        at=step.now,
        number=asked.number,
        trunk=asked.trunk,
        ticket=asked.ticket,
        customer=asked.customer,
        language=asked.language,
    )
    _take(step, attempt, written_at)


def start_waiting(step: Step) -> None:
    """Start callbacks whose agent is free; give up those that waited for the agent as long as a phone rings, and those
    that stood in a queue for too long."""
    for name in list(step.board.pending):
        _start(step, step.board.attempts[name])
    if step.time_passed:
        for lineup in list(step.board.places.values()):
            for attempt in [step.board.attempts[name] for name in lineup]:
                if step.now >= attempt.until:
                    endings.finish(step, _call(step, attempt), "no_agent", "us", step.now, retry=True)


def take_turn(step: Step, attempt: Attempt) -> bool:
    """It is the turn of a place that is kept: whether an agent takes it. A customer who is on the line meanwhile waits
    there by himself."""
    queue = step.board.queues.get(attempt.queue)
    free = choosing.free_in(step, attempt.queue, "")
    owner = step.board.agents.get(attempt.owner)
    if queue is None or not free or _is_here(step, attempt):
        return False
    choice = rules.choose_agent(attempt, queue, free, owner, None, step.now)
    explaining.tell(step, attempt, choice)
    agent = choosing.turn(step, queue.name, choice.agent)
    if agent is None:
        return False
    attempt.agent = agent.name
    step.board.line_up(attempt)
    _start(step, attempt)
    step.board.look_at(agent)
    return True


def cancel(step: Step, asked: commands.CancelAttempt) -> None:
    """No dialling any more; an attempt that is not known yet will not be dialled either. A conversation goes on."""
    attempt = step.board.attempts.get(asked.attempt)
    if attempt is None:
        unknown = Attempt(asked.attempt, "", state="ended", at=step.now)
        step.board.attempts[asked.attempt] = unknown
        step.keep(unknown)
    elif attempt.state in ("talking", "ended"):
        step.refuse(asked.by, asked, "wrong-state", attempt.call)
    else:
        call = step.board.calls.get(attempt.call) or _call(step, attempt)
        endings.finish(step, call, "cancelled", "us", step.now)


def customer_answered(step: Step, call: Call) -> None:
    """The customer is on the line."""
    if call.kind == "survey":
        step.enter(call, "ask")
        ask(step, call)
    elif call.kind in dialled.PLACED:
        dialled.answered(step, call)
    elif call.mode == "agent_first":
        offers.bridge(step, call)
    else:
        agent = step.board.agents.get(call.agent)
        if agent is None or not agents.can_be_rung(agent, call.line):
            endings.part_from_agent(step, call, "withdrawn")
            endings.send_away(step, call, "no_agent", "sorry_later")
            return
        queue = step.rules_of(call)
        words: tuple[str, ...] = (phrases.say("connecting", call.language),)
        if announced(queue.recording, queue.recording_notice):
            words += phrases.own(
                "recorded", queue.recording_notice, call.language, step.house.languages, queue.prompts
            )
        step.play(call, "music", *words, "music:default", loop=False)
        offers.ring(step, call, agent)


def customer_left(step: Step, call: Call, event: events.LegEnded) -> None:
    """The customer's leg of a placed call ended before a conversation."""
    by = "customer" if event.by == "remote" else "us"
    at = step.at(event.at)
    if call.kind == "survey" and call.state in ("survey", "leaving"):
        outcome = "answered" if call.score else call.outcome or "no_score"
        endings.finish(step, call, outcome, by, at, event.fault, event.code)
    elif call.state == "leaving" or call.leg_state == "up":
        outcome = call.outcome or ("unknown" if event.outcome == "lost" else "no_agent")
        endings.finish(step, call, outcome, by, at, event.fault, event.code)
    elif call.kind in dialled.PLACED:
        dialled.not_reached(step, call, event)
    else:
        outcome = {"hung_up": "no_answer", "lost": "unknown"}.get(event.outcome, event.outcome)
        retry = event.retry or event.outcome == "lost"
        endings.finish(step, call, outcome, by, at, event.fault, event.code, retry)


def agent_ready(step: Step, call: Call) -> None:
    """Agent first: the agent waits on the line, now the customer's phone rings."""
    endings.end_offer(step, call, "answered")
    step.enter(call, "dial")
    call.agent_leg_state = "up"
    agent = step.agent(call.agent)
    if agent is not None:
        agents.occupy(step, agent, "dialling", call.id)
    step.order(call.line, commands.PlayPrompts(call.agent_leg, "ringback", RINGBACK, loop=True))
    if call.kind in dialled.PLACED:
        dialled.dial(step, call)
    else:
        _dial_customer(step, call)


def ask(step: Step, call: Call, *before: str) -> None:
    """Put the question, at most QUESTIONS times."""
    if call.asked >= QUESTIONS:
        endings.send_away(step, call, "no_score", "goodbye")
        return
    call.asked += 1
    call.until = step.now + endings.MESSAGE_WITHIN
    step.play(call, "question", *before, phrases.say("question", call.language))


def asked_fully(step: Step, call: Call) -> None:
    """The question was heard to its end: time for a key."""
    call.until = step.now + ANSWER_WITHIN
    step.keep(call)


def key(step: Step, call: Call, digit: str) -> None:
    """A key in a survey: 1 to 5 counts at once, any other is asked again."""
    if call.state != "survey":
        return
    if digit not in ("1", "2", "3", "4", "5"):
        ask(step, call, phrases.say("wrong_key", call.language))
        return
    call.score = int(digit)
    attempt = step.board.attempts[call.attempt]
    step.tell(events.SurveyDigit(step.now, call.id, call.attempt, attempt.ref, call.score))
    endings.send_away(step, call, "answered", "thanks")


def _take(step: Step, attempt: Attempt, written_at: float) -> None:
    if attempt.attempt in step.board.attempts:
        return
    attempt.until = _patience(step, attempt)
    step.board.attempts[attempt.attempt] = attempt
    step.board.line_up(attempt)
    step.keep(attempt)
    if step.now - written_at > STALE:
        endings.finish(step, _call(step, attempt), "failed", "us", step.now, "us", retry=True)
    elif not attempt.stands:
        _start(step, attempt)


def _patience(step: Step, attempt: Attempt) -> float:
    """Until when it waits for its agent: as long as a phone rings for a named one, else for the place to come."""
    if not attempt.stands:
        return step.now + step.rules_of(Call("")).ring_time
    return min(attempt.until or step.now + PATIENCE, step.now + PATIENCE)


def _start(step: Step, attempt: Attempt) -> None:
    agent = step.board.agents.get(attempt.agent)
    if attempt.kind == "callback" and (agent is None or not _willing(agent)):
        endings.finish(step, _call(step, attempt), "no_agent", "us", step.now, retry=True)
        return
    if agent is not None and agent.activity != "idle":
        if step.now >= attempt.until:
            endings.finish(step, _call(step, attempt), "no_agent", "us", step.now, retry=True)
        return
    call = _call(step, attempt)
    if not call.line:
        endings.finish(step, call, "failed", "us", step.now, "us", retry=True)
    elif attempt.mode == "agent_first" and agent is not None:
        _dialling(step, attempt)
        offers.ring(step, call, agent)
    else:
        _dialling(step, attempt)
        step.enter(call, "dial")
        reserved = step.agent(attempt.agent)
        if reserved is not None:
            call.agent = reserved.name
            agents.occupy(step, reserved, "dialling", call.id)
        _dial_customer(step, call)


def _is_here(step: Step, attempt: Attempt) -> bool:
    """Whether the customer has rung in and is on the line."""
    return any(
        call.kind == "inbound" and call.state != "ended" and attempt.concerns(call)
        for call in step.board.calls.values()
    )


def _willing(agent: Agent) -> bool:
    """Whether a callback may ring this agent, now or when the present call is over."""
    return agent.status in ("available", "not_ready") and agent.reachable and not agent.gone


def _call(step: Step, attempt: Attempt) -> Call:
    """The conversation of an attempt, on a line that reaches the agent's phone; `line` is empty when there is none."""
    agent = step.board.agents.get(attempt.agent)
    up = [line.name for line in step.board.lines.values() if line.up and not line.draining]
    reaching = [name for name in up if attempt.kind == "survey" or agents.can_be_rung(agent, name)]
    call = Call(
        id=step.house.new_id(),
        kind=attempt.kind,
        direction="out",
        called=attempt.number,
        trunk=attempt.trunk,
        customer=attempt.customer,
        ticket=attempt.ticket,
        line=next(iter(sorted(reaching)), ""),
        started=step.now,
        since=step.now,
        attempt=attempt.attempt,
        mode=attempt.mode,
        language=attempt.language,
    )
    step.board.calls[call.id] = call
    attempt.call = call.id
    step.keep(call, attempt)
    endings.announce(step, call)
    return call


def _dialling(step: Step, attempt: Attempt) -> None:
    attempt.state = "dialling"
    step.board.line_up(attempt)
    step.keep(attempt)


def _dial_customer(step: Step, call: Call) -> None:
    call.leg = call.id if call.mode != "agent_first" else step.house.new_id()
    call.leg_state, call.until = "ringing", step.now + RING_CUSTOMER
    step.board.legs[call.leg] = call.id
    step.keep(call)
    step.order(
        call.line,
        commands.DialLeg(
            leg=call.leg, number=call.called, trunk=call.trunk, timeout=RING_CUSTOMER, call=call.id
        ),
    )
