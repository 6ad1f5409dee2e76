"""One day of a centre, event by event. Who gets a call is decided by `routing.rules`, as on the live board. No I/O.

Times are seconds since the midnight that begins the day. An agent answers at once; what lies between the ring and the
answer belongs to the handling time.
"""

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from callcenter.routing import rules
from callcenter.routing.lineup import Lineup, merged

ANSWERED, ABANDONED, DEFLECTED = 0, 1, 2
"""How a caller's time with us ended; `waited` tells a short abandon."""

_DONE, _LEAVES, _LOOKS, _COMES, _GOES = range(5)
_NOTHING: dict[str, float] = {}


@dataclass(slots=True)
class Caller:
    """As the rules see a call (`rules.Waits`), and what will happen to it: `patience` and `talk`, `wrap_up` in seconds.

    `kind`: its call type's number. At the end `outcome`, `waited`, and by whom it was served.
    """

    id: str
    queue: str
    queued: float
    lined_up: float
    kind: int = 0
    patience: float = math.inf
    talk: float = 0.0
    wrap_up: float = 0.0
    priority: int = 0
    owner: str = ""
    last: str = ""
    passed: dict[str, float] = field(default_factory=lambda: _NOTHING)
    waiting: bool = False
    outcome: int = DEFLECTED
    waited: float = 0.0
    agent: str = ""


@dataclass(slots=True)
class Seat:
    """As the rules see an agent (`rules.Free`). `worked`: (from, until) of each call with its wrap-up; `present`: (from,
    until) of each time signed in. `leaves`: seconds of a break that begins when the call is over, -1 for none."""

    name: str
    queues: list[str]
    skills: dict[str, int] = field(default_factory=dict)
    group: int = 0
    status: str = "signed_out"
    activity: str = "idle"
    reachable: bool = True
    paused: str = ""
    idle_since: float = 0.0
    taken: int = 0
    talked: float = 0.0
    leaves: float = -1.0
    since: float = 0.0
    worked: list[tuple[float, float]] = field(default_factory=list)
    present: list[tuple[float, float]] = field(default_factory=list)


@dataclass(slots=True)
class Serving:
    """As the rules see a queue (`rules.Serves`), with its bounds; seconds."""

    name: str
    strategy: str = "longest_idle"
    rings: list[rules.Ring] = field(default_factory=list)
    order: dict[str, int] = field(default_factory=dict)
    turn: str = ""
    owner_first: float = 0.0
    last_first: float = 0.0
    max_length: int = 500
    max_wait: float = 600.0
    free: list[Seat] = field(default_factory=list)
    lineup: Lineup = field(default_factory=Lineup)


@dataclass(frozen=True, slots=True)
class Shift:
    """At `at` the agent comes, or goes: for `length` seconds, infinite until the next coming. Who has a call ends it first;
    a break then takes its whole length."""

    at: float
    seat: Seat
    comes: bool
    length: float = math.inf


Handling = Callable[[Caller, Seat], tuple[float, float]]


def drawn(caller: Caller, _seat: Seat) -> tuple[float, float]:
    """The times that the caller brought with him: whoever serves him takes as long."""
    return caller.talk, caller.wrap_up


class Day:
    """Runs once: `callers` in the order of their arrival; their outcomes, and the seats' times, stand in them behind it."""

    def __init__(
        self,
        queues: Sequence[Serving],
        seats: Sequence[Seat],
        shifts: Sequence[Shift],
        callers: Sequence[Caller],
        handling: Handling = drawn,
    ) -> None:
        self.queues = {queue.name: queue for queue in queues}
        self.seats = {seat.name: seat for seat in seats}
        self.callers = {caller.id: caller for caller in callers}
        self.handling = handling
        self.events: list[tuple[float, int, int, Any, float]] = []
        self.count = 0
        for shift in shifts:
            self._at(shift.at, _COMES if shift.comes else _GOES, shift.seat, shift.length)

    def run(self) -> None:
        """To the end: until nobody comes any more and nothing happens. Who waits then is sent away."""
        arrivals = iter(self.callers.values())
        arriving = next(arrivals, None)
        events = self.events
        now = 0.0
        while events or arriving is not None:
            if arriving is not None and (not events or arriving.queued < events[0][0]):
                now = arriving.queued
                self._arrive(arriving, now)
                arriving = next(arrivals, None)
                continue
            now, _, what, whom, length = heapq.heappop(events)
            if what == _DONE:
                self._done(whom, now)
            elif what == _LEAVES:
                if whom.waiting:
                    self._give_up(whom, now)
            elif what == _LOOKS:
                if whom.waiting:
                    self._place(whom, self.queues[whom.queue], now)
            elif what == _COMES:
                self._come(whom, now)
            else:
                self._go(whom, now, length)
        for queue in self.queues.values():
            for left in [*queue.lineup]:
                self.callers[left].waited = now - self.callers[left].queued
        for seat in self.seats.values():
            if seat.status == "available":
                seat.present.append((seat.since, math.inf))

    def _at(self, at: float, what: int, whom: Any, length: float = 0.0) -> None:
        self.count += 1
        heapq.heappush(self.events, (at, self.count, what, whom, length))

    def _arrive(self, caller: Caller, now: float) -> None:
        queue = self.queues[caller.queue]
        if queue.free and self._place(caller, queue, now):
            return
        if len(queue.lineup) >= queue.max_length:
            return
        caller.waiting = True
        queue.lineup.put(caller)
        until = min(caller.patience, queue.max_wait)
        if until < math.inf:
            self._at(now + until, _LEAVES, caller)
        for ring in queue.rings:
            if ring.until:
                self._at(now + ring.until, _LOOKS, caller)
        if caller.owner and queue.owner_first:
            self._at(now + queue.owner_first, _LOOKS, caller)
        if caller.last and queue.last_first:
            self._at(now + queue.last_first, _LOOKS, caller)

    def _place(self, caller: Caller, queue: Serving, now: float) -> bool:
        """Whether the rules find an agent; then the two speak."""
        if not queue.free:
            return False
        owner = self.seats.get(caller.owner) if caller.owner else None
        last = self.seats.get(caller.last) if caller.last else None
        seat = rules.choose_agent(caller, queue, queue.free, owner, last, now).agent
        if seat is None:
            return False
        if caller.waiting:
            caller.waiting = False
            queue.lineup.remove(caller.id)
        for name in seat.queues:
            self.queues[name].free.remove(seat)
        queue.turn = seat.name
        talk, wrap_up = self.handling(caller, seat)
        caller.outcome, caller.waited, caller.agent = ANSWERED, now - caller.queued, seat.name
        caller.talk, caller.wrap_up = talk, wrap_up
        seat.activity = "talking"
        seat.taken += 1
        seat.talked += talk
        end = now + talk + wrap_up
        seat.worked.append((now, end))
        self._at(end, _DONE, seat)
        return True

    def _done(self, seat: Seat, now: float) -> None:
        if seat.leaves >= 0:
            length, seat.leaves = seat.leaves, -1.0
            seat.activity = "idle"
            self._leave(seat, now, length)
        else:
            self._free(seat, now)

    def _free(self, seat: Seat, now: float) -> None:
        """He is idle: whoever waits in his queues is looked at, in the order of service."""
        seat.activity, seat.idle_since = "idle", now
        lineups = []
        for name in seat.queues:
            queue = self.queues[name]
            queue.free.append(seat)
            if queue.lineup.order:
                lineups.append(queue.lineup)
        if lineups:
            for caller in self._in_order(lineups):
                self._place(caller, self.queues[caller.queue], now)
                if seat.activity != "idle":
                    return

    def _in_order(self, lineups: list[Lineup]) -> Iterator[Caller]:
        """A caller may leave the line while it is walked: the one who was just placed; what follows then is not asked."""
        ids = [*lineups[0]] if len(lineups) == 1 else [*merged(lineups)]
        return (self.callers[one] for one in ids)

    def _give_up(self, caller: Caller, now: float) -> None:
        queue = self.queues[caller.queue]
        caller.waiting = False
        queue.lineup.remove(caller.id)
        caller.waited = now - caller.queued
        caller.outcome = ABANDONED if caller.patience <= queue.max_wait else DEFLECTED

    def _come(self, seat: Seat, now: float) -> None:
        if seat.leaves >= 0:
            seat.leaves = -1.0  # still in his last call: he simply stays
        elif seat.status != "available":
            seat.status, seat.since = "available", now
            self._free(seat, now)

    def _go(self, seat: Seat, now: float, length: float) -> None:
        if seat.status != "available":
            return
        if seat.activity != "idle":
            seat.leaves = length
            return
        for name in seat.queues:
            self.queues[name].free.remove(seat)
        self._leave(seat, now, length)

    def _leave(self, seat: Seat, now: float, length: float) -> None:
        seat.status = "signed_out"
        seat.present.append((seat.since, now))
        if length < math.inf:
            self._at(now + length, _COMES, seat)
