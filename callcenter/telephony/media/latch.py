"""Whose packets are a leg's: symmetric RTP (RFC 4961) that learns the true source, then lets no other in."""

Address = tuple[str, int]

PROOF = 5
"""Packets after which a source that was not announced is taken for the party's (it is behind a NAT)."""
_SUSPECTS = 16


class Latch:
    """The announced address is believed at its first packet; until then the first other source is heard, and the
    first to send `PROOF` packets wins. Once `locked` nobody else is heard until the SDP names a new address."""

    def __init__(self, announced: Address | None) -> None:
        self.announced = announced
        self.source: Address | None = None
        self.locked = False
        self._counts: dict[Address, int] = {}

    def accept(self, source: Address) -> bool:
        """Whether a well-formed packet from there is the leg's."""
        if self.locked:
            return source == self.source
        if source == self.announced:
            self._lock(source)
            return True
        count = self._counts.get(source, 0) + 1
        if count == 1 and len(self._counts) >= _SUSPECTS:
            return False
        self._counts[source] = count
        if self.source is None:
            self.source = source
        if count >= PROOF:
            self._lock(source)
        return source == self.source

    @property
    def destination(self) -> Address | None:
        """Where to send now."""
        return self.source or self.announced

    def _lock(self, source: Address) -> None:
        self.source, self.locked = source, True
        self._counts.clear()
