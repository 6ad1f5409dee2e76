"""The plan editor's form as JSON of a plan. What the fields mean is `routing.plans`' to judge.

Names: `kind:NODE`, `name:NODE` (a new name renames it wherever it stands), `f:NODE:FIELD`, `k:NODE:KEY` -> node,
`l:NODE:LANGUAGE` -> key, `c:NODE:PLACE:what|value|to`.
"""

from collections.abc import Mapping
from typing import Any

from callcenter.routing import plans

Data = dict[str, Any]
STARTERS: dict[str, Data] = {
    "menu": {"retries": 2, "timeout": 5.0, "barge_in": True},
    "language": {"retries": 0, "timeout": 5.0, "barge_in": True},
    "complaint": {"timeout": 5.0},
    "external": {"ring": 30.0},
    "hours": {"calendar": "office"},
    "by_caller": {"cases": [{"what": "known", "value": "", "to": ""}]},
}


def starter() -> Data:
    """What a new plan begins with: hours, the queue, a message."""
    return {
        "start": "hours",
        "fallback": plans.DEFAULT,
        "numbers": [],
        "nodes": {
            "hours": {
                "kind": "hours",
                "calendar": "office",
                "open": "queue",
                "closed": "closed",
                "holiday": "",
            },
            "queue": {"kind": "queue", "queue": plans.DEFAULT},
            "closed": {"kind": "message", "prompt": "", "call_back": False},
        },
    }


def data_of(given: Mapping[str, Any]) -> Data:
    """The plan that the form shows, with its new names."""
    nodes: dict[str, Data] = {
        name.partition(":")[2]: {"kind": kind} for name, kind in given.items() if name.startswith("kind:")
    }
    for name, value in given.items():
        what, _, rest = name.partition(":")
        node, _, field = rest.partition(":")
        if node in nodes and what in _TAKERS:
            _TAKERS[what](nodes[node], field, str(value).strip())
    for made in nodes.values():
        if "cases" in made:
            made["cases"] = [one for one in made["cases"].values() if one.get("to") or one.get("value")]
    data = {
        "start": given.get("start", ""),
        "fallback": given.get("fallback", ""),
        "numbers": str(given.get("numbers", "")).split(),
        "nodes": nodes,
    }
    return renamed(data, {name: str(given.get(f"name:{name}", name)).strip() or name for name in nodes})


def renamed(data: Data, names: Mapping[str, str]) -> Data:
    """The plan with other names of nodes, wherever they stand. Two of one name stay what they were."""
    if len(set(names.values())) < len(names):
        return data
    nodes = {names.get(name, name): _leading(node, names) for name, node in data["nodes"].items()}
    return {**data, "start": names.get(data["start"], data["start"]), "nodes": nodes}


def added(data: Data, name: str, kind: str) -> Data:
    """With one more node; unchanged when the name is taken or the kind is none."""
    if not name or name in data["nodes"] or kind not in plans.KINDS:
        return data
    return {**data, "nodes": {**data["nodes"], name: {"kind": kind, **STARTERS.get(kind, {})}}}


def removed(data: Data, name: str) -> Data:
    """Without the node; what led to it leads nowhere."""
    nodes = {one: node for one, node in data["nodes"].items() if one != name}
    return renamed({**data, "nodes": nodes}, {name: ""})


def shown(data: Data) -> dict[str, Data]:
    """Nodes with every field that the form asks for, whatever the plan lacks."""
    found = {}
    for name, node in data["nodes"].items():
        kind = node.get("kind", "")
        if kind in plans.KINDS:
            usual = plans.KINDS[kind]()
            every = {field: getattr(usual, field) for field in usual.__dataclass_fields__}
            found[name] = {**every, **node}
    return found


def _leading(node: Data, names: Mapping[str, str]) -> Data:
    made = dict(node)
    for field in plans.WAYS.get(node["kind"], ()):
        if field in made:
            made[field] = names.get(made[field], made[field])
    if node["kind"] == "menu" and isinstance(node.get("keys"), dict):
        made["keys"] = {key: names.get(to, to) for key, to in node["keys"].items()}
    if isinstance(node.get("cases"), list):
        made["cases"] = [
            {**one, "to": names.get(one.get("to", ""), one.get("to", ""))} for one in node["cases"]
        ]
    return made


def _field(node: Data, field: str, value: str) -> None:
    node[field] = value


def _key(node: Data, key: str, to: str) -> None:
    node.setdefault("keys", {})
    if to:
        node["keys"][key] = to


def _language(node: Data, language: str, key: str) -> None:
    node.setdefault("keys", {})
    if key:
        node["keys"][key] = language


def _case(node: Data, field: str, value: str) -> None:
    place, _, what = field.partition(":")
    node.setdefault("cases", {}).setdefault(place, {})[what] = value


_TAKERS = {"f": _field, "k": _key, "l": _language, "c": _case}
