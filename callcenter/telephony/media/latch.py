"""Whose packets are a leg's: symmetric RTP (RFC 4961) that learns the true source, then lets no other in."""

Address = tuple[str, int]

PROOF = 5
"""Packets after which a source that was not announced is taken for the party's (it is behind a NAT)."""
DOUBT = 3.0
"""Seconds from its first packet in which such a source still gives way to the announced one."""
_SUSPECTS = 16


class Latch:
    """The announced address is believed at its first packet. Until then the first other source is heard, and the
    first to send `PROOF` packets stays, but for `DOUBT` seconds the announced one still takes its place: who forges
    packets when the address is new keeps the party out no longer than until it speaks. Once `locked` nobody else is
    heard until the SDP names a new address."""

    def __init__(self, announced: Address | None) -> None:
        self.announced = announced
        self.source: Address | None = None
        self.locked = False
        self._counts: dict[Address, int] = {}
        self._since = 0.0
        self._proven = False

    def accept(self, source: Address, now: float) -> bool:
        """Whether a well-formed packet from there, at `now` (seconds of `time.monotonic`), is the leg's."""
        if self.locked:
            return source == self.source
        if source == self.announced:
            self._lock(source)
            return True
        if self._proven:
            if source == self.source and now - self._since >= DOUBT:
                self._lock(source)
            return source == self.source
        count = self._counts.get(source, 0) + 1
        if count == 1 and len(self._counts) >= _SUSPECTS:
            return False
        self._counts[source] = count
        if self.source is None:
            self.source, self._since = source, now
        if count >= PROOF:
            self.source, self._proven = source, True
        return source == self.source

    @property
    def destination(self) -> Address | None:
        """Where to send now."""
        return self.source or self.announced

    def _lock(self, source: Address) -> None:
        self.source, self.locked = source, True
        self._counts.clear()
