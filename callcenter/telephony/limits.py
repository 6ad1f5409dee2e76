"""How many calls a line places and takes: a minute, and at once; by phone, source, trunk and class of number. Pure.

A line counts for itself, by its own settings: a forged command finds the same limits as an honest one.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

MINUTE = 60.0
_KEYS = 10_000
"""Phones, sources and trunks that are counted at most; beyond, who has been quiet for a minute is forgotten."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls a minute: `placed` to numbers overall, `trunk` by each trunk, `phone` from each of our phones, `source` from
    each stranger's address, `classes` by class of number. At once: `classes_at_once`, `source_at_once`. 0 = no limit.
    """

    placed: int = 0
    trunk: int = 0
    phone: int = 0
    source: int = 0
    source_at_once: int = 0
    classes: Mapping[str, int] = field(default_factory=dict)
    classes_at_once: Mapping[str, int] = field(default_factory=dict)


class Window:
    """Things that happened within the last `seconds`, by key."""

    def __init__(self, seconds: float = MINUTE) -> None:
        self._seconds = seconds
        self._times: dict[str, deque[float]] = {}

    def full(self, key: str, most: int, now: float) -> bool:
        """Whether `key` has had its `most` already; 0 is never full."""
        if not most:
            return False
        times = self._times.get(key)
        if times is None:
            return False
        self._forget(times, now)
        return len(times) >= most

    def frees_in(self, key: str, now: float) -> int:
        """Whole seconds, at least 1, until the oldest one leaves the window."""
        times = self._times.get(key)
        return max(1, int(self._seconds - (now - times[0])) + 1) if times else 1

    def count(self, key: str, now: float) -> None:
        if len(self._times) >= _KEYS:
            self._times = {
                k: times for k, times in self._times.items() if times and now - times[-1] < self._seconds
            }
        times = self._times.setdefault(key, deque())
        self._forget(times, now)
        times.append(now)

    def _forget(self, times: deque[float], now: float) -> None:
        while times and now - times[0] >= self._seconds:
            times.popleft()


class Traffic:
    """What a line has under way. `now` is a monotonic clock in seconds."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._window = Window()
        self._classes: dict[str, str] = {}
        self._sources: dict[str, str] = {}
        self._now: Counter[str] = Counter()

    def may_place(self, kind: str, trunk: str, now: float) -> bool:
        """Whether one more call to a number of this class may go out by this trunk."""
        limits, full = self.limits, self._window.full
        at_once = limits.classes_at_once.get(kind, 0)
        return not (
            full("placed", limits.placed, now)
            or full(f"trunk:{trunk}", limits.trunk, now)
            or full(f"class:{kind}", limits.classes.get(kind, 0), now)
            or (at_once and self._now[f"class:{kind}"] >= at_once)
        )

    def placed(self, leg: str, kind: str, trunk: str, now: float) -> None:
        """It went out; emergencies are counted, and hold nothing up."""
        for key in ("placed", f"trunk:{trunk}", f"class:{kind}"):
            self._window.count(key, now)
        self._classes[leg] = kind
        self._now[f"class:{kind}"] += 1

    def retry_after(self, phone: str, source: str, now: float) -> int:
        """0 when a call from this phone of ours, or else from this stranger's address, may come in; else the seconds
        after which to try again."""
        key, most = (
            (f"phone:{phone}", self.limits.phone) if phone else (f"source:{source}", self.limits.source)
        )
        if self._window.full(key, most, now):
            return self._window.frees_in(key, now)
        at_once = 0 if phone else self.limits.source_at_once
        return 5 if at_once and self._now[f"source:{source}"] >= at_once else 0

    def arrived(self, leg: str, phone: str, source: str, now: float) -> None:
        """It came in and stands."""
        self._window.count(f"phone:{phone}" if phone else f"source:{source}", now)
        if not phone:
            self._sources[leg] = source
            self._now[f"source:{source}"] += 1

    def ended(self, leg: str) -> None:
        """The leg is gone."""
        for kept, word in ((self._classes, "class"), (self._sources, "source")):
            found = kept.pop(leg, None)
            if found is not None:
                self._now[f"{word}:{found}"] -= 1
                if not self._now[f"{word}:{found}"]:
                    del self._now[f"{word}:{found}"]
