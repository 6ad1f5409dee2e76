"""Byte ranges of HTTP (RFC 9110, section 14): what a player asks for when it seeks."""

import re

from callcenter.errors import DomainError


class RangeNotSatisfiable(DomainError):
    """The recording ends before that."""

    status = 416


def asked(header: str, size: int) -> tuple[int, int] | None:
    """Begin and end (exclusive) of the one range that is asked for; None for the whole: without a header, for several
    ranges, and for what is no range, all of which a server may ignore. Raises RangeNotSatisfiable.
    """
    found = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.strip())
    if not found or not (found[1] or found[2]):
        return None
    if not found[1]:
        begin, end = max(0, size - int(found[2])), size
    else:
        begin, end = int(found[1]), min(int(found[2]) + 1 if found[2] else size, size)
        if found[2] and int(found[2]) < begin:
            return None
    if begin >= size or begin >= end:
        raise RangeNotSatisfiable
    return begin, end
