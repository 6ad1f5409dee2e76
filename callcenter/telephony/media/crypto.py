"""What SRTP needs of one leg (RFC 3711), agreed on by SDP security descriptions (RFC 4568)."""

from dataclasses import dataclass

SUITES = ("AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32")
"""Crypto suites that we take, the better one first."""
KEY_BYTES = 30
"""Master key (16) and salt (14) of these suites."""


@dataclass(frozen=True, slots=True)
class Crypto:
    """Both directions use one suite, the answer's. `send`: master key and salt of what we send; `receive`: of what
    the other side sends; `KEY_BYTES` each."""

    suite: str
    send: bytes
    receive: bytes
