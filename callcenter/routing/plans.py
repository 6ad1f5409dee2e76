"""From a called number to a queue. Pure."""

from collections.abc import Iterable, Mapping, Sequence

DEFAULT = "default"


def queue_for(called: str, numbers: Sequence[str], queues: Mapping[str, Iterable[str]]) -> str | None:
    """The queue that serves the called user part: its own number, else `default` for the hotline's; None for a stranger.

    `numbers` are the hotline's; `queues` maps each queue to the numbers that lead straight to it.
    """
    for name, own in queues.items():
        if called in own:
            return name
    if called not in numbers:
        return None
    return DEFAULT if DEFAULT in queues else next(iter(sorted(queues)), None)


def all_numbers(numbers: Iterable[str], queues: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Every user part that the lines let in."""
    return tuple(dict.fromkeys([*numbers, *(number for own in queues.values() for number in own)]))
