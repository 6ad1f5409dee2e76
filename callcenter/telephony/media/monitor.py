"""The line's side of the figures: how every leg sounds now, a second old at most."""

from collections.abc import Iterable
from dataclasses import dataclass

from callcenter.telephony.media import quality
from callcenter.telephony.media.g711 import PCMA, PCMU
from callcenter.telephony.media.reception import Figures

G722 = 9
_NAMES = {PCMU: "PCMU", PCMA: "PCMA", G722: "G722"}
_NOTHING: Figures = (0, 0, 0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Quality:
    """One leg. `lost` of `expected` packets never reached us, `late` ones came behind their successors; `jitter` and
    `rtt` in milliseconds; `far_lost`: share of ours that the other side lost, by its reports."""

    codec: str
    secure: bool
    expected: int
    lost: int
    late: int
    jitter: float
    rtt: float
    far_lost: float

    @property
    def mos(self) -> float:
        """Of what reached us (`quality.mos`), 0 when nothing did."""
        if not self.expected:
            return 0.0
        codec = quality.G722 if self.codec == _NAMES[G722] else quality.G711_CONCEALED
        return quality.mos(codec, self.lost / self.expected, quality.one_way(self.rtt, self.jitter))


class Monitor:
    """What the audio process told of each connected leg."""

    def __init__(self) -> None:
        self._codecs: dict[str, tuple[str, bool]] = {}
        self._figures: dict[str, Figures] = {}

    def connected(self, leg: str, payload: int, secure: bool) -> None:
        """What was negotiated."""
        self._codecs[leg] = (_NAMES.get(payload, str(payload)), secure)

    def take(self, news: Iterable[tuple[str, Figures]]) -> None:
        """From the audio process."""
        self._figures.update((leg, figures) for leg, figures in news if leg in self._codecs)

    def quality(self, leg: str) -> Quality | None:
        """None when it never had media."""
        codec = self._codecs.get(leg)
        return _quality(codec, self._figures.get(leg, _NOTHING)) if codec is not None else None

    def all(self) -> dict[str, Quality]:
        """Every leg that has media."""
        return {leg: _quality(codec, self._figures.get(leg, _NOTHING)) for leg, codec in self._codecs.items()}

    def forget(self, leg: str) -> None:
        """It is over."""
        self._codecs.pop(leg, None)
        self._figures.pop(leg, None)


def _quality(codec: tuple[str, bool], figures: Figures) -> Quality:
    expected, lost, late, jitter, rtt, far_lost = figures
    return Quality(*codec, expected, lost, late, jitter, rtt, far_lost)
