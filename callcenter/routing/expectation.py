"""How long a caller is likely to wait, and whether that is told. No I/O."""

from callcenter.routing import phrases, rules
from callcenter.routing.board import Call, Queue
from callcenter.routing.step import Step


def expected(step: Step, queue: Queue, place: int) -> float:
    """Seconds until the caller at this place is served, 0 while nothing is known of the queue's calls."""
    people = (step.board.agents[name] for name in step.board.serving.get(queue.name, ()))
    agents = sum(rules.comes_free(agent) for agent in people)
    return rules.expected_wait(place, queue.handling, agents) if queue.handling else 0.0


def too_long(step: Step, queue: Queue) -> bool:
    """Whether one more caller would wait longer than the queue lets anybody expect."""
    if not queue.most_expected or step.board.free.get(queue.name):
        return False
    return expected(step, queue, queue.waiting + 1) > queue.most_expected


def told(step: Step, queue: Queue, call: Call, place: int) -> tuple[str, ...]:
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
