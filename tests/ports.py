"""Ports for programs that must be told one before they start.

They lie below those that the system gives to whoever asks for any (32768 and up on Linux): no socket of a test takes
one in the time between its choice and the program's own bind. None is given twice in one run until all were.
"""

import itertools
import random
import socket

_SINGLE = range(7_000, 10_000)
"""None that a browser refuses to visit."""
_RANGES = range(10_000, 20_000)
_BLOCK = 400
"""The widest range; two that are given one after the other never overlap."""

_any = random.SystemRandom()
_singles = itertools.cycle(_any.sample(_SINGLE, len(_SINGLE)))
_blocks = itertools.cycle(_any.sample(_RANGES[::_BLOCK], len(_RANGES) // _BLOCK))


def free_port() -> int:
    """A loopback port that nobody holds now, neither by UDP nor by TCP."""
    for port in itertools.islice(_singles, len(_SINGLE)):
        if _is_free(port, socket.SOCK_DGRAM) and _is_free(port, socket.SOCK_STREAM):
            return port
    raise AssertionError("no free port")


def free_range(width: int) -> tuple[int, int]:
    """First (an even one) and last of `width` UDP ports in a row that nobody holds now; at most 400."""
    assert width <= _BLOCK
    for first in itertools.islice(_blocks, len(_RANGES) // _BLOCK):
        if all(_is_free(port, socket.SOCK_DGRAM) for port in range(first, first + width)):
            return first, first + width - 1
    raise AssertionError("no free range")


def _is_free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
