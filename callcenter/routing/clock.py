"""When the host's clock is set: every instant on the board moves with it, so that no claim lasts an hour longer and no
caller is sent away an hour too soon. No I/O.

The board keeps UTC instants, so that a standby can take them over, and the conductor counts with the wall clock: it is
right for opening hours and days. What passed is told by the steady clock beside it (`time.monotonic`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from callcenter.routing.board import Agent, Attempt, Board, Call, Left, Line, Party
from callcenter.routing.step import Step

LEAST = 0.5
"""Seconds: a smaller step of the clock is let pass; durations do not become negative by it."""
TOGETHER = 0.05
"""Seconds within which both clocks are read, or they are read again: a process that is stopped between them would take
its own sleep for a step."""
TRIES = 5

INSTANTS: dict[type, tuple[str, ...]] = {
    Call: (
        *("started", "queued", "lined_up", "answered", "since", "until", "wrap_until", "place_told_at", "probed"),
        *("recording_since", "recording_until", "apart_since", "stint", "sent", "message_since", "message_told"),
        *("gone_at", "callback_told"),
    ),
    Party: ("since", "until"),
    Agent: ("since", "status_since", "idle_since", "wrap_until", "hand_at", "desk_missing"),
    Attempt: ("at", "until", "since"),
    Line: ("missing_since",),
    Left: ("queued", "at"),
}  # fmt: skip
"""What is compared with `now`. `Call.counted` and `Agent.wrap_offered` are not: they name a half hour that was told."""
HAPPENED: dict[type, tuple[str, ...]] = {
    Call: ("started", "since", "lined_up"),
    Agent: ("since", "status_since", "idle_since"),
    Attempt: ("at",),
}
"""Instants that cannot lie ahead of now."""


@dataclass(frozen=True, slots=True)
class ClockSet:
    """The wall clock was set by so many seconds, forward or (negative) back."""

    by: float


class Clock:
    """The wall clock, and by how much it was set since it was read last."""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._clocks = wall, steady
        self._now, self._passed = self._both()
        self._owed = 0.0

    def read(self) -> tuple[float, float]:
        """Now, and the seconds that it was set by, 0.0 when it was not."""
        now, passed = self._both()
        by = (now - self._now) - (passed - self._passed)
        self._now, self._passed = now, passed
        by, self._owed = (by if abs(by) >= LEAST else 0.0) + self._owed, 0.0
        return now, by

    def take_over(self, board: Board) -> None:
        """A board that another process wrote: when it is ahead of us, the clock was set back meanwhile (or the other
        host's was ahead); the next `read` says so."""
        self._now, self._passed = self._both()
        by = ahead(board, self._now)
        self._owed = -by if by >= LEAST else 0.0

    def _both(self) -> tuple[float, float]:
        wall, steady = self._clocks
        for _ in range(TRIES):
            before, now, passed = steady(), wall(), steady()
            if passed - before <= TOGETHER:
                break
        return now, passed


def ahead(board: Board, now: float) -> float:
    """Seconds by which the newest thing that happened on the board lies ahead of now; 0.0 when nothing does."""
    newest = max(
        (
            getattr(thing, field)
            for things in (board.calls, board.agents, board.attempts)
            for thing in things.values()
            for field in HAPPENED[type(thing)]
        ),
        default=0.0,
    )
    return max(0.0, newest - now)


def was_set(step: Step, message: ClockSet) -> None:
    """Move all instants by what the clock was set by: as long is left, and has passed, as before."""
    board, by = step.board, message.by
    step.heal("clock", "conductor", f"it was set by {by:+.1f} s")
    board.ticked += by
    for call in board.calls.values():
        _move(call, by)
        call.passed = {agent: at + by for agent, at in call.passed.items()}
        call.places = {queue: at + by for queue, at in call.places.items()}
        for party in call.parties.values():
            _move(party, by)
        step.keep(call)
    for agent in board.agents.values():
        step.agent(agent.name)
        _move(agent, by)
    for attempt in board.attempts.values():
        _move(attempt, by)
        step.keep(attempt)
    for line in board.lines.values():
        _move(line, by)
        step.keep(line)
    for left in board.left.values():
        _move(left, by)
        step.keep(left)
    board.index()
    for name, lineup in board.lineup.items():
        if (queue := step.queue(name)) is not None:
            queue.oldest = lineup.oldest


def _move(thing: Call | Party | Agent | Attempt | Line | Left, by: float) -> None:
    """Zero is never, and stays it."""
    for field in INSTANTS[type(thing)]:
        if at := getattr(thing, field):
            setattr(thing, field, at + by)
