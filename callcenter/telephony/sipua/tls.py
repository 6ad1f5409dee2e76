"""TLS for SIP (RFC 3261 section 26.3): our certificate, and whose we believe."""

import contextlib
import logging
import ssl
from pathlib import Path

log = logging.getLogger(__name__)

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


class Tls:
    """Contexts of both sides, at least TLS `minimum` (1.3 or 1.2).

    `certificate` (with its chain) and `key` are PEM files; without them we only call by TLS. `authorities`: PEM file of
    who may sign the certificates of those that we call, by default whom the system trusts. Raises OSError (as
    `ssl.SSLError` too) for files that cannot be read or do not fit.
    """

    def __init__(
        self,
        certificate: Path | None = None,
        key: Path | None = None,
        authorities: Path | None = None,
        minimum: str = "1.3",
    ) -> None:
        self._certificate, self._key = certificate, key
        self._floor = VERSIONS[minimum]
        self.client = ssl.create_default_context(cafile=authorities)
        self.client.minimum_version = self._floor
        self._stamp = self._stat()
        self.server = self._fresh() if certificate is not None else None

    def refresh(self) -> None:
        """Take a certificate that was renewed on disk, for connections to come; one that does not fit is not taken."""
        with contextlib.suppress(FileNotFoundError):
            stamp = self._stat()
            if stamp == self._stamp or self.server is None or self._certificate is None:
                return
            self._stamp = stamp
            try:
                self._fresh()
                self.server.load_cert_chain(self._certificate, self._key)
                log.info("the certificate %s was renewed", self._certificate)
            except OSError as error:
                log.error("the certificate %s cannot be used: %s", self._certificate, error)

    def _fresh(self) -> ssl.SSLContext:
        assert self._certificate is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = self._floor
        context.load_cert_chain(self._certificate, self._key)
        return context

    def _stat(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in (self._certificate, self._key) if path is not None)
