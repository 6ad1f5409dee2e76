"""Keep your place, we ring you back: a key while waiting, the number confirmed or typed, the call ended. No I/O.

What is asked and what a key means is decided by `wish`. The caller stands in the queue until the callback is taken:
who goes back to waiting has lost nothing.
"""

from collections.abc import Callable

from callcenter import commands
from callcenter.customers import numbers
from callcenter.routing import endings, expectation, phrases, wish
from callcenter.routing.board import Call
from callcenter.routing.step import Step
from callcenter.routing.walk import Words

HEARD_WITHIN = 60.0
"""Seconds after which a question counts as heard, when the line does not say so."""
ASKS = frozenset({"greeting", "queued", "offered"})
"""States in which the key asks for it."""
HEARING = "callback"


def may(step: Step, call: Call) -> bool:
    """Whether the queue lets this caller ask to be rung back."""
    return step.rules_of(call).callback and call.kind == "inbound" and not call.answered


def offered(step: Step, call: Call) -> tuple[str, ...]:
    """The words that tell a waiting caller of the key, when it is time: at most each `callback_every` seconds, and only
    while the wait is long enough for the queue."""
    queue = step.rules_of(call)
    told = call.callback_told or call.lined_up or call.queued
    due = queue.callback_every > 0 and step.now - told >= queue.callback_every
    if not due or not may(step, call) or not _long(step, call):
        return ()
    call.callback_told = step.now
    return (phrases.say("callback_offer", _language(step, call), key=int(queue.callback_key)),)


def asked(step: Step, call: Call, digit: str) -> bool:
    """The queue's key was pressed by who waits: whether it was this one. An agent whose phone rings is free again."""
    if call.state not in ASKS or digit != step.rules_of(call).callback_key or not may(step, call):
        return False
    if call.offer:
        endings.end_offer(step, call, "withdrawn")
    step.enter(call, "call_back")
    own = "" if call.withheld else numbers.e164(call.caller, step.house.country) or ""
    call.wish = wish.Wish(own if step.house.may_ring(own) else "")
    _do(step, call, wish.begin(call.wish))
    return True


def key(step: Step, call: Call, digit: str) -> None:
    """A key amid the questions; it ends what is being said."""
    if call.wish is not None:
        _do(step, call, wish.key(call.wish, digit, _reader(step)))


def heard(step: Step, call: Call) -> None:
    """The question was heard to its end: time for a key."""
    call.hearing, call.until = "", step.now + wish.WAIT
    step.keep(call)


def overdue(step: Step, call: Call) -> None:
    """No key in time."""
    if call.hearing == HEARING:
        step.heal("call", call.id, "the end of a question was not reported")
        heard(step, call)
    elif call.wish is not None:
        _do(step, call, wish.silent(call.wish, _reader(step)))


def left(step: Step, call: Call) -> str:
    """The caller hung up amid the questions: the outcome, empty when none of ours."""
    call.call_back = wish.left(call.wish) if call.wish is not None else ""
    return "callback_taken" if call.call_back else ""


def _do(step: Step, call: Call, action: wish.Action | None) -> None:
    match action:
        case wish.Ask(words):
            call.until = step.now + HEARD_WITHIN
            step.play(call, HEARING, *_spoken(step, call, words))
        case wish.Listen():
            if call.hearing:
                call.hearing = ""
                step.order(call.line, commands.StopPrompts(call.leg))
            call.until = step.now + wish.WAIT
        case wish.Taken(number):
            call.call_back, call.wish = number, None
            endings.send_away(step, call, "callback_taken", "callback_kept")
        case wish.Back(words):
            call.wish, call.until = None, 0.0
            step.enter(call, "queue")
            if words:
                step.play(call, "place", *_spoken(step, call, words))
                call.place_told_at = step.now
            else:
                step.play(call, "music", step.rules_of(call).waiting_music, loop=True)
    step.keep(call)


def _spoken(step: Step, call: Call, words: tuple[Words, ...]) -> tuple[str, ...]:
    """A number is read as it is written at home, digit by digit."""
    language = _language(step, call)
    said = []
    for one in words:
        values = dict(one.values)
        if "number" in values:
            written = numbers.national(values["number"], step.house.country)
            values["number"] = " ".join(filter(str.isdigit, written))
        said.append(phrases.say(one.phrase, language, **values))
    return tuple(said)


def _reader(step: Step) -> Callable[[str], str]:
    def read(typed: str) -> str:
        number = numbers.e164(typed, step.house.country) or ""
        return number if step.house.may_ring(number) else ""

    return read


def _long(step: Step, call: Call) -> bool:
    """Whether the caller's wait is long enough; one that is not known is."""
    queue = step.rules_of(call)
    if not queue.callback_from:
        return True
    expected = expectation.expected(step, queue, max(1, call.position))
    return not expected or expected >= queue.callback_from


def _language(step: Step, call: Call) -> str:
    return call.language or step.house.languages[0]
