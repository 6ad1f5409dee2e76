"""Who hears whom on one line: the rule behind bridge, conference, listening and whisper. Legs are names here."""

from collections.abc import Iterator


class Hearing:
    """For each leg the legs that it hears. Each change yields (leg, what it hears now) for every leg that it changed,
    in an order in which nobody hears for a moment what is not meant for them."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[str, ...]] = {}

    def of(self, leg: str) -> tuple[str, ...]:
        """Whom the leg hears."""
        return self._heard.get(leg, ())

    def hear(self, leg: str, others: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The leg hears these and no others; never itself."""
        wanted = tuple(dict.fromkeys(other for other in others if other != leg))
        if wanted != self.of(leg):
            if wanted:
                self._heard[leg] = wanted
            else:
                del self._heard[leg]
            yield leg, wanted

    def bridge(self, leg: str, other: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Both hear only each other; with whom either was bridged before is in silence. One who listens to them, or
        to others too, hears what it heard."""
        for each, partner in ((leg, other), (other, leg)):
            for former in self._bridged(each):
                if former != partner:
                    yield from self.hear(former, ())
        yield from self.hear(leg, (other,))
        yield from self.hear(other, (leg,))

    def part(self, leg: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The leg hears nobody, and with whom it was bridged is in silence. One who listens to it, or hears others
        too, hears what it heard."""
        bridged = self._bridged(leg)
        yield from self.hear(leg, ())
        for other in bridged:
            yield from self.hear(other, ())

    def close(self, leg: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The leg ends: it hears nobody and nobody hears it."""
        yield from self.hear(leg, ())
        for listener in [listener for listener, heard in self._heard.items() if leg in heard]:
            yield from self.hear(listener, tuple(other for other in self.of(listener) if other != leg))

    def _bridged(self, leg: str) -> list[str]:
        """Those whom the leg hears and who hear it alone."""
        return [other for other in self.of(leg) if self.of(other) == (leg,)]
