"""Callers: arrival, greeting, the queue, the place told, the message when we cannot serve. No I/O."""

from dataclasses import dataclass

from callcenter import commands, events
from callcenter.recordings.rules import announced
from callcenter.routing import dialled, endings, moves, phrases, plans, releases, rules, voicemail
from callcenter.routing.board import Call, Queue
from callcenter.routing.step import Step
from callcenter.routing.walk import Walk
from callcenter.settings import SPOKEN

LET_GO_AFTER = 4.0
"""Seconds after which the line itself has apologised to a caller whom nobody took (`telephony.alone.PATIENCE`)."""
GREETING_WITHIN = 30.0
"""Seconds after which a greeting counts as heard, when the line does not say so."""


@dataclass(frozen=True, slots=True)
class CallerFound:
    """What the record knows of a caller: zeros and empty when nothing. `owner` of the open complaint `ticket`; `last`:
    the agent who spoke with the caller last."""

    call: str
    customer: int = 0
    tier: str = ""
    language: str = ""
    owner: str = ""
    ticket: int = 0
    last: str = ""


def arrive(step: Step, event: events.CallArrived) -> None:
    """An INVITE. A stranger's number is refused; else the caller is looked up first."""
    if event.leg in step.board.calls or (event.phone and dialled.by_phone(step, event)):
        return
    call = Call(
        id=event.leg,
        caller=event.caller,
        caller_name=event.caller_name,
        withheld=event.withheld,
        called=event.called,
        trunk=event.trunk,
        phone=event.phone,
        leg=event.leg,
        leg_state="ringing",
        line=event.line,
        started=step.at(event.at),
        since=step.now,
    )
    step.board.calls[call.id] = call
    step.board.legs[call.leg] = call.id
    step.keep(call)
    call.may_release = releases.possible(step, call)
    if plan := plans.plan_for(event.called, step.board.plans.values()):
        call.walk = Walk(plan.name, plan.version)
    else:
        numbers = {queue.name: queue.numbers for queue in step.board.queues.values()}
        call.queue = plans.queue_for(event.called, step.house.numbers, numbers) or ""
    if not call.queue and not plan:
        step.order(call.line, commands.RefuseLeg(call.leg, 404, "Not Found"))
        step.gone(call, call.leg)
        endings.finish(step, call, "refused", "us", step.now, "caller", 404)
    elif step.now - call.started >= LET_GO_AFTER:
        let_go(step, call)
    elif call.caller and not call.withheld:
        step.lookups.append((call.id, call.caller))
    else:
        found(step, CallerFound(call.id))


def let_go(step: Step, call: Call) -> None:
    """The line has let this caller go by itself, with an apology: nobody is rung for it, a callback is owed."""
    endings.finish(step, call, "lost_by_us", "us", step.now, "us")


def found(step: Step, caller: CallerFound) -> None:
    """It is known who calls, or that it is not known: answer, and begin the plan or let the caller into the queue."""
    call = step.board.calls.get(caller.call)
    if call is not None and call.kind == "manual" and call.state != "ended":
        _reached(step, call, caller)
        return
    if call is None or call.state != "arriving" or call.kind != "inbound":
        return
    call.customer, call.ticket, call.tier = caller.customer, caller.ticket, caller.tier
    call.language = SPOKEN.get(caller.language, caller.language)
    call.owner, call.last = caller.owner, caller.last
    endings.announce(step, call)
    step.order(call.line, commands.AnswerLeg(call.leg))
    if call.walk is not None:
        step.enter(call, "choose")  # `menus.follow` leads on
    else:
        deliver(step, call)


def deliver(step: Step, call: Call) -> None:
    """A caller who is answered enters the queue `call.queue`: counted as offered there, greeted, lined up."""
    queue = step.queue(call.queue) or Queue(call.queue)
    call.queued = call.lined_up = step.now
    call.first_queue = call.first_queue or call.queue
    endings.enter_queue(step, call)
    step.tell(events.CallQueued(step.now, call.id, call.queue, queue.waiting + 1))
    away = queue.closed or queue.waiting >= queue.max_length or _too_long(step, queue)
    if (away or not step.staffed(queue.name)) and (beside := moves.beside(step, call)):
        endings.count(step, call, "overflowed", step.now)
        call.queue = beside
        deliver(step, call)
        return
    if voicemail.closed(step, call):
        voicemail.begin(step, call)
        return
    if away:
        voicemail.send_away(step, call)
        return
    if words := _first_words(step, call, queue):
        step.enter(call, "greet")
        call.until = step.now + GREETING_WITHIN
        step.play(call, "greeting", *words)
    else:
        wait(step, call)
    call.position = queue.waiting


def _first_words(step: Step, call: Call, queue: Queue) -> tuple[str, ...]:
    """The greeting, and that the call may be recorded: the law wants that said also where nobody is greeted."""
    spoken = call.language, step.house.languages
    # Who was spoken to by a plan is not welcomed once more, but by the queue's own words.
    greeted = call.walk is not None and call.plays > 0 and not queue.greeting
    words = (
        phrases.own("greeting", queue.greeting, *spoken, queue.prompts)
        if step.house.greeting and not greeted
        else ()
    )
    if announced(queue.recording, queue.recording_notice):
        words += phrases.own("recorded", queue.recording_notice, *spoken, queue.prompts)
    return words


def _reached(step: Step, call: Call, caller: CallerFound) -> None:
    """It is known whom an agent calls: the desk shows it."""
    call.language = call.language or SPOKEN.get(caller.language, caller.language)
    if caller.customer and not call.customer:
        call.customer, call.ticket, call.tier = caller.customer, caller.ticket, caller.tier
        step.tell(events.CustomerBound(step.now, call.id, call.customer, ""))
    step.keep(call)


def wait(step: Step, call: Call) -> None:
    """Music, until an agent is free."""
    step.enter(call, "queue")
    call.until = 0.0
    music(step, call)


def music(step: Step, call: Call) -> None:
    """Back to the music."""
    step.play(call, "music", step.rules_of(call).waiting_music, loop=True)


def expected(step: Step, queue: Queue, place: int) -> float:
    """Seconds until the caller at this place is served, 0 while nothing is known of the queue's calls."""
    people = (step.board.agents[name] for name in step.board.serving.get(queue.name, ()))
    agents = sum(rules.comes_free(agent) for agent in people)
    return rules.expected_wait(place, queue.handling, agents) if queue.handling else 0.0


def _too_long(step: Step, queue: Queue) -> bool:
    """Whether one more caller would wait longer than the queue lets anybody expect."""
    if not queue.most_expected or step.board.free.get(queue.name):
        return False
    return expected(step, queue, queue.waiting + 1) > queue.most_expected


def _minutes(step: Step, queue: Queue, call: Call, place: int) -> tuple[str, ...]:
    """The expected wait as words: where the queue tells it, it is known, and better than what was told before."""
    seconds = expected(step, queue, place) if queue.announce_wait else 0.0
    if not 0 < seconds < float("inf"):
        return ()
    minutes = rules.minutes(seconds)
    if call.minutes_told and minutes >= call.minutes_told:
        return ()
    call.minutes_told = minutes
    spoken = call.language or step.house.languages[0]
    phrase = "expected_minute" if minutes == 1 else "expected_minutes"
    return (phrases.say(phrase, spoken, minutes=minutes),)


def tell_places(step: Step, queue: Queue) -> None:
    """Bring places up to date, tell them to those who moved up, send away who waited too long."""
    waiting = [step.board.calls[one] for one in step.board.lineup.get(queue.name, ())]
    for place, call in enumerate(waiting, 1):
        if call.position != place:
            call.position = place
            step.keep(call)
        if call.state != "queued":
            continue
        if step.now - (call.lined_up or call.queued) >= queue.max_wait:
            moves.out(step, call)
        elif voicemail.offer(step, call):
            continue
        elif rules.tell_place(place, call.place_told, call.place_told_at, queue.announce_every, step.now):
            call.place_told, call.place_told_at = place, step.now
            spoken = call.language or step.house.languages[0]
            words = phrases.say("place", spoken, place=place)
            step.play(call, "place", words, *_minutes(step, queue, call, place))
        elif call.hearing == "place" and step.now - call.place_told_at > GREETING_WITHIN:
            music(step, call)
