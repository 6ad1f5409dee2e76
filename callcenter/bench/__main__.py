"""`python -m callcenter.bench NAME [HOW MANY]`; without a name, or with `--help`, what there is."""

import ast
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
    asked = sys.argv[1:]
    if {"--help", "-h"} & set(asked):
        sys.stdout.write(
            "\n\n".join(_usage(name) for name in names if asked[0] in (name, "--help", "-h")) + "\n"
        )
        return 0
    if not asked or asked[0] not in names or not all(each.isdecimal() for each in asked[1:]):
        sys.stderr.write(f"bench: one of {', '.join(names)}; --help says more, also behind a name\n")
        return 2
    benchmark = importlib.import_module(f"callcenter.bench.{sys.argv[1]}")
    figures = benchmark.main(settings.load(), *map(int, sys.argv[2:]))
    sys.stdout.write(orjson.dumps(figures, option=orjson.OPT_INDENT_2).decode() + "\n")
    return 0


def _usage(name: str) -> str:
    """What a benchmark says of itself. Nothing is imported: a program that it needs may be missing."""
    text = (Path(__file__).parent / f"{name}.py").read_text()
    return ast.get_docstring(ast.parse(text)) or f"./run bench {name}"


if __name__ == "__main__":
    sys.exit(main())
