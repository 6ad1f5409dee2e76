"""Plans as JSON: read with every field checked and each wrong one named, and written. Pure."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import orjson

from callcenter.errors import lazy
from callcenter.routing import plans
from callcenter.routing.plans import CASES, DEFAULT, KEYS, KINDS, SPOKEN, Case, Node, Plan

MOST_NODES = 40
MOST_NUMBERS = 50
LONGEST_TEXT = 1000


class BadPlan(ValueError):
    """No plan. `fields`: `NODE.FIELD` -> what is wrong with it, in a sentence that pages translate."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{where}: {what}" for where, what in fields.items()))
        self.fields = fields


@lru_cache(maxsize=256)
def loaded(body: str) -> Plan:
    """The plan of a published version's JSON. Raises BadPlan."""
    return read(orjson.loads(body))


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as JSON takes it."""
    return {
        "start": plan.start,
        "fallback": plan.fallback,
        "numbers": list(plan.numbers),
        "nodes": {
            name: {"kind": plans.kind_of(node), **dataclasses.asdict(node)}
            for name, node in plan.nodes.items()
        },
    }


def read(data: Any) -> Plan:
    """A plan of JSON: every field of its kind and within bounds. Raises BadPlan, which names each that is not.

    What it leads to, and whether it is there, is for `plans.check`.
    """
    wrong: dict[str, str] = {}
    given: Mapping[str, Any] = data if isinstance(data, Mapping) else {"nodes": None}
    nodes = given.get("nodes", {})
    if not isinstance(nodes, Mapping):
        raise BadPlan({"nodes": lazy("is no object of nodes")})
    wrong |= {name: lazy("there is no such field") for name in given if name not in _OF_PLAN}
    if len(nodes) > MOST_NODES:
        raise BadPlan({"nodes": lazy("has more nodes than a plan may have")})
    made = {}
    for name, raw in nodes.items():
        if not re.fullmatch(r"\w[\w \-]{0,39}", name):
            wrong[name] = lazy("is no name of a node: letters, digits, spaces and - , at most 40")
            continue
        node = _node(name, raw, wrong)
        if node is not None:
            made[name] = node
    numbers = _taken(_numbers, given.get("numbers", ()), "numbers", wrong)
    start = _taken(_text, given.get("start", ""), "start", wrong)
    fallback = _taken(_text, given.get("fallback", DEFAULT), "fallback", wrong)
    if wrong:
        raise BadPlan(wrong)
    return Plan(start, made, numbers, fallback)


def _node(name: str, raw: Any, wrong: dict[str, str]) -> Node | None:
    given = dict(raw) if isinstance(raw, Mapping) else {}
    kind = given.pop("kind", "")
    if kind not in KINDS:
        wrong[f"{name}.kind"] = lazy("is no kind of node")
        return None
    known = {one.name for one in dataclasses.fields(KINDS[kind])}
    values = {}
    for where, value in given.items():
        if where not in known:
            wrong[f"{name}.{where}"] = lazy("there is no such field")
            continue
        reader = _language_keys if kind == "language" and where == "keys" else _READERS.get(where, _text)
        values[where] = _taken(reader, value, f"{name}.{where}", wrong)
    return None if any(where.startswith(f"{name}.") for where in wrong) else KINDS[kind](**values)


def _taken(reader: Callable[[Any], Any], raw: Any, where: str, wrong: dict[str, str]) -> Any:
    try:
        return reader(raw)
    except ValueError as error:
        wrong[where] = str(error)
        return None


def _text(raw: Any) -> str:
    text = str("" if raw is None else raw).strip()
    if len(text) > LONGEST_TEXT or not all(letter.isprintable() or letter == "\n" for letter in text):
        raise ValueError(lazy("is no text of at most 1000 characters"))
    return text


def _numbers(raw: Any) -> tuple[str, ...]:
    """User parts of SIP addresses (RFC 3261, 25.1); a text parts them by spaces."""
    parts = raw.split() if isinstance(raw, str) else raw
    if not isinstance(parts, list | tuple) or len(parts) > MOST_NUMBERS:
        raise ValueError(lazy("is no list of numbers"))
    if not all(
        isinstance(one, str) and re.fullmatch(r"[\w.+*#!~'()&=$,;?/-]{1,64}", one, re.ASCII) for one in parts
    ):
        raise ValueError(lazy("holds something that is no number that can be called"))
    return tuple(dict.fromkeys(parts))


def _seconds(least: int, most: int) -> Callable[[Any], float]:
    def reader(raw: Any) -> float:
        try:
            value = float(str(raw).strip())
        except ValueError:
            value = -1.0
        if not least <= value <= most:
            raise ValueError(_BETWEEN[least, most])
        return value

    return reader


def _retries(raw: Any) -> int:
    text = str(raw).strip()
    if text not in tuple("012345"):
        raise ValueError(lazy("is no whole number from 0 to 5"))
    return int(text)


def _truth(raw: Any) -> bool:
    if str(raw).lower() not in ("true", "false", "on", "1", "0", ""):
        raise ValueError(lazy("is neither true nor false"))
    return str(raw).lower() in ("true", "on", "1")


def _keys(raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping) or not set(raw) <= set(KEYS):
        raise ValueError(lazy("is no object of the keys 0 to 9, * and #"))
    return {key: _text(raw[key]) for key in KEYS if raw.get(key)}


def _language_keys(raw: Any) -> dict[str, str]:
    found = _keys(raw)
    if not set(found.values()) <= set(SPOKEN):
        raise ValueError(lazy("is none of the languages that are spoken here"))
    return found


def _cases(raw: Any) -> tuple[Case, ...]:
    if not isinstance(raw, list | tuple) or len(raw) > 20:
        raise ValueError(lazy("is no list of cases"))
    made = []
    for one in raw:
        if (
            not isinstance(one, Mapping)
            or one.get("what") not in CASES
            or not set(one) <= {"what", "value", "to"}
        ):
            raise ValueError(lazy("is no list of cases"))
        case = Case(str(one["what"]), _text(one.get("value", "")), _text(one.get("to", "")))
        if case.what in ("tier", "prefix") and not case.value:
            raise ValueError(lazy("has a case without a value"))
        if case.what == "prefix" and not all(
            re.fullmatch(r"\+\d{1,15}", part) for part in case.value.split()
        ):
            raise ValueError(lazy("has a beginning of a number that is not + and digits"))
        made.append(case)
    return tuple(made)


_OF_PLAN = ("start", "nodes", "numbers", "fallback")
_BETWEEN = {
    (1, 60): lazy("is no number of seconds from 1 to 60"),
    (5, 120): lazy("is no number of seconds from 5 to 120"),
}
_READERS: dict[str, Callable[[Any], Any]] = {
    "keys": _keys,
    "cases": _cases,
    "retries": _retries,
    "timeout": _seconds(1, 60),
    "ring": _seconds(5, 120),
    "barge_in": _truth,
    "call_back": _truth,
}
