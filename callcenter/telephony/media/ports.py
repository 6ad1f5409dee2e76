"""Pairs of UDP ports: an even one for RTP and the next for RTCP (RFC 3550, 11)."""

import errno
import socket

_TAKEN = {errno.EADDRINUSE, errno.EACCES}


class NoPorts(Exception):
    """No pair of ports in the range is free, or no audio process serves them."""


class Ports:
    """Goes round the range, so that a port rests before it serves another call; one held by another is skipped."""

    def __init__(self, host: str, first: int, last: int) -> None:
        self._host = host
        self._first = first + first % 2
        self._pairs = max(0, (last - self._first + 1) // 2)
        self._next = 0

    def bind(self, host: str = "") -> tuple[int, socket.socket, socket.socket]:
        """(RTP port, RTP socket, RTCP socket), both bound to `host`, the usual one if empty; raises NoPorts."""
        host = host or self._host
        for _ in range(self._pairs):
            port = self._first + 2 * self._next
            self._next = (self._next + 1) % self._pairs
            try:
                rtp = _bind(host, port)
                try:
                    return port, rtp, _bind(host, port + 1)
                except OSError:
                    rtp.close()
                    raise
            except OSError as error:
                if error.errno not in _TAKEN:
                    raise NoPorts(str(error)) from error
        raise NoPorts(f"no free pair in {self._first}-{self._first + 2 * self._pairs - 1}")


def _bind(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock
