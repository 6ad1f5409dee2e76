"""Callers: arrival, greeting, the queue, the place told, the message when we cannot serve. No I/O."""

from dataclasses import dataclass

from callcenter import commands, events
from callcenter.recordings.rules import announced
from callcenter.routing import (
    dialled,
    endings,
    expectation,
    keeping,
    moves,
    phrases,
    plans,
    releases,
    returning,
    rules,
    voicemail,
)
from callcenter.routing.board import Call, Queue
from callcenter.routing.lineup import merged
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
    the agent who spoke with the caller last; `places`: (queue, since when) where one is kept for a callback."""

    call: str
    customer: int = 0
    tier: str = ""
    language: str = ""
    owner: str = ""
    ticket: int = 0
    last: str = ""
    places: tuple[tuple[str, float], ...] = ()


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
    call.owner, call.last, call.places = caller.owner, caller.last, dict(caller.places)
    endings.announce(step, call)
    step.order(call.line, commands.AnswerLeg(call.leg))
    if call.walk is not None:
        step.enter(call, "choose")  # `menus.follow` leads on
    else:
        deliver(step, call)


def deliver(step: Step, call: Call) -> None:
    """A caller who is answered enters the queue `call.queue`: counted as offered there, greeted, lined up at the place
    that a callback keeps, else at the end."""
    queue = step.queue(call.queue) or Queue(call.queue)
    returning.take_back(step, call)
    call.lined_up, kept = step.now, call.places.get(call.queue, 0.0)
    call.queued = min(step.now, kept or step.now, call.queued or step.now)
    call.first_queue = call.first_queue or call.queue
    endings.enter_queue(step, call)
    step.tell(events.CallQueued(step.now, call.id, call.queue, queue.waiting + 1))
    no_room = queue.waiting >= queue.max_length or expectation.too_long(step, queue)
    away = queue.closed or (no_room and not kept)
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
    if call.queue in call.places:
        words += (phrases.say("callback_resumed", call.language or step.house.languages[0]),)
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


def tell_places(step: Step, queue: Queue) -> None:
    """Bring places up to date, tell them to those who moved up, send away who waited too long."""
    for place, one in enumerate(merged(step.board.waiting_in(queue.name)), 1):
        call = step.board.calls.get(one)
        if call is None:
            continue  # (A place that is kept for who is rung back.)
        if call.position != place:
            call.position = place
            step.keep(call)
        if call.state != "queued":
            continue
        if step.now - (call.lined_up or call.queued) >= queue.max_wait:
            moves.out(step, call)
        elif call.hearing == "music" and (
            keys := keeping.offered(step, call) + voicemail.offered(step, call)
        ):
            call.place_told_at = step.now
            step.play(call, "place", *keys)
        elif rules.tell_place(place, call.place_told, call.place_told_at, queue.announce_every, step.now):
            call.place_told, call.place_told_at = place, step.now
            spoken = call.language or step.house.languages[0]
            words = phrases.say("place", spoken, place=place)
            step.play(call, "place", words, *expectation.told(step, queue, call, place))
        elif call.hearing == "place" and step.now - call.place_told_at > GREETING_WITHIN:
            music(step, call)
