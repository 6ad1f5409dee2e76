"""Who was considered for a call and why it was not he, as an event carries it: some with all that is
known, all of them counted and, packed, by name. Pure."""

import base64
import zlib
from collections.abc import Iterable, Mapping, Sequence

Found = Sequence[tuple[str, str]]
"""(name, reason) in order; reasons as in `events.RoutingDecided`."""
MOST = 2000
"""Agents of one kind that are packed at most: an event of so many has about 6 kB."""


def by_kind(found: Found) -> dict[str, list[str]]:
    """Names in order by kind of reason: without what differs from agent to agent, when he may be asked again."""
    kinds: dict[str, list[str]] = {}
    for name, reason in found:
        names = kinds.get(reason)
        if names is None:
            names = kinds.setdefault("turned_down" if reason.startswith("turned_down:") else reason, [])
        names.append(name)
    return kinds


def counts(kinds: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """How many agents for each kind of reason, as `REASON NUMBER`; the chosen one is none."""
    return tuple(f"{reason} {len(names)}" for reason, names in kinds.items() if reason)


def pack(kinds: Mapping[str, Sequence[str]]) -> str:
    """Lines `REASON NAME NAME ...`, deflated (RFC 1951 in the frame of RFC 1950), base64."""
    text = "\n".join(" ".join((reason, *names[:MOST])) for reason, names in kinds.items())
    return base64.b64encode(zlib.compress(text.encode(), 1)).decode() if text else ""


def unpack(packed: str) -> list[tuple[str, list[str]]]:
    """(kind of reason, names in order) of what `pack` wrote."""
    if not packed:
        return []
    text = zlib.decompress(base64.b64decode(packed)).decode()
    return [_line(line.split(" ")) for line in text.split("\n")]


def counted(told: Iterable[str]) -> list[tuple[str, int]]:
    """(kind of reason, number) of what `counts` wrote."""
    return [(reason, int(number)) for reason, _, number in (one.rpartition(" ") for one in told)]


def _line(words: list[str]) -> tuple[str, list[str]]:
    return words[0], words[1:]
