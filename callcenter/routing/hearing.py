"""Who hears whom in a call, and what the line is to be told of it. Pure.

One mechanism for all of it: two who speak, hold, a consultation, a conference, a supervisor who listens, whispers to
the agent alone, or barges in. Two parties alone stay a plain bridge, which the line relays unopened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from callcenter import commands

Hears = Mapping[str, Sequence[str]]
"""Leg -> the legs that it hears; a leg that hears nobody is not in it."""


class Partner(Protocol):
    """What is looked at in a party."""

    @property
    def role(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def mode(self) -> str: ...


class Talk(Protocol):
    """What is looked at in a call."""

    @property
    def state(self) -> str: ...
    @property
    def leg(self) -> str: ...
    @property
    def leg_state(self) -> str: ...
    @property
    def agent_leg(self) -> str: ...
    @property
    def agent_leg_state(self) -> str: ...
    @property
    def phone_held(self) -> bool: ...
    @property
    def parties(self) -> Mapping[str, Partner]: ...


@dataclass(frozen=True, slots=True)
class Scene:
    """`hears`: who hears whom. `music`: legs that are alone and hear music; `ringback`: legs that wait for a ring."""

    hears: Hears
    music: frozenset[str] = frozenset()
    ringback: frozenset[str] = frozenset()


def scene(call: Talk) -> Scene:
    """How it is to be in the call's state."""
    circles = _circles(call)
    hears = {leg: [one for one in circle if one != leg] for circle in circles for leg in circle}
    with_agent = next(
        (circle for circle in circles if call.agent_leg in circle), circles[0] if circles else []
    )
    for leg in _up(call, "supervisor"):
        mode = call.parties[leg].mode
        if mode != "barge":
            hears[leg] = [one for one in with_agent if one != leg]
        if mode == "whisper" and call.agent_leg in hears:
            hears[call.agent_leg].append(leg)
    hears = {leg: others for leg, others in hears.items() if others}
    return Scene(hears, _music(call, hears), _ringback(call))


def changes(before: Hears, after: Hears) -> list[Any]:
    """The commands that bring the line from one to the other, in order: first who parts, then who comes together."""
    old, new = _pairs(before), _pairs(after)
    now = {leg: set(others) for leg, others in before.items()}
    orders: list[Any] = []
    for (one, other), key in ((old[key], key) for key in old if key not in new):
        if not key & {*after.get(one, ()), *after.get(other, ())}:
            orders.append(commands.UnbridgeLegs(one))
            now.pop(one), now.pop(other)
    made = [pair for key, pair in new.items() if any(now.get(leg) != {*key} - {leg} for leg in pair)]
    bridged = {leg for pair in made for leg in pair}
    orders += [
        commands.HearLegs(leg, tuple(after.get(leg, ())))
        for leg in dict.fromkeys([*now, *after])
        if leg not in bridged and now.get(leg, set()) != set(after.get(leg, ()))
    ]
    return orders + [commands.BridgeLegs(one, other) for one, other in made]


def _circles(call: Talk) -> list[list[str]]:
    """Who speaks with each other; the first circle is the customer's unless the customer is alone."""
    customer = [call.leg] if call.leg_state == "up" else []
    agent = [call.agent_leg] if call.agent_leg_state == "up" and not call.phone_held else []
    guests, asked = _up(call, "guest"), _up(call, "consult")
    match call.state:
        case "connecting":
            circles = [customer + agent if customer and agent else []]
        case "bridged":
            circles = [customer + agent + guests]
        case "held":
            circles = [agent + guests]
        case "consulting":
            circles = [customer + guests, agent + asked]
        case "transferring" | "outside":
            circles = [customer + guests]
        case _:
            circles = []
    barging = [leg for leg in _up(call, "supervisor") if call.parties[leg].mode == "barge"]
    place = next((circle for circle in circles if call.agent_leg in circle), circles[0] if circles else None)
    if place is not None and barging:
        place += barging
    return [circle for circle in circles if circle]


def _music(call: Talk, hears: Hears) -> frozenset[str]:
    if call.state not in ("bridged", "held", "consulting", "transferring", "outside"):
        return frozenset()
    asked, guests = _up(call, "consult"), _up(call, "guest")
    there = [*([call.leg] if call.leg_state == "up" else []), *asked, *guests]
    waits = any(one.role == "consult" and one.state == "waiting" for one in call.parties.values())
    if waits and call.state == "consulting" and call.agent_leg_state == "up" and not call.phone_held:
        there.append(call.agent_leg)
    return frozenset(leg for leg in there if leg not in hears)


def _ringback(call: Talk) -> frozenset[str]:
    rings = any(one.role == "consult" and one.state == "ringing" for one in call.parties.values())
    if call.state == "consulting" and rings and call.agent_leg_state == "up" and not call.phone_held:
        return frozenset({call.agent_leg})
    return frozenset()


def _up(call: Talk, role: str) -> list[str]:
    return [leg for leg, one in call.parties.items() if one.role == role and one.state == "up"]


def _pairs(hears: Hears) -> dict[frozenset[str], tuple[str, str]]:
    """Two who hear each other and nobody else, and whom nobody else hears."""
    found: dict[frozenset[str], tuple[str, str]] = {}
    for leg, others in hears.items():
        both = frozenset({leg, *others})
        if len(both) != 2 or both in found or list(hears.get(others[0], ())) != [leg]:
            continue
        if not any(both & set(theirs) for one, theirs in hears.items() if one not in both):
            found[both] = (leg, others[0])
    return found
