"""HTTP digest for SIP by MD5 and SHA-256 (RFC 7616, RFC 8760; RFC 3261 section 22): challenges, and answers to others'."""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Mapping

from aiosipua import (
    SipDigestAuth,
    SipRequest,
    SipResponse,
    build_credentials,
    parse_auth,
    stringify_auth,
)

Secrets = Mapping[str, str]
"""H(user:realm:password) by algorithm: MD5, SHA-256. An empty one is none."""
_NONCES = 10_000
"""Nonces whose counts are kept before those that grew stale are forgotten."""


def ha1(user: str, realm: str, password: str) -> str:
    """MD5(user:realm:password), what we keep in place of the password."""
    return _md5(f"{user}:{realm}:{password}")


def ha1_sha256(user: str, realm: str, password: str) -> str:
    """SHA-256(user:realm:password), the same for phones that know better than MD5."""
    return _sha256(f"{user}:{realm}:{password}")


class Challenger:
    """Gives nonces and checks answers. A nonce carries its time and our seal, so none has to be remembered.

    `life`: seconds after which a nonce is stale; it bounds replay where a peer does not count its uses.
    """

    def __init__(self, life: float = 300.0) -> None:
        self._key = secrets.token_bytes(16)
        self._life = life
        self._counts: dict[str, int] = {}

    def challenges(self, realm: str, known: Secrets, stale: bool = False) -> list[str]:
        """Values of WWW-Authenticate or Proxy-Authenticate: one for each algorithm, the better one first (RFC 8760
        section 2.3); who knows no secret of ours is asked as everybody was of old."""
        nonce = self._nonce(time.time())
        tail = ", stale=true" if stale else ""
        return [
            f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm={algorithm}{tail}'
            for algorithm in ("SHA-256", "MD5")
            if known.get(algorithm) or algorithm == "MD5"
        ]

    def check(self, request: SipRequest, header: str, realm: str, user: str, known: Secrets) -> str:
        """`ok`; `stale` for a right answer to an old nonce; `none` without an answer; `wrong`."""
        given = self._credentials(request, header, realm)
        if given is None:
            return "none"
        algorithm = given.get("algorithm", "MD5").upper()
        secret = known.get(algorithm, "")
        if given.get("username") != user or not secret:
            return "wrong"
        expected = self._expected(request.method, given, secret, _HASHES[algorithm])
        if not _same(expected, given.get("response", "").lower()):
            return "wrong"
        return "ok" if self._fresh(given) and self._counted(given) else "stale"

    def _credentials(self, request: SipRequest, header: str, realm: str) -> dict[str, str] | None:
        for value in request.headers.get(header):
            given = parse_auth(value, credentials=True)
            if given.scheme.lower() == "digest" and given.params.get("realm") == realm:
                return {key.lower(): text for key, text in given.params.items()}
        return None

    def _expected(self, method: str, given: dict[str, str], secret: str, digest: Callable[[str], str]) -> str:
        a2 = digest(f"{method}:{given.get('uri', '')}")
        nonce = given.get("nonce", "")
        if given.get("qop"):
            return digest(
                f"{secret}:{nonce}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given['qop']}:{a2}"
            )
        return digest(f"{secret}:{nonce}:{a2}")

    def _fresh(self, given: dict[str, str]) -> bool:
        nonce = given.get("nonce", "")
        made, _, seal = nonce.partition("-")
        return _same(seal, self._seal(made)) and self._young(nonce)

    def _counted(self, given: dict[str, str]) -> bool:
        """A nonce count that was seen before is a replay (RFC 7616 section 3.4); without qop nothing is counted."""
        if not given.get("qop"):
            return True
        nonce = given["nonce"]
        count = int(given["nc"], 16) if re.fullmatch("[0-9a-fA-F]{8}", given.get("nc", "")) else 0
        if count <= self._counts.get(nonce, 0):
            return False
        if len(self._counts) >= _NONCES:
            self._counts = {kept: at for kept, at in self._counts.items() if self._young(kept)}
        self._counts[nonce] = count
        return True

    def _young(self, nonce: str) -> bool:
        return time.time() - int(nonce.partition(".")[0], 16) / 1000 <= self._life

    def _nonce(self, now: float) -> str:
        made = f"{int(now * 1000):x}.{secrets.token_hex(4)}"
        return f"{made}-{self._seal(made)}"

    def _seal(self, made: str) -> str:
        return hmac.new(self._key, made.encode(), hashlib.sha256).hexdigest()[:24]


def answer(
    request: SipRequest, response: SipResponse, username: str, password: str
) -> tuple[str, str] | None:
    """(header, value) that answers a 401 or 407; None when the challenge is not one that we can answer."""
    asked, header = (
        ("www-authenticate", "Authorization")
        if response.status_code == 401
        else ("proxy-authenticate", "Proxy-Authorization")
    )
    for challenge in response.headers.get(asked):
        found = build_credentials(
            SipDigestAuth(username, password), parse_auth(challenge), request.method, request.uri
        )
        if found is not None:
            return header, stringify_auth(found)
    return None


def was_stale(response: SipResponse) -> bool:
    """Whether the challenge says that only the nonce was too old."""
    values = (*response.headers.get("www-authenticate"), *response.headers.get("proxy-authenticate"))
    return any(parse_auth(value).params.get("stale", "").lower() == "true" for value in values)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


_HASHES = {"MD5": _md5, "SHA-256": _sha256}


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
