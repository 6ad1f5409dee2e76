"""Who is not heard at all: scanners, floods and guessers, dropped by their address before anything is parsed.

Trunks, registered phones and trusted addresses are never banned; what they send beyond ten times a stranger's rate is
dropped all the same. `now` is seconds since 1970.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from callcenter.telephony.line import Ban

_SCANNERS = re.compile(
    rb"\n(?:User-Agent|Server)[ \t]*:[^\r\n]*"
    rb"(?:friendly-scanner|friendly-request|sipvicious|sipcli|sip-scan|sipsak|sundayddr|pplsip|vaxsipuseragent|sivus"
    rb"|smap|iwar|csipsimple-scan|gulp|sipv\b)",
    re.IGNORECASE,
)
_LOOK = 2048
"""Bytes of a message in which a scanner's name is looked for."""
_STRIKES = 20
"""Unknown numbers, malformed messages or wrong secrets within a minute that end in a ban."""
_MINUTE = 60.0
_KNOWN = 10
_KEPT = 20_000
"""Addresses that are counted at most; beyond, those that were quiet are forgotten."""

Report = Callable[[Ban | str], None]
"""Told of each new ban, and by its address of each that is over."""


@dataclass(frozen=True, slots=True)
class Rules:
    """`rate`: messages a second that a stranger may send; 0 bans nobody for it. `ban`: seconds that a ban lasts."""

    rate: int = 100
    ban: float = 3600.0
    trusted: frozenset[str] = frozenset({"127.0.0.1", "::1"})


class Guard:
    """Asked for each message. `known`: whether an address belongs to a trunk or to a registered phone."""

    def __init__(self, rules: Rules, known: Callable[[str], bool], report: Report) -> None:
        self.dropped = 0
        self._rules = rules
        self._known = known
        self._report = report
        self._bans: dict[str, Ban] = {}
        self._second = 0
        self._counts: dict[str, int] = {}
        self._strikes: dict[tuple[str, str], list[float]] = {}

    def admits(self, data: bytes, host: str, now: float) -> bool:
        """Whether a message from this address is to be read. Costs a look-up for whom is banned."""
        ban = self._bans.get(host)
        if ban is not None:
            if now < ban.until:
                self.dropped += 1
                return False
            self.lift(host)
        if host in self._rules.trusted:
            return True
        if not self._within_rate(host, now):
            self.dropped += 1
            return False
        if _SCANNERS.search(data, 0, _LOOK) and self.ban(host, "scanner", now):
            self.dropped += 1
            return False
        return True

    def strike(self, host: str, why: str, now: float) -> None:
        """Something that honest callers seldom do: `why` is scanner (unknown numbers, malformed) or guessing."""
        if host in self._rules.trusted:
            return
        if len(self._strikes) >= _KEPT:
            self._strikes = {key: at for key, at in self._strikes.items() if now - at[-1] < _MINUTE}
        times = self._strikes.setdefault((host, why), [])
        times.append(now)
        del times[:-_STRIKES]
        if len(times) == _STRIKES and now - times[0] < _MINUTE and self.ban(host, why, now):
            del self._strikes[host, why]

    def ban(self, host: str, why: str, now: float) -> bool:
        """Hear nothing from there for a while; False for whom we know or trust."""
        if host in self._rules.trusted or self._known(host):
            return False
        ban = self._bans[host] = Ban(host, why, now + self._rules.ban)
        self._report(ban)
        return True

    def keep(self, bans: list[Ban], now: float) -> None:
        """Bans that an earlier process set."""
        for ban in bans:
            if now < ban.until:
                self._bans[ban.source] = ban
            else:
                self._report(ban.source)

    def lift(self, host: str) -> None:
        """The ban is over."""
        if self._bans.pop(host, None) is not None:
            self._report(host)

    @property
    def bans(self) -> int:
        return len(self._bans)

    def _within_rate(self, host: str, now: float) -> bool:
        if int(now) != self._second:
            self._second = int(now)
            self._counts.clear()
        count = self._counts[host] = self._counts.get(host, 0) + 1
        rate = self._rules.rate
        if not rate or count <= rate:
            return True
        if self._known(host):
            return count <= rate * _KNOWN
        return not self.ban(host, "flood", now)
