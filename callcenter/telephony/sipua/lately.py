"""What was seen within the last seconds, forgotten as it gets old, at the same small cost however much there is."""

import time
from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")


class Lately(Generic[K]):
    """`window`: seconds."""

    def __init__(self, window: float) -> None:
        self._window = window
        self._seen: OrderedDict[K, float] = OrderedDict()

    def add(self, key: K) -> None:
        """Seen now."""
        now = time.monotonic()
        while self._seen and now - next(iter(self._seen.values())) >= self._window:
            self._seen.popitem(last=False)
        self._seen.pop(key, None)
        self._seen[key] = now

    def seen(self, key: K) -> bool:
        """Whether it was seen within the window."""
        at = self._seen.get(key)
        return at is not None and time.monotonic() - at < self._window
