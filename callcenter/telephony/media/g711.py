"""G.711 companding (ITU-T G.711) as 256-byte tables; no numpy, the audio process loads this."""

PCMU = 0
"""Static RTP payload type of mu-law (RFC 3551)."""
PCMA = 8
"""Static RTP payload type of A-law (RFC 3551)."""

FRAME = 160
"""Samples, and bytes, in 20 ms at 8 kHz."""


def _from_ulaw(code: int) -> int:
    """16-bit linear value of one mu-law code."""
    code = ~code & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _from_alaw(code: int) -> int:
    """16-bit linear value of one A-law code."""
    code ^= 0x55
    exponent, mantissa = (code >> 4) & 7, code & 0x0F
    magnitude = ((mantissa << 4) + 0x108) << (exponent - 1) if exponent else (mantissa << 4) + 8
    return magnitude if code & 0x80 else -magnitude


def _nearest(source: tuple[int, ...], into: tuple[int, ...], sign: int) -> bytes:
    """For each code of one law the code of the other with the nearest value; `sign` is the bit that a tie keeps."""

    def best(code: int) -> int:
        return min(
            range(256), key=lambda other: (abs(into[other] - source[code]), (other ^ code) & sign, -other)
        )

    return bytes(best(code) for code in range(256))


ULAW_VALUES = tuple(_from_ulaw(code) for code in range(256))
ALAW_VALUES = tuple(_from_alaw(code) for code in range(256))

ULAW_TO_ALAW = _nearest(ULAW_VALUES, ALAW_VALUES, 0x80)
# A-law has no zero: its smallest step either way becomes mu-law's zero, so that silence stays silence.
ALAW_TO_ULAW = _nearest(ALAW_VALUES, (*ULAW_VALUES[:0x7F], -8, *ULAW_VALUES[0x80:0xFF], 8), 0x80)

SILENCE = {PCMU: b"\xff", PCMA: b"\xd5"}
"""The code of zero, by payload type."""

SILENT_FRAME = {payload: code * FRAME for payload, code in SILENCE.items()}


def conversion(source: int, into: int, muted: bool = False) -> bytes | None:
    """Table for `bytes.translate` from one payload type to another; None when nothing changes.

    A muted source becomes silence of the same length, so that the receiver's clock and watchdog run on.
    """
    if muted:
        return SILENCE[into] * 256
    if source == into:
        return None
    return ULAW_TO_ALAW if source == PCMU else ALAW_TO_ULAW
