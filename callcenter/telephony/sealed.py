"""What a line keeps in the store about its phones, sealed with a key of its own folder.

Who can write into the store but not read the line's disk cannot have it ring a host of his choice.
"""

import hashlib
import hmac
import os
from pathlib import Path

import orjson

_KEY_BYTES = 32
_TAG = hashlib.sha256().digest_size * 2


class Seal:
    """HMAC-SHA256 (RFC 2104) over the owner and the body. The key file is made at the first start, mode 0600."""

    def __init__(self, path: Path) -> None:
        self._key = _key(path)

    def put(self, owner: str, body: bytes) -> bytes:
        """The body with its tag before it. `owner`: whose it is, so that one cannot be passed off as another's."""
        return self._tag(owner, body) + body

    def take(self, owner: str, sealed: bytes) -> bytes:
        """The body; an empty list of JSON when the tag is not ours."""
        tag, body = sealed[:_TAG], sealed[_TAG:]
        return body if hmac.compare_digest(tag, self._tag(owner, body)) else orjson.dumps([])

    def _tag(self, owner: str, body: bytes) -> bytes:
        return hmac.new(self._key, owner.encode() + b"\0" + body, hashlib.sha256).hexdigest().encode()


def unsealed(sealed: bytes) -> bytes:
    """The body as it stands there, for who only looks; `Seal.take` is for who acts on it."""
    return sealed[_TAG:]


def _key(path: Path) -> bytes:
    """Raises OSError when the folder cannot be written."""
    key = path.read_bytes() if path.exists() else b""
    if len(key) != _KEY_BYTES:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh, key = path.with_suffix(".new"), os.urandom(_KEY_BYTES)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(key)
        fresh.replace(path)
    return key
