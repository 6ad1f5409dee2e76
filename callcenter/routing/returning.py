"""Who hung up while waiting, or was cut off, and rings again within minutes: the place in the queue is his again. No I/O."""

from callcenter.routing.board import Call, Left
from callcenter.routing.step import Step


def remember(step: Step, call: Call, outcome: str) -> None:
    """A caller is gone: the place stays for a while, for the number that he rang from. A short abandon has hardly one."""
    known = call.caller and not call.withheld
    if outcome != "abandoned" or not known or not call.queued or step.house.resume_within <= 0:
        return  # (Who was in no queue yet has left no place.)
    left = Left(_key(call), call.queued, step.now)
    step.board.left[left.key] = left
    step.keep(left)


def take_back(step: Step, call: Call) -> None:
    """A caller comes to a queue: the place that he left there, if it was not too long ago, is one that is kept."""
    left = step.board.left.get(_key(call)) if call.caller and not call.withheld else None
    if left is None:
        return
    step.drop("board:left", left.key)
    if step.now - left.at <= step.house.resume_within:
        call.places[call.queue] = min(left.queued, call.places.get(call.queue, left.queued))


def forget(step: Step) -> None:
    """Places that nobody came back to in time."""
    for left in list(step.board.left.values()):
        if step.now - left.at > step.house.resume_within:
            step.drop("board:left", left.key)


def _key(call: Call) -> str:
    return f"{call.queue} {call.caller}"
