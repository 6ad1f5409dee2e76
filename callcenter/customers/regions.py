"""Where a number was given out, from the tables of `phonenumbers`, in a form that a process can afford.

Its own tables take 200 MB and seconds to load; ours, written once by a child process into the user's cache folder,
take a tenth and milliseconds.
"""

import contextlib
import marshal
import os
import subprocess
import sys
import tempfile
import threading
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import phonenumbers
from babel import Locale

LANGUAGES = ("en", "zh", "zh_Hant")
_CODES = {"en": ("en", "zh"), "zh_Hans": ("zh", "en"), "zh_Hant": ("zh_Hant", "zh", "en")}
_BUILT_WITHIN = 60.0

_loading = threading.Lock()


@dataclass(frozen=True, slots=True)
class Table:
    """`prefixes` sorted; `places[i]` is the index of its names, which has one list a language."""

    prefixes: "array[int]"
    places: "array[int]"
    names: dict[str, list[str]]
    longest: int


def place(digits: str, language: str) -> str:
    """Name of the longest known prefix of an E.164 number without its `+`; empty when none is known."""
    table = _table()
    if table is None:
        return ""
    for length in range(min(table.longest, len(digits)), 1, -1):
        prefix = int(digits[:length])
        at = bisect_left(table.prefixes, prefix)
        if at < len(table.prefixes) and table.prefixes[at] == prefix:
            index = table.places[at]
            for code in _CODES.get(language, ("en",)):
                if name := table.names[code][index]:
                    return name
    return ""


@lru_cache(maxsize=1024)
def country(code: str, language: str) -> str:
    """Name of a country; empty for an empty code."""
    return Locale.parse(language).territories.get(code, "") if code else ""


def prepare() -> bool:
    """Build the table when it is missing and load it; false when it cannot be had (regions are then countries)."""
    return _table() is not None


def _table() -> Table | None:
    with _loading:
        return _load()


@lru_cache(maxsize=1)
def _load() -> Table | None:
    path = _cache_path()
    with contextlib.suppress(OSError, ValueError, EOFError, TypeError, KeyError):
        return _read(path)
    built = subprocess.run(
        [sys.executable, "-m", "callcenter.customers.regions", str(path)],
        timeout=_BUILT_WITHIN,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if built.returncode == 0:
        with contextlib.suppress(OSError, ValueError, EOFError, TypeError, KeyError):
            return _read(path)
    return None


def _read(path: Path) -> Table:
    stored = marshal.loads(path.read_bytes())  # noqa: S302  # our own file in the user's own folder
    prefixes, places = array("Q"), array("I")
    prefixes.frombytes(stored["prefixes"])
    places.frombytes(stored["places"])
    if len(prefixes) != len(places) or set(stored["names"]) != set(LANGUAGES):
        raise ValueError("not a table of regions")
    return Table(prefixes, places, stored["names"], stored["longest"])


def _cache_path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    version = f"{phonenumbers.__version__}-{sys.version_info[0]}.{sys.version_info[1]}"
    return Path(base) / "callcenter" / f"regions-{version}-{sys.byteorder}.bin"


def build(path: Path) -> None:
    """Write the table; run in a process of its own, since it loads everything."""
    from phonenumbers.geodata import GEOCODE_DATA

    seen: dict[tuple[str, ...], int] = {}
    prefixes, places = array("Q"), array("I")
    for prefix in sorted(GEOCODE_DATA, key=int):
        names = tuple(GEOCODE_DATA[prefix].get(language, "") for language in LANGUAGES)
        if any(names):
            prefixes.append(int(prefix))
            places.append(seen.setdefault(names, len(seen)))
    stored = {
        "prefixes": prefixes.tobytes(),
        "places": places.tobytes(),
        "names": {language: [names[i] for names in seen] for i, language in enumerate(LANGUAGES)},
        "longest": max(map(len, GEOCODE_DATA)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(marshal.dumps(stored))
    # Whoever comes second replaces the first one's by the same.
    Path(file.name).replace(path)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
