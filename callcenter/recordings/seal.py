"""Encryption at rest: AES-256-GCM in chunks, so that a player may begin anywhere and nothing can be cut or swapped.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): a key of its own for each file by HKDF-SHA256
(RFC 5869) from the installation's key and a random salt; the nonce of a chunk is its number and whether it is the
last. The recording's id is bound to it, so that one file cannot stand for another.

A sealed file: `CCR1`, key id (8 bytes), salt (16), then chunks of 65,536 bytes, each followed by its tag of 16.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from callcenter.errors import DomainError

MAGIC = b"CCR1"
CHUNK = 65_536
TAG = 16
SALT = 16
HEADER = len(MAGIC) + 8 + SALT
KEY_FILE = "recording.key"


class SealBroken(DomainError):
    """The recording was changed or cut, or belongs to another key."""

    status = 409


class KeyUnknown(DomainError):
    """The key of this recording is not among those of this installation."""

    status = 409


@dataclass(frozen=True, slots=True)
class Keys:
    """`current` is the id of the key that seals; every key of `known` (id in hex -> 32 bytes) opens."""

    current: str
    known: Mapping[str, bytes]


def load(data_dir: Path, given: str = "") -> Keys:
    """The keys of the installation: `given` (CALLCENTER_RECORDING_KEY), else the file `recording.key`, which is made
    with a new key, readable by its owner alone, when there is none.

    Keys are base64 of 32 bytes, parted by spaces or lines; the first one seals. ValueError for anything else.
    """
    if given:
        return parse(given)
    path = data_dir / KEY_FILE
    if not path.exists():
        _make(path)
    return parse(path.read_text("ascii"))


def parse(text: str) -> Keys:
    """See `load`."""
    known = {}
    for word in text.split():
        try:
            key = base64.b64decode(word, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise ValueError("a recording key is base64 of 32 bytes: openssl rand -base64 32")
        known[key_id(key)] = key
    if not known:
        raise ValueError("there is no recording key")
    return Keys(next(iter(known)), known)


def key_id(key: bytes) -> str:
    """A name for a key that tells nothing of it: 16 hex digits."""
    return hashlib.sha256(b"callcenter recording key" + key).hexdigest()[:16]


def seal(source: BinaryIO, target: BinaryIO, keys: Keys, name: str) -> int:
    """Write the sealed form of `source`; its bytes. `name`: what it belongs to."""
    salt = secrets.token_bytes(SALT)
    header = MAGIC + bytes.fromhex(keys.current) + salt
    cipher = _cipher(keys.known[keys.current], salt, name)
    target.write(header)
    written, number, chunk = HEADER, 0, source.read(CHUNK)
    while True:
        following = source.read(CHUNK)
        sealed = cipher.encrypt(_nonce(number, not following), chunk, header)
        target.write(sealed)
        written += len(sealed)
        if not following:
            return written
        chunk, number = following, number + 1


def length(sealed: int) -> int:
    """Bytes of audio in a sealed file of so many bytes. SealBroken when no such file can be."""
    body = sealed - HEADER
    chunks = -(-body // (CHUNK + TAG))
    if body < TAG or body - chunks * TAG < 0:
        raise SealBroken
    return body - chunks * TAG


class Sealed:
    """An open sealed file, to be read anywhere. Raises KeyUnknown, SealBroken."""

    def __init__(self, source: BinaryIO, keys: Keys, name: str) -> None:
        self._source = source
        source.seek(0, os.SEEK_END)
        self.size = length(source.tell())
        self._last = max(0, -(-self.size // CHUNK) - 1)
        source.seek(0)
        self._header = source.read(HEADER)
        if self._header[: len(MAGIC)] != MAGIC:
            raise SealBroken
        key = keys.known.get(self._header[len(MAGIC) : len(MAGIC) + 8].hex())
        if key is None:
            raise KeyUnknown
        self._cipher = _cipher(key, self._header[-SALT:], name)

    def read(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from `begin` up to, not including, `end`, in pieces of at most CHUNK."""
        for number in range(begin // CHUNK, -(-end // CHUNK)):
            chunk = self._chunk(number)
            at = number * CHUNK
            yield chunk[max(0, begin - at) : end - at]

    def whole(self) -> Iterator[bytes]:
        """All of it; a cut or lengthened file raises at its last chunk."""
        return self.read(0, self.size)

    def _chunk(self, number: int) -> bytes:
        self._source.seek(HEADER + number * (CHUNK + TAG))
        sealed = self._source.read(CHUNK + TAG)
        try:
            return self._cipher.decrypt(_nonce(number, number == self._last), sealed, self._header)
        except (InvalidTag, ValueError):
            raise SealBroken from None


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, b"callcenter recording " + name.encode()).derive(key))


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])


def _make(path: Path) -> None:
    """Whole or not at all: several processes start at once, and all must find the same key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink(missing_ok=True)
