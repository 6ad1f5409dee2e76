"""What would happen to a call: a plan walked by a caller who is only thought of. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from callcenter.routing import walk
from callcenter.routing.plans import Plan

SILENCE = "-"
"""In the keys of a trial: nothing is pressed until the time is over. Behind the last key nothing is pressed any more."""
NOBODY = "x"
"""In the keys of a trial: the number outside does not answer."""
LONGEST_KEYS = 100


@dataclass(frozen=True, slots=True)
class Happened:
    """`what`: said (`words`) | pressed | silent | step (`chosen`, `to`) | looked_up | queue | message | voicemail |
    external, the last four an end; `value`: the key, complaint, queue or number."""

    what: str
    node: str
    kind: str = ""
    value: str = ""
    to: str = ""
    words: tuple[walk.Words, ...] = ()
    language: str = ""


def run(
    plan: Plan,
    facts: walk.Facts,
    keys: str,
    complaint: Callable[[str], walk.Complaint | None],
    language: str = "",
) -> list[Happened]:
    """Every step from the beginning to the end, which is always there. `language`: what the customer speaks, if known.

    `keys`: 0 to 9, * and #, SILENCE, NOBODY; all others are left out, and so is what comes behind LONGEST_KEYS.
    """
    stood = walk.Walk()
    told: list[Happened] = []
    left = [key for key in keys if key in f"0123456789*#{SILENCE}{NOBODY}"][:LONGEST_KEYS]
    walker = walk.Walker(plan, stood, facts)
    action: walk.Action | None = walker.begin()
    while action is not None:
        language = walker.language or language
        told += [Happened("step", one.node, one.kind, one.chosen, one.to) for one in walker.steps]
        place, kind = stood.node, walker.kind
        walker = walk.Walker(plan, stood, facts)
        match action:
            case walk.Ask(words, wait):
                if words:
                    told.append(Happened("said", place, kind, words=words, language=language))
                action = _next(walker, left, told) if wait else walker.silent()
            case walk.Listen():
                action = _next(walker, left, told)
            case walk.LookUp(number):
                told.append(Happened("looked_up", place, kind, number))
                action = walker.found(complaint(number))
            case walk.Ring(number) if left and left[0] == NOBODY:
                left.pop(0)
                told.append(Happened("pressed", place, kind, NOBODY))
                action = walker.not_reached("no_answer")
            case _:
                told.append(_end(action, place, kind, language))
                action = None
    return told


def _next(walker: walk.Walker, left: list[str], told: list[Happened]) -> walk.Action:
    """What the caller does now."""
    place, kind = walker.walk.node, walker.kind
    while left:
        key = left.pop(0)
        if key == SILENCE:
            break
        if key == NOBODY:
            continue
        told.append(Happened("pressed", place, kind, key))
        action = walker.key(key)
        if action is not None:
            return action
    told.append(Happened("silent", place, kind))
    return walker.silent()


def _end(action: walk.Action, place: str, kind: str, language: str) -> Happened:
    match action:
        case walk.Enter(queue):
            return Happened("queue", place, kind, queue)
        case walk.Record(queue):
            return Happened("voicemail", place, kind, queue)
        case walk.Ring(number):
            return Happened("external", place, kind, number)
        case walk.Leave(words, call_back):
            return Happened("message", place, kind, "call_back" if call_back else "", "", words, language)
    raise AssertionError(action)
