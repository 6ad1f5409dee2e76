"""What sums mean: the guide's metric definitions, version 1. Pure; times in whole milliseconds, ratios from 0 to 1."""

from collections.abc import Mapping
from dataclasses import dataclass, field

VERSION = 1

LEVELS = ("ended", "answered", "offered")
"""What the service level divides by: answered + abandoned; answered only; all that was offered."""

OFFERS = ("answered", "missed", "rejected", "device_error", "caller_gone", "withdrawn")
"""How an offer to an agent ends; one that still rings has no outcome."""


@dataclass(slots=True)
class Sums:
    """Counts and milliseconds of one row of a report.

    `waiting`: offered and without an outcome yet. `within`: answered within the queue's T; `waited_ms`: of the answered.
    `offers` to agents: the sum of the `offers_*` and of what rings now. `handled`: conversations, a call once for each
    agent who had the customer. Time is counted where the call was offered; `available_ms`, `break_ms`, `paused_ms` and
    `not_ready_ms` where they passed; `breaks`: reason -> milliseconds of `break_ms`. `untimed_ms`: handling of imported
    calls, of which the time between is not known.
    """

    offered: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandon: int = 0
    deflected: int = 0
    overflowed: int = 0
    message_left: int = 0
    callback_taken: int = 0
    lost_by_us: int = 0
    waiting: int = 0
    within: int = 0
    waited_ms: int = 0
    offers: int = 0
    offers_answered: int = 0
    offers_missed: int = 0
    offers_rejected: int = 0
    offers_device_error: int = 0
    offers_caller_gone: int = 0
    offers_withdrawn: int = 0
    offers_ringing: int = 0
    handled: int = 0
    transfers: int = 0
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0
    untimed_ms: int = 0
    available_ms: int = 0
    break_ms: int = 0
    paused_ms: int = 0
    not_ready_ms: int = 0
    breaks: dict[str, int] = field(default_factory=dict)

    def add(self, breaks: Mapping[str, int] | None = None, **more: int) -> None:
        """Add to the named sums."""
        for name, number in more.items():
            setattr(self, name, getattr(self, name) + number)
        for reason, number in (breaks or {}).items():
            self.breaks[reason] = self.breaks.get(reason, 0) + number

    def add_all(self, other: "Sums") -> None:
        """Add another row to this one."""
        self.add(**{name: getattr(other, name) for name in Sums.__slots__})

    @property
    def handling_ms(self) -> int:
        """Talk, hold and wrap-up."""
        return self.talk_ms + self.hold_ms + self.wrap_up_ms

    def level(self, by: str = "ended") -> float | None:
        """The service level; `by` of LEVELS. None where nothing is to be divided by."""
        ended = self.answered + self.abandoned
        return ratio(self.within, {"ended": ended, "answered": self.answered, "offered": self.offered}[by])

    @property
    def asa(self) -> float | None:
        """Mean wait of answered calls, seconds."""
        return ratio(self.waited_ms / 1000, self.answered)

    @property
    def aht(self) -> float | None:
        """Talk, hold and wrap-up of a conversation, seconds."""
        return ratio(self.handling_ms / 1000, self.handled)

    @property
    def acw(self) -> float | None:
        """Wrap-up of a conversation, seconds."""
        return ratio(self.wrap_up_ms / 1000, self.handled)

    @property
    def abandon_rate(self) -> float | None:
        """Abandoned, without the short ones, of all that was offered."""
        return ratio(self.abandoned, self.offered)

    @property
    def transfer_rate(self) -> float | None:
        """Conversations that were given away."""
        return ratio(self.transfers, self.handled)

    @property
    def occupancy(self) -> float | None:
        """Handling time / (handling + available time); None where no agent's time is known."""
        handling = self.handling_ms - self.untimed_ms
        return ratio(handling, handling + self.available_ms)


def ratio(above: float, below: float) -> float | None:
    """None where nothing is to be divided by."""
    return above / below if below else None
