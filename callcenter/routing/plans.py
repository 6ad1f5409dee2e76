"""Plans: what becomes of a call to a number, as data. Hours, menus and questions are nodes; each leads on by names. Pure.

`read` makes a plan of JSON, `check` says whether it can be published, `walk` leads a caller through it. A called number
that no plan serves goes to a queue (`queue_for`).
"""

import dataclasses
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson

from callcenter.errors import lazy

DEFAULT = "default"
KEYS = tuple("1234567890*#")
SPOKEN = ("en", "cmn", "yue")
MOST_NODES = 40
MOST_NUMBERS = 50
LONGEST_TEXT = 1000
NAMED = "prompt:"
"""Begins a text that names a prompt (`callcenter.prompts`)."""
CASES = ("tier", "prefix", "known", "unknown", "withheld")
"""What a caller is told apart by: the customer's tier; how the number begins (its region); whether the customer is known;
whether the number is withheld."""


@dataclass(frozen=True, slots=True)
class Hours:
    """By a calendar, in its zone. `holiday`: on a day that the calendar names without a window; empty: as `closed`."""

    calendar: str = ""
    open: str = ""
    closed: str = ""
    holiday: str = ""


@dataclass(frozen=True, slots=True)
class Menu:
    """A question that a key answers. `retries`: how often it is put again; `timeout`: seconds behind its end; with
    `barge_in` a key counts before that. `no_match` and `no_input` are said before it is put again."""

    prompt: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    otherwise: str = ""
    retries: int = 2
    timeout: float = 5.0
    barge_in: bool = True
    no_match: str = ""
    no_input: str = ""


@dataclass(frozen=True, slots=True)
class Language:
    """A key chooses the language of what is said from here on (key -> one of SPOKEN)."""

    prompt: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    then: str = ""
    retries: int = 0
    timeout: float = 5.0
    barge_in: bool = True


@dataclass(frozen=True, slots=True)
class Case:
    """`what`: of CASES. `value`: tiers, or beginnings of numbers in E.164, parted by spaces."""

    what: str = "known"
    value: str = ""
    to: str = ""


@dataclass(frozen=True, slots=True)
class ByCaller:
    """The first case that fits."""

    cases: tuple[Case, ...] = ()
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """The number of a complaint is entered; its state and owner are spoken, to whom they concern."""

    prompt: str = ""
    then: str = ""
    otherwise: str = ""
    timeout: float = 5.0


@dataclass(frozen=True, slots=True)
class ToQueue:
    """An end: the caller enters the queue."""

    queue: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """An end: it is said, then we hang up. `call_back`: the caller is owed a callback."""

    prompt: str = ""
    call_back: bool = False


@dataclass(frozen=True, slots=True)
class Voicemail:
    """An end: a message for those who serve the queue, by its rules."""

    queue: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """A number outside rings for `ring` seconds; answered, it is an end. `trunk`: empty for whichever carries it."""

    number: str = ""
    trunk: str = ""
    ring: float = 30.0
    otherwise: str = ""


Node = Hours | Menu | Language | ByCaller | Complaint | ToQueue | Message | Voicemail | External
KINDS: dict[str, type[Node]] = {
    "hours": Hours,
    "menu": Menu,
    "language": Language,
    "by_caller": ByCaller,
    "complaint": Complaint,
    "queue": ToQueue,
    "message": Message,
    "voicemail": Voicemail,
    "external": External,
}
_NAMES = {cls: kind for kind, cls in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """`numbers`: user parts that it serves. `fallback`: the queue of a caller whom the plan cannot lead on."""

    start: str = ""
    nodes: Mapping[str, Node] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    fallback: str = DEFAULT


@dataclass(slots=True)
class Published:
    """A version on the board: the one that new calls follow (`current`), or one that a live call began with.

    `body`: the plan as JSON. `prompts`: those that it names -> language -> as the line plays it.
    """

    name: str
    version: int = 0
    numbers: list[str] = field(default_factory=list)
    body: str = "{}"
    prompts: dict[str, dict[str, str]] = field(default_factory=dict)
    current: bool = True

    @property
    def key(self) -> str:
        """Its name on the board."""
        return key_of(self.name, self.version)


@dataclass(slots=True)
class LiveCalendar:
    """A calendar on the board, as `hours.models.Calendar` keeps it."""

    name: str
    zone: str = "UTC"
    windows: list[Any] = field(default_factory=list)
    exceptions: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What a plan may name. `may_ring`: whether the house itself may dial a number."""

    queues: Collection[str] = ()
    calendars: Collection[str] = ()
    prompts: Collection[str] = ()
    trunks: Collection[str] = ()
    may_ring: Callable[[str], bool] = bool


class BadPlan(ValueError):
    """No plan. `fields`: `NODE.FIELD` -> what is wrong with it, in a sentence that pages translate."""

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__("; ".join(f"{where}: {what}" for where, what in fields.items()))
        self.fields = fields


def queue_for(called: str, numbers: Sequence[str], queues: Mapping[str, Iterable[str]]) -> str | None:
    """The queue that serves the called user part: its own number, else `default` for the hotline's; None for a stranger.

    `numbers` are the hotline's; `queues` maps each queue to the numbers that lead straight to it.
    """
    for name, own in queues.items():
        if called in own:
            return name
    if called not in numbers:
        return None
    return DEFAULT if DEFAULT in queues else next(iter(sorted(queues)), None)


def plan_for(called: str, plans: Iterable[Published]) -> Published | None:
    """The plan that serves the called user part. It goes before any queue."""
    return next((one for one in plans if one.current and called in one.numbers), None)


def all_numbers(numbers: Iterable[str], *more: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Every user part that the lines let in: the hotline's, those of queues and of plans."""
    theirs = (number for one in more for own in one.values() for number in own)
    return tuple(dict.fromkeys([*numbers, *theirs]))


def key_of(name: str, version: int) -> str:
    """Under which a version stands on the board."""
    return f"{name}:{version}"


def kind_of(node: Node) -> str:
    """Its word in JSON, one of KINDS."""
    return _NAMES[type(node)]


@lru_cache(maxsize=256)
def loaded(body: str) -> Plan:
    """The plan of a published version's JSON. Raises BadPlan."""
    return read(orjson.loads(body))


def edges(node: Node) -> list[tuple[str, str]]:
    """(field, name of the node that it leads to) of every way on; a key's field is `keys.1`, a case's `cases.1`."""
    match node:
        case Menu():
            ways = [(f"keys.{key}", to) for key, to in node.keys.items()]
        case ByCaller():
            ways = [(f"cases.{place}", case.to) for place, case in enumerate(node.cases, 1)]
        case _:
            ways = []
    return ways + [(name, to) for name in WAYS[kind_of(node)] if (to := getattr(node, name))]


def unasked(node: Node) -> list[str]:
    """Where it can lead without a key of the caller."""
    return [
        to
        for name, to in edges(node)
        if not name.startswith("keys.") and (name != "then" or isinstance(node, Language))
    ]


def texts(node: Node) -> list[tuple[str, str]]:
    """(field, text) of all that it says."""
    return [(name, getattr(node, name)) for name in ("prompt", "no_match", "no_input") if hasattr(node, name)]


def prompts_of(plan: Plan) -> dict[str, list[str]]:
    """Name of a prompt -> `NODE.FIELD` of where it stands."""
    found: dict[str, list[str]] = {}
    for name, node in plan.nodes.items():
        for where, text in texts(node):
            if text.startswith(NAMED):
                found.setdefault(text.removeprefix(NAMED), []).append(f"{name}.{where}")
    return found


def as_data(plan: Plan) -> dict[str, Any]:
    """The plan as JSON takes it."""
    return {
        "start": plan.start,
        "fallback": plan.fallback,
        "numbers": list(plan.numbers),
        "nodes": {name: {"kind": kind_of(node), **_fields(node)} for name, node in plan.nodes.items()},
    }


def read(data: Any) -> Plan:
    """A plan of JSON: every field of its kind and within bounds. Raises BadPlan, which names each that is not.

    What it leads to, and whether it is there, is for `check`.
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


def check(plan: Plan, known: Known) -> dict[str, str]:
    """`NODE.FIELD` -> why the plan cannot be published; empty when it can."""
    wrong: dict[str, str] = {}
    if plan.start not in plan.nodes:
        wrong["start"] = lazy("there is no node of this name")
    if plan.fallback not in known.queues:
        wrong["fallback"] = lazy("there is no queue of this name")
    for name, node in plan.nodes.items():
        found = {
            where: lazy("there is no node of this name") for where, to in edges(node) if to not in plan.nodes
        }
        found |= _unknown(node, known)
        wrong |= {f"{name}.{where}": what for where, what in found.items()}
    if not wrong and (circle := _circle(plan)):
        wrong[circle[0]] = lazy("without a key of the caller it leads back to itself")
    return wrong


def _unknown(node: Node, known: Known) -> dict[str, str]:
    """What a node names that is not there, and what it lacks."""
    wrong = {}
    for where in ("queue", "calendar", "trunk"):
        value = getattr(node, where, None)
        if value is None or (where == "trunk" and not value):
            continue
        if value not in {"queue": known.queues, "calendar": known.calendars, "trunk": known.trunks}[where]:
            wrong[where] = _NOT_THERE[where]
    for where, text in texts(node):
        if text.startswith(NAMED) and text.removeprefix(NAMED) not in known.prompts:
            wrong[where] = lazy("there is no prompt of this name")
    needed = [name for name in WAYS[kind_of(node)] if name != "holiday" and not getattr(node, name)]
    wrong |= dict.fromkeys(needed, lazy("leads nowhere: choose a node"))
    match node:
        case Menu() | Language() | Message() if not node.prompt or node.prompt == "-":
            wrong["prompt"] = lazy("says nothing: a text, or prompt: and a name")
        case External() if not known.may_ring(node.number):
            wrong["number"] = lazy("is no number that we may dial: +, country and number")
        case ByCaller() if not node.cases:
            wrong["cases"] = lazy("tells nobody apart: add a case")
    if isinstance(node, Menu | Language) and not node.keys:
        wrong["keys"] = lazy("has no key")
    return wrong


def _circle(plan: Plan) -> list[str]:
    """Nodes that lead to each other although the caller presses nothing; empty when there are none."""
    done: set[str] = set()

    def search(name: str, behind: list[str]) -> list[str]:
        if name in behind:
            return behind[behind.index(name) :]
        if name in done:
            return []
        for to in unasked(plan.nodes[name]):
            if found := search(to, [*behind, name]):
                return found
        done.add(name)
        return []

    return next((found for name in plan.nodes if (found := search(name, []))), [])


# ---- JSON -------------------------------------------------------------------------------------------------------


def _fields(node: Node) -> dict[str, Any]:
    return dataclasses.asdict(node)


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
WAYS = {
    "hours": ("open", "closed", "holiday"),
    "menu": ("otherwise",),
    "language": ("then",),
    "by_caller": ("otherwise",),
    "complaint": ("then", "otherwise"),
    "queue": (),
    "message": (),
    "voicemail": (),
    "external": ("otherwise",),
}
"""Kind -> its fields that name a node, besides keys and cases."""
_NOT_THERE = {
    "queue": lazy("there is no queue of this name"),
    "calendar": lazy("there is no calendar of this name"),
    "trunk": lazy("there is no trunk of this name"),
}
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
