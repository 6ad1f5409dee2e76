"""What an address asks for: filters by name, a page's end, its length, the version that a person saw."""

from typing import Any

from starlette.requests import Request

from callcenter.errors import InvalidInput

LONGEST_PAGE = 200
LONGEST_NUMBER = 18
"""Digits of a number that the record can hold."""


def words(request: Request, *names: str) -> dict[str, str]:
    """The named filters, empty where not given. InvalidInput names every other word of the address."""
    known = {*names, "after", "limit"}
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        choose = ", ".join(sorted(known))
        raise InvalidInput(**dict.fromkeys(unknown, f"is no filter; there are {choose}"))
    return {name: request.query_params.get(name, "").strip() for name in names}


def after(request: Request) -> str:
    """Where the page before ended; empty for the first one."""
    return request.query_params.get("after", "")


def limit(request: Request, usual: int = 50) -> int:
    """Rows of a page, at most 200."""
    given = request.query_params.get("limit", "") or str(usual)
    if not given.isdecimal() or len(given) > LONGEST_NUMBER or int(given) < 1:
        raise InvalidInput(limit=f"a number from 1 to {LONGEST_PAGE}")
    return min(int(given), LONGEST_PAGE)


def number(given: dict[str, Any], name: str) -> int:
    """A whole number of a form or of JSON that must be there. InvalidInput otherwise."""
    value = str(given.get(name, "")).strip()
    if not value.isdecimal() or len(value) > LONGEST_NUMBER:
        raise InvalidInput(
            **{name: "is missing: the number that you saw" if name == "version" else "a number"}
        )
    return int(value)


def form(given: dict[str, Any], *without: str) -> dict[str, Any]:
    """The fields of a form without what only carries it."""
    return {name: value for name, value in given.items() if name not in {"page_token", *without}}
