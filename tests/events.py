"""Waiting for what a line reports: no sleeps, a generous deadline."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

E = TypeVar("E")
PATIENCE = 20.0
"""Seconds; a test fails after them, it never passes by them."""


class Reported:
    """All events so far; `next` takes the first matching one that was not taken yet."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._taken: set[int] = set()
        self._news = asyncio.Event()

    def __call__(self, event: Any) -> None:
        self.all.append(event)
        self._news.set()

    async def next(self, kind: type[E], **fields: Any) -> E:
        async with asyncio.timeout(PATIENCE):
            while True:
                for number, event in enumerate(self.all):
                    if number not in self._taken and _fits(event, kind, fields):
                        self._taken.add(number)
                        return event  # type: ignore[no-any-return]
                self._news.clear()
                await self._news.wait()

    def of(self, kind: type[E], **fields: Any) -> list[E]:
        return [event for event in self.all if _fits(event, kind, fields)]


async def until(condition: Callable[[], object], what: str = "") -> None:
    """Wait until `condition` holds."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"never came true: {what or condition}") from None


def _fits(event: Any, kind: type, fields: dict[str, Any]) -> bool:
    return isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())
