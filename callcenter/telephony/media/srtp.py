"""SRTP and SRTCP of one leg (RFC 3711) by libsrtp: seals what we send, opens what comes."""

from pylibsrtp import Error, Policy, Session

from callcenter.telephony.media.crypto import KEY_BYTES, SUITES

_PROFILES = dict(
    zip(SUITES, (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, Policy.SRTP_PROFILE_AES128_CM_SHA1_32), strict=True)
)

Keys = tuple[str, bytes]
"""Suite, and master key and salt."""


class Srtp:
    """Both directions. What is forged, damaged, replayed or sealed with other keys opens as nothing."""

    def __init__(self, suite: str, send: bytes, receive: bytes) -> None:
        self._send, self._receive = (suite, send), (suite, receive)
        self._sealing = _session(self._send, Policy.SSRC_ANY_OUTBOUND)
        self._opening = _session(self._receive, Policy.SSRC_ANY_INBOUND)

    def rekeyed(self, suite: str, send: bytes, receive: bytes) -> "Srtp":
        """The same with other keys. A direction whose key stays goes on where it was: to begin again would seal two
        packets by the same key stream, and open what was heard before."""
        after = Srtp(suite, send, receive)
        if after._send == self._send:
            after._sealing = self._sealing
        if after._receive == self._receive:
            after._opening = self._opening
        return after

    def seal(self, packet: bytes) -> bytes:
        """An RTP packet to send; empty for one that cannot be: sent before, or too long."""
        try:
            return self._sealing.protect(packet)
        except (Error, ValueError):
            return b""

    def open(self, packet: bytes) -> bytes:
        """An RTP packet that came, empty when it is not what the other side sent now."""
        try:
            return self._opening.unprotect(packet)
        except (Error, ValueError):
            return b""

    def seal_report(self, report: bytes) -> bytes:
        """The same for RTCP."""
        return self._sealing.protect_rtcp(report)

    def open_report(self, report: bytes) -> bytes:
        """The same for RTCP."""
        try:
            return self._opening.unprotect_rtcp(report)
        except (Error, ValueError):
            return b""


def _session(keys: Keys, ssrc: int) -> Session:
    suite, key = keys
    return Session(Policy(key[:KEY_BYTES], ssrc, srtp_profile=_PROFILES[suite]))
