"""A waiting caller leaves a queue: for another one, for a message, or with our regret. No I/O."""

from callcenter import events
from callcenter.routing import endings, voicemail
from callcenter.routing.board import Call
from callcenter.routing.step import Step


def barred(step: Step, name: str) -> str:
    """Why no caller can be moved or transferred into this queue, empty when one can: not-found | queue-closed |
    queue-full."""
    queue = step.board.queues.get(name)
    if queue is None:
        return "not-found"
    if queue.closed:
        return "queue-closed"
    return "queue-full" if queue.waiting >= queue.max_length else ""


def beside(step: Step, call: Call) -> str:
    """The queue that takes over from the call's own: open, with room and somebody signed in, and not tried yet."""
    name = step.rules_of(call).overflow
    return name if name and name not in call.counted and not barred(step, name) and step.staffed(name) else ""


def out(step: Step, call: Call) -> None:
    """The queue cannot keep a caller who waits: to the one beside it, else a message where it takes one, else our
    regret."""
    call_back_offer(step, call)
    if name := beside(step, call):
        move(step, call, name)
    else:
        voicemail.send_away(step, call)


def move(step: Step, call: Call, queue: str) -> None:
    """Into another queue by the caller's age; the one that is left counts it as overflowed."""
    call_back_offer(step, call)
    endings.count(step, call, "overflowed", step.now)
    step.line_up_again(call, queue)
    call.lined_up, call.passed = step.now, {}
    call.place_told = call.minutes_told = 0
    endings.enter_queue(step, call)
    step.line_up_again(call)
    call.position = step.board.queues[queue].waiting
    if call.state == "queued":
        step.play(call, "music", step.rules_of(call).waiting_music, loop=True)
    step.tell(events.CallQueued(step.now, call.id, queue, call.position))


def call_back_offer(step: Step, call: Call) -> None:
    """An agent whose phone rings for this caller is free again, without a miss."""
    if call.offer:
        endings.end_offer(step, call, "withdrawn")
        endings.give_back(step, call)
