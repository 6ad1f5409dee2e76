"""`python -m callcenter.bench NAME [HOW MANY]`."""

import importlib
import sys
from pathlib import Path

import orjson

from callcenter import settings


def main() -> int:
    """Run the named benchmark and print its figures."""
    names = sorted(
        file.stem
        for file in Path(__file__).parent.glob("[a-z]*.py")
        if "def main(settings" in file.read_text()
    )
    if len(sys.argv) < 2 or sys.argv[1] not in names or not all(each.isdecimal() for each in sys.argv[2:]):
        sys.stderr.write(f"bench: one of {', '.join(names)}\n")
        return 2
    benchmark = importlib.import_module(f"callcenter.bench.{sys.argv[1]}")
    figures = benchmark.main(settings.load(), *map(int, sys.argv[2:]))
    sys.stdout.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
