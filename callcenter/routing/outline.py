"""A plan as people read it: the tree from its start, and what differs between two versions. Pure."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from callcenter.routing import plans
from callcenter.routing.plans import Node, Plan


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the tree. `way`: the field of `above` by which it is reached, empty for the start; `again`: its branches
    stand further up; `lost`: nothing leads to it, or it is not there (then `node` is None)."""

    depth: int
    way: str
    name: str
    kind: str = ""
    node: Node | None = None
    again: bool = False
    lost: bool = False
    above: Node | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """`what`: added | removed | changed (`field` of the node, or of the plan where `node` is empty)."""

    what: str
    node: str
    field: str = ""
    before: Any = ""
    after: Any = ""


def tree(plan: Plan) -> list[Row]:
    """Every node once with its branches, depth first; then those that nothing leads to."""
    shown: set[str] = set()

    def walk(name: str, way: str, depth: int, above: Node | None = None) -> Iterator[Row]:
        node = plan.nodes.get(name)
        again = name in shown
        shown.add(name)
        if node is None:
            yield Row(depth, way, name, lost=True, above=above)
            return
        yield Row(depth, way, name, plans.kind_of(node), node, again, above=above)
        if not again:
            for where, to in plans.edges(node):
                if to:
                    yield from walk(to, where, depth + 1, node)

    rows = list(walk(plan.start, "", 0))
    lost = [name for name in plan.nodes if name not in shown]
    return rows + [
        Row(0, "", name, plans.kind_of(plan.nodes[name]), plan.nodes[name], lost=True) for name in lost
    ]


def changes(before: Plan, after: Plan) -> list[Change]:
    """What somebody did from one version to the other."""
    found = [
        Change("changed", "", name, getattr(before, name), getattr(after, name))
        for name in ("numbers", "start", "fallback")
        if getattr(before, name) != getattr(after, name)
    ]
    found += [Change("removed", name) for name in before.nodes if name not in after.nodes]
    for name, node in after.nodes.items():
        was = before.nodes.get(name)
        if was is None:
            found.append(Change("added", name))
        elif type(was) is not type(node):
            found.append(Change("changed", name, "kind", plans.kind_of(was), plans.kind_of(node)))
        else:
            old, new = flat(was), flat(node)
            found += [
                Change("changed", name, where, old.get(where, ""), new.get(where, ""))
                for where in dict.fromkeys([*old, *new])
                if old.get(where, "") != new.get(where, "")
            ]
    return found


def flat(node: Node) -> dict[str, Any]:
    """Field -> value; each key and each case is a field of its own (`keys.1`, `cases.1`)."""
    values = dataclasses.asdict(node)
    keys: Mapping[str, str] = values.pop("keys", {})
    cases = values.pop("cases", ())
    values |= {f"keys.{key}": to for key, to in keys.items()}
    return values | {
        f"cases.{place}": f"{case['what']} {case['value']}".strip() + f" → {case['to']}"
        for place, case in enumerate(cases, 1)
    }
