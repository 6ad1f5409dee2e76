"""SDP security descriptions (RFC 4568): the `a=crypto` lines by which two sides tell each other their SRTP keys. Pure."""

import base64
import binascii
import re
from dataclasses import dataclass

from callcenter.telephony.media.crypto import KEY_BYTES, SUITES

_LINE = re.compile(r"(\d{1,9})\s+(\S+)\s+(\S+)((?:\s+\S+)*)\s*")
_SHORTEST_LIFE = 2**20
"""Packets. A key that wears out sooner (5.8 hours at 50 a second) would ask for a new one in mid-call."""


@dataclass(frozen=True, slots=True)
class Keying:
    """One usable crypto line. `key`: master key and salt of what its writer sends, `KEY_BYTES` of them."""

    tag: int
    suite: str
    key: bytes

    def __str__(self) -> str:
        return f"{self.tag} {self.suite} inline:{base64.b64encode(self.key).decode()}"


def read(values: list[str]) -> tuple[Keying, ...]:
    """The lines that we can do, in their order; a line that asks for more is as if it were not there (section 5.1.2)."""
    return tuple(keying for value in values if (keying := _keying(value)) is not None)


def _keying(value: str) -> Keying | None:
    found = _LINE.fullmatch(value.strip())
    if found is None or found[2] not in SUITES or not all(map(_harmless, found[4].split())):
        return None
    key = _key(found[3])
    return Keying(int(found[1]), found[2], key) if key is not None else None


def _key(parameter: str) -> bytes | None:
    """One inline key. Several of them, or an MKI, need packets that carry it (section 6.1): not ours."""
    method, _, info = parameter.partition(":")
    encoded, *rest = info.split("|")
    if method.lower() != "inline" or len(rest) > 1 or ";" in parameter:
        return None
    if rest and not _lives_long(rest[0]):
        return None
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _lives_long(lifetime: str) -> bool:
    """`2^31` or a plain number of packets; an MKI (`1:4`) is neither."""
    power = re.fullmatch(r"2\^(\d{1,2})", lifetime)
    if power:
        return 1 << int(power[1]) >= _SHORTEST_LIFE
    return re.fullmatch(r"\d{1,15}", lifetime) is not None and int(lifetime) >= _SHORTEST_LIFE


def _harmless(parameter: str) -> bool:
    """A session parameter that we may ignore: the window's size is a hint, one with `-` optional (section 6.3)."""
    return parameter.upper().startswith("WSH=") or parameter.startswith("-")
