"""One clock for all that we send ourselves: each member gets a turn every 20 ms.

Members are spread over four groups 5 ms apart, so that hundreds of waiting callers never hold up a relayed packet for
long, and the receivers' packets do not leave in one burst.
"""

from collections.abc import Callable
from typing import Protocol

PERIOD = 0.020
GROUPS = 4
_STEP = PERIOD / GROUPS
_LATE = 0.200


class Member(Protocol):
    """Something with a turn."""

    def tick(self, now: float) -> None:
        """Send 20 ms."""
        ...


class Pacer:
    """Knows when the next group is due; times are seconds of `time.monotonic`. `fault` is told what a
    member raised; the others still get their turns."""

    def __init__(self, now: float, fault: Callable[[Exception], None]) -> None:
        self._fault = fault
        self._groups: list[dict[Member, None]] = [{} for _ in range(GROUPS)]
        self._home: dict[Member, int] = {}
        self._next = now
        self._turn = 0

    def add(self, member: Member, now: float) -> None:
        """Give turns; nothing when it has them."""
        if member in self._home:
            return
        if not self._home:
            self._next = now
        home = min(range(GROUPS), key=lambda group: len(self._groups[group]))
        self._home[member] = home
        self._groups[home][member] = None

    def remove(self, member: Member) -> None:
        """No more turns; nothing when it has none."""
        home = self._home.pop(member, None)
        if home is not None:
            del self._groups[home][member]

    def due(self) -> float | None:
        """When `run` is wanted, None while nobody is here."""
        return self._next if self._home else None

    def run(self, now: float) -> None:
        """Give the turns that are due. After a standstill the lost ones are left out, not made up in a burst."""
        if now - self._next > _LATE:
            self._next = now
        while self._home and self._next <= now:
            group = self._groups[self._turn]
            self._turn = (self._turn + 1) % GROUPS
            self._next += _STEP
            for member in list(group):
                try:
                    member.tick(now)
                except OSError:
                    # unreachable or a full buffer: this packet is lost
                    pass
                except Exception as error:
                    self._fault(error)
