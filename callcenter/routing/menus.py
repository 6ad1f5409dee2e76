"""Plans, live: prompts and keys of callers who are in no queue yet, complaints looked up, numbers outside. No I/O.

What is chosen is decided by `walk`; here it is played, timed, told and remembered on the board, so that a conductor
that takes over goes on at the same node. A call stays with the version of the plan that it began with.
"""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

from callcenter import commands, events
from callcenter.hours import rules as hours
from callcenter.hours.rules import BadCalendar
from callcenter.routing import arrivals, endings, phrases, plan_json, plans, voicemail, walk
from callcenter.routing.board import Call, Party
from callcenter.routing.plans import Plan
from callcenter.routing.step import RINGBACK, Step

HEARD_WITHIN = 330.0
"""Seconds after which a prompt counts as heard, when the line does not say so: an uploaded one lasts five minutes."""
ANSWERED_WITHIN = 3.0
"""Seconds that the record may take to find a complaint."""
MODE = "plan"
"""Of the party whom a plan rings outside."""


@dataclass(frozen=True, slots=True)
class ComplaintFound:
    """What the record has under a complaint's `number`; None: no such complaint. `known` is false when the record did
    not answer."""

    call: str
    number: str
    complaint: walk.Complaint | None = None
    known: bool = True


def follow(step: Step) -> None:
    """Callers whom this step let into a plan begin it."""
    for call in step.touched_calls():
        if call.state == "menu" and call.walk is not None and not call.walk.node:
            walker = _walker(step, call)
            _do(step, call, walker, walker.begin())


def heard(step: Step, call: Call) -> None:
    """A prompt was heard to its end: now the time for a key runs."""
    node = _walker(step, call).node
    wait = getattr(node, "timeout", 0.0) if call.walk is not None and not call.walk.then else 0.0
    call.hearing = ""
    step.keep(call)
    if wait:
        call.until = step.now + wait
    else:
        _silent(step, call)


def key(step: Step, call: Call, digit: str) -> None:
    """A key of the caller; it ends what is being said, where the node lets it."""
    walker = _walker(step, call)
    _do(step, call, walker, walker.key(digit, call.hearing == "menu"))


def found(step: Step, answer: ComplaintFound) -> None:
    """The record has answered; late and repeated answers change nothing."""
    call = step.board.calls.get(answer.call)
    if call is None or call.state != "menu" or call.walk is None or call.walk.pending != answer.number:
        return
    walker = _walker(step, call)
    _do(step, call, walker, walker.found(answer.complaint) if answer.known else walker.unavailable())


def overdue(step: Step, call: Call) -> None:
    """The time of the present node is over."""
    if call.walk is not None and call.walk.pending:
        found(step, ComplaintFound(call.id, call.walk.pending, known=False))
    elif call.hearing == "menu":
        step.heal("call", call.id, "the end of a prompt was not reported")
        heard(step, call)
    else:
        _silent(step, call)


def rings(party: Party) -> bool:
    """Whether a plan brought this party into the call."""
    return party.mode == MODE


def answered(step: Step, call: Call, party: Party) -> None:
    """The number outside is there: caller and partner speak, and no agent is in it."""
    if party.state == "up":
        return
    party.state, party.since, party.until = "up", step.now, 0.0
    call.outcome, call.until = "passed_on", 0.0
    step.enter(call, "let_out")
    _tell(step, call, walk.Taken(_node(call), "external", "answered"))


def partner_left(step: Step, call: Call, party: Party, outcome: str, at: float) -> None:
    """The number outside did not answer: the plan goes on; or it hung up: the call is over."""
    step.hang_up(call, parties=[party.leg])
    if call.state == "outside":
        endings.finish(step, call, call.outcome, "guest", at)
    elif call.state == "menu":
        walker = _walker(step, call)
        _do(step, call, walker, walker.not_reached(_OUTCOMES.get(outcome, outcome)))


def _silent(step: Step, call: Call) -> None:
    walker = _walker(step, call)
    _do(step, call, walker, walker.silent())


def _do(step: Step, call: Call, walker: walk.Walker, action: walk.Action | None) -> None:
    """Do what the walk says, and tell each step of it."""
    while True:
        if walker.language:
            call.language = walker.language
        for taken in walker.steps:
            _tell(step, call, taken)
        walker.steps.clear()
        if action is None:
            return
        step.keep(call)
        if not isinstance(action, walk.Ask) or _say(step, call, action):
            break
        action = walker.silent()
    match action:
        case walk.Listen(wait):
            _hush(step, call)
            call.until = step.now + wait
        case walk.LookUp(number):
            _hush(step, call)
            call.until = step.now + ANSWERED_WITHIN
            step.enquiries.append((call.id, number))
        case walk.Ring():
            _ring(step, call, action)
        case walk.Enter(queue):
            _to_queue(step, call, queue)
        case walk.Record(queue):
            _record(step, call, queue)
        case walk.Leave(words, call_back):
            _leave(step, call, words, call_back)


def _say(step: Step, call: Call, action: walk.Ask) -> bool:
    """Say it; False when there is nothing to say and nothing to wait for."""
    prompts = _spoken(step, call, action.words)
    if prompts:
        call.until = step.now + HEARD_WITHIN
        step.play(call, "menu", *prompts)
        return True
    _hush(step, call)
    call.until = step.now + action.wait
    return action.wait > 0


def _hush(step: Step, call: Call) -> None:
    """End what is being said."""
    if call.hearing:
        call.hearing = ""
        step.order(call.line, commands.StopPrompts(call.leg))


def _ring(step: Step, call: Call, action: walk.Ring) -> None:
    """Ring outside, under the dial plan of the house itself; the caller hears it ring."""
    party = Party(step.house.new_id(), "guest", action.number, mode=MODE, since=step.now, line=call.line)
    party.until = step.now + action.seconds
    call.parties[party.leg] = party
    step.board.legs[party.leg] = call.id
    call.until = 0.0
    step.play(call, "ringback", *RINGBACK, loop=True)
    _tell(step, call, walk.Taken(_node(call), "external", "ringing"))
    step.order(
        call.line,
        commands.DialLeg(
            leg=party.leg,
            number=action.number,
            trunk=action.trunk,
            caller=call.called if call.called.startswith("+") else "",
            timeout=action.seconds,
            call=call.id,
            diverted_from=call.called if call.called.startswith("+") else "",
        ),
    )


def _to_queue(step: Step, call: Call, queue: str) -> None:
    """Out of the plan, into the queue; into another one when this one is no more."""
    known = step.board.queues
    names = (queue, _plan(step, call).fallback, plans.DEFAULT, *sorted(known))
    call.queue = next((name for name in names if name in known), queue)
    call.until = 0.0
    _hush(step, call)
    arrivals.deliver(step, call)


def _record(step: Step, call: Call, queue: str) -> None:
    """A message; where the line cannot record, our regret and a callback."""
    call.queue = queue
    if voicemail.can(step, call):
        voicemail.begin(step, call)
    else:
        _leave(step, call, (walk.Words("sorry_busy"),), True)


def _leave(step: Step, call: Call, words: tuple[walk.Words, ...], call_back: bool) -> None:
    if call.walk is not None:
        call.walk.owed = call_back
    step.enter(call, "leave")
    call.outcome, call.until = "deflected", step.now + HEARD_WITHIN
    step.play(call, "message", *(_spoken(step, call, words) or (endings.SHORT_PAUSE,)))


def _spoken(step: Step, call: Call, words: tuple[walk.Words, ...]) -> tuple[str, ...]:
    published = _published(step, call)
    prompts = published.prompts if published else {}
    return phrases.of_plan(words, call.language, step.house.languages, prompts)


def _walker(step: Step, call: Call) -> walk.Walker:
    assert call.walk is not None
    return walk.Walker(_plan(step, call), call.walk, _facts(step, call))


def _plan(step: Step, call: Call) -> Plan:
    """The version that the call began with; an empty one, which leads to the queue, when it was taken away."""
    published = _published(step, call)
    return plan_json.loaded(published.body) if published else Plan()


def _published(step: Step, call: Call) -> plans.Published | None:
    walked = call.walk
    return step.board.plans.get(plans.key_of(walked.plan, walked.version)) if walked else None


def _facts(step: Step, call: Call) -> walk.Facts:
    number = "" if call.withheld else call.caller
    nodes = _plan(step, call).nodes.values()
    named = {node.calendar for node in nodes if isinstance(node, plans.Hours)}
    calendars = calendars_of(one for one in step.board.calendars.values() if one.name in named)
    return walk.Facts(number, call.customer, call.tier, step.now, calendars)


def calendars_of(rows: Iterable[plans.LiveCalendar]) -> dict[str, hours.Hours]:
    """Calendars as rules; a spoilt one is left out."""
    found = {}
    for row in rows:
        with contextlib.suppress(BadCalendar):
            found[row.name] = hours.parse(row.zone, row.windows, row.exceptions)
    return found


def _tell(step: Step, call: Call, taken: walk.Taken) -> None:
    if call.walk is not None:
        step.tell(
            events.PlanStep(
                step.now, call.id, call.walk.plan, call.walk.version,
                taken.node, taken.kind, taken.chosen, taken.to,
            )
        )  # fmt: skip


def _node(call: Call) -> str:
    return call.walk.node if call.walk else ""


_OUTCOMES = {"hung_up": "failed", "lost": "failed", "cancelled": "no_answer"}
"""How a leg ended -> what is told of a number that did not answer."""
