"""Certificates of an authority that exists for one test only."""

from pathlib import Path

import trustme

from callcenter.telephony.sipua.tls import Tls


class Authority:
    """Issues certificates into `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))

    def issue(self, *names: str, stem: str = "line") -> tuple[Path, Path]:
        """(certificate, key) of these names and addresses; the same `stem` again replaces the files."""
        issued = self._ca.issue_cert(*names)
        certificate, key = self._folder / f"{stem}.pem", self._folder / f"{stem}.key"
        issued.private_key_pem.write_to_path(str(key))
        certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return certificate, key

    def server(self, *names: str, minimum: str = "1.3") -> Tls:
        """Who shows a certificate of these names, and believes this authority."""
        return Tls(*self.issue(*names), self.file, minimum)

    def client(self, minimum: str = "1.3") -> Tls:
        """Who believes this authority alone."""
        return Tls(authorities=self.file, minimum=minimum)
