"""Callers of a queue in the order in which they are served. Pure."""

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from callcenter.routing.rules import Waits, rank

Rank = tuple[int, float, str]


@dataclass(slots=True)
class Lineup:
    """Ids of waiting calls, or of attempts that keep a place, by `rules.rank`; one whose priority changes is `put` again."""

    ranks: dict[str, Rank] = field(default_factory=dict)
    order: list[Rank] = field(default_factory=list)

    def __iter__(self) -> Iterator[str]:
        return (rank[-1] for rank in self.order)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def oldest(self) -> float:
        """Since when the longest waiting caller waits; 0.0 when nobody does."""
        return min((queued for _, queued, _ in self.order), default=0.0)

    def put(self, call: Waits) -> None:
        """Let it stand where it belongs."""
        wanted = rank(call)
        if self.ranks.get(call.id) != wanted:
            self.remove(call.id)
            self.ranks[call.id] = wanted
            insort(self.order, wanted)

    def remove(self, call: str) -> None:
        """It does not wait here any more."""
        known = self.ranks.pop(call, None)
        if known is not None:
            del self.order[bisect_left(self.order, known)]


def merged(lineups: Iterable[Lineup]) -> Iterator[str]:
    """Who stands in several queues in the order of service; who leaves one meanwhile is still named."""
    return (rank[-1] for rank in heapq.merge(*(tuple(lineup.order) for lineup in lineups)))
