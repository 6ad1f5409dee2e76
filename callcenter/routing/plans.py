"""Plans: what becomes of a call to a number, as data. Hours, menus and questions are nodes; each leads on by names. Pure.

`plan_json` reads and writes it, `check` says whether it can be published, `walk` leads a caller through it. A called number
that no plan serves goes to a queue (`queue_for`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from callcenter.errors import lazy

DEFAULT = "default"
KEYS = tuple("1234567890*#")
SPOKEN = ("en", "cmn", "yue")
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
