"""Who gets a call, in which order callers are served, what they are told meanwhile. Pure.

They take values and `now` (seconds since 1970) and return values.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

RETRY_AFTER = 5.0
"""Seconds before a call is offered again to an agent who rejected it or whose phone failed."""
DESK_GRACE = 15.0
"""Seconds that a signed-in agent's open page may be silent before no more calls are offered."""


class Free(Protocol):
    """What is looked at in an agent."""

    name: str
    status: str
    activity: str
    reachable: bool
    paused: str
    queues: list[str]
    idle_since: float


class Waits(Protocol):
    """What is looked at in a call."""

    id: str
    queue: str
    queued: float
    priority: int
    owner: str
    passed: dict[str, float]


A = TypeVar("A", bound=Free)
W = TypeVar("W", bound=Waits)


def is_free(agent: Free) -> bool:
    """Whether a call may be offered to this agent now: chosen, observed and reachable are three things."""
    return agent.status == "available" and agent.activity == "idle" and agent.reachable and not agent.paused


def in_order(calls: Iterable[W]) -> list[W]:
    """Callers as they are served: priority first, then the longest wait."""
    return sorted(calls, key=lambda call: (-call.priority, call.queued, call.id))


def choose_agent(call: Waits, agents: Sequence[A], owner: Free | None, wait: float, now: float) -> A | None:
    """The owner of the caller's open complaint if free, then who has not passed this call yet, the longest idle.

    `agents` are free. While the owner is merely busy, the call is kept for him until `wait` seconds after it queued.
    """
    able = [
        agent for agent in agents if call.queue in agent.queues and now >= call.passed.get(agent.name, 0.0)
    ]
    for agent in able:
        if agent.name == call.owner and agent.name not in call.passed:
            return agent
    if _owner_comes(call, owner) and now < call.queued + wait:
        return None
    return min(
        able, key=lambda agent: (agent.name in call.passed, agent.idle_since, agent.name), default=None
    )


def _owner_comes(call: Waits, owner: Free | None) -> bool:
    return (
        owner is not None
        and owner.name not in call.passed
        and owner.status == "available"
        and owner.activity != "idle"
        and owner.reachable
        and not owner.paused
    )


def tell_place(place: int, told: int, told_at: float, every: float, now: float) -> bool:
    """Whether the caller hears the place now: only when it improved, at most each `every` seconds (0 = never)."""
    return every > 0 and (told == 0 or (place < told and now >= told_at + every))


def offer_outcome(ended: str) -> str:
    """How an offer ended, from the `outcome` of the agent's leg: missed, rejected and device_error are three things."""
    match ended:
        case "no_answer":
            return "missed"
        case "busy" | "refused" | "hung_up":
            return "rejected"
        case _:
            return "device_error"
