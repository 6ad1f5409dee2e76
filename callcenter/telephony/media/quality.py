"""What a call sounds like, estimated from loss, jitter and delay: the E-model (ITU-T G.107) with its default values.

Pure. Wideband speech is rated on its own scale (G.107.1), which reaches 129, and brought to the common one.
"""

from dataclasses import dataclass
from math import exp, log10, sqrt

_SLR, _RLR, _STMR, _TELR, _WEPL = 8.0, 2.0, 15.0, 65.0, 110.0
_DS, _DR, _PS, _PR, _NC, _NFOR, _QDU = 3.0, 3.0, 35.0, 35.0, -70.0, -64.0, 1.0
_OLR = _SLR + _RLR

PACKET = 20.0
"""Milliseconds of sound in a packet, which its sender has to wait for."""
_BUFFERED = 2.0
"""Times the jitter that a receiver's buffer holds back."""
_WIDE_SCALE = 1.29


@dataclass(frozen=True, slots=True)
class Codec:
    """Equipment impairment and robustness to loss (G.113, appendix I; wideband: appendix IV)."""

    name: str
    impairment: float
    robustness: float
    wide: bool = False


G711 = Codec("G.711", 0.0, 4.3)
G711_CONCEALED = Codec("G.711 with concealment", 0.0, 25.1)
"""Lost packets are bridged over by the listener's phone, as nearly all do (G.711, appendix I)."""
G722 = Codec("G.722", 13.0, 25.1, wide=True)
"""At 64 kbit/s. Robustness: no value is published, that of concealed G.711 stands in."""


def mos(codec: Codec, loss: float, delay: float) -> float:
    """Mean opinion score, 1.0 to 4.5. `loss`: share 0..1 of packets; `delay`: one way, milliseconds."""
    return mos_of(rating(codec, loss, delay))


def rating(codec: Codec, loss: float, delay: float) -> float:
    """R, on the narrowband scale (93.2 for a perfect line). Losses count as random (BurstR 1)."""
    percent = 100.0 * min(1.0, max(0.0, loss))
    equipment = codec.impairment + (95.0 - codec.impairment) * percent / (percent + codec.robustness)
    if codec.wide:
        return (100.0 * _WIDE_SCALE - equipment - delay_impairment(delay)) / _WIDE_SCALE
    return BASIC - simultaneous_impairment(delay) - delay_impairment(delay) - equipment


def mos_of(rating: float) -> float:
    """G.107, annex B."""
    if rating >= 100.0:
        return 4.5
    return (
        max(1.0, 1.0 + 0.035 * rating + rating * (rating - 60.0) * (100.0 - rating) * 7e-6)
        if rating > 0
        else 1.0
    )


def one_way(rtt: float, jitter: float) -> float:
    """Milliseconds from mouth to ear of this leg: half the round trip, the packet and the receiver's buffer."""
    return rtt / 2.0 + PACKET + _BUFFERED * jitter


def _noise() -> float:
    """No: all noise sources, referred to the 0 dBr point (7.2)."""
    room = _PS - _SLR - _DS - 100.0 + 0.004 * (_PS - _OLR - _DS - 14.0) ** 2
    heard = _PR + 10.0 * log10(1.0 + 10.0 ** ((10.0 - _STMR - _DR) / 10.0))
    receive = _RLR - 121.0 + heard + 0.008 * (heard - 35.0) ** 2
    return 10.0 * log10(sum(10.0 ** (part / 10.0) for part in (_NC, room, receive, _NFOR + _RLR)))


_NO = _noise()
BASIC = 15.0 - 1.5 * (_SLR + _NO)
"""Ro: the signal above the noise (7.2)."""


def simultaneous_impairment(delay: float) -> float:
    """Is: loudness, sidetone and quantizing (7.3)."""
    loud = _OLR + 0.2 * (64.0 + _NO - _RLR)
    loudness: float = 20.0 * ((1.0 + (loud / 8.0) ** 8) ** (1 / 8) - loud / 8.0)
    own: float = -10.0 * log10(10.0 ** (-_STMR / 10.0) + exp(-delay / 4.0) * 10.0 ** (-_TELR / 10.0))
    sidetone: float = (
        12.0 * (1.0 + ((own - 13.0) / 6.0) ** 8) ** (1 / 8)
        - 28.0 * (1.0 + ((own + 1.0) / 19.4) ** 35) ** (1 / 35)
        - 13.0 * (1.0 + ((own - 3.0) / 33.0) ** 13) ** (1 / 13)
        + 29.0
    )
    q = 37.0 - 15.0 * log10(_QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y, z = (BASIC - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0, 46.0 / 30.0 - g / 40.0
    return loudness + sidetone + 15.0 * log10(1.0 + 10.0**y + 10.0**z)


def delay_impairment(delay: float) -> float:
    """Id: the talker's and the listener's echo, and the delay alone (7.4)."""
    late = log10(delay / 100.0) / log10(2.0) if delay > 100.0 else 0.0
    alone: float = 25.0 * ((1.0 + late**6) ** (1 / 6) - 3.0 * (1.0 + (late / 3.0) ** 6) ** (1 / 6) + 2.0)
    echo = (
        _TELR - 40.0 * log10((1.0 + delay / 10.0) / (1.0 + delay / 150.0)) + 6.0 * exp(-0.3 * delay * delay)
    )
    without, with_echo = -1.5 * (_NO - _RLR), 80.0 + 2.5 * (echo - 14.0)
    apart = without - with_echo
    talker = (apart / 2.0 + sqrt(apart * apart / 4.0 + 100.0) - 1.0) * (1.0 - exp(-delay))
    listened: float = 10.5 * (_WEPL + 7.0) * (2.0 * delay + 1.0) ** -0.25
    below = BASIC - listened
    listener = below / 2.0 + sqrt(below * below / 4.0 + 169.0)
    return talker + listener + (alone if late else 0.0)
