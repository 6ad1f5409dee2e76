"""Who gets a call, in which order callers are served, what they are told meanwhile. Pure.

They take values and `now` (seconds since 1970) and return values. Nothing here knows the board: whatever has the fields
of `Free`, `Waits` and `Serves` can be asked about, the live board as well as a centre that is only computed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

RETRY_AFTER = 5.0
"""Seconds before a call is offered again to an agent who rejected it or whose phone failed."""
SMOOTHING = 0.1
DESK_GRACE = 15.0
"""Seconds that a signed-in agent's open page may be silent before no more calls are offered."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Whom a caller may go to until the wait in the queue is `until` seconds, 0 for as long as it takes: agents who
    have each of these skills (name -> least level, 1 to 100)."""

    until: float = 0.0
    needs: dict[str, int] = field(default_factory=dict)


ANYBODY = Ring()


class Free(Protocol):
    """What is looked at in an agent. `taken` and `talked`: calls of today, and seconds spoken in them."""

    name: str
    status: str
    activity: str
    reachable: bool
    paused: str
    queues: list[str]
    skills: dict[str, int]
    idle_since: float
    taken: int
    talked: float


class Waits(Protocol):
    """What is looked at in a call, or in a place that is kept for who is rung back. `queued`: the caller's clock,
    `lined_up`: since when it is in this queue."""

    @property
    def id(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def queued(self) -> float: ...
    @property
    def lined_up(self) -> float: ...
    @property
    def priority(self) -> int: ...
    @property
    def owner(self) -> str: ...
    @property
    def last(self) -> str: ...
    @property
    def passed(self) -> dict[str, float]: ...


class Serves(Protocol):
    """What is looked at in a queue's rules. `order`: agent -> place, `turn`: the agent to whom it offered last."""

    strategy: str
    rings: list[Ring]
    order: dict[str, int]
    turn: str
    owner_first: float
    last_first: float


A = TypeVar("A", bound=Free)
W = TypeVar("W", bound=Waits)
Key = tuple[Any, ...]

STRATEGIES: dict[str, Callable[[Free, Serves], Key]] = {
    "longest_idle": lambda agent, queue: (agent.idle_since, agent.name),
    "round_robin": lambda agent, queue: (agent.name <= queue.turn, agent.name),
    "fewest_calls": lambda agent, queue: (agent.taken, agent.idle_since, agent.name),
    "least_talk": lambda agent, queue: (agent.talked, agent.idle_since, agent.name),
    "ordered": lambda agent, queue: (queue.order.get(agent.name, LAST), agent.idle_since, agent.name),
}
"""How a queue chooses among free agents: the least key has the call."""
LAST = 1_000_000


@dataclass(frozen=True, slots=True)
class Choice(Generic[A]):
    """`agent`: who gets the call, if anybody. `why`: owner | last_agent | a strategy; without an agent kept_for_owner |
    kept_for_last | nobody."""

    agent: A | None
    why: str


def is_free(agent: Free) -> bool:
    """Whether a call may be offered to this agent now: chosen, observed and reachable are three things."""
    return agent.status == "available" and agent.activity == "idle" and agent.reachable and not agent.paused


def busy(agent: Free) -> str:
    """Why no call may be offered to this agent now, the first reason that he or a supervisor could change; empty for a
    free one: signed_out | not_ready | break | missed_calls | phone_lost | desk_lost | unreachable | an activity."""
    if agent.status != "available":
        return agent.status
    if agent.activity != "idle":
        return agent.activity
    return agent.paused or ("" if agent.reachable else "unreachable")


def rank(call: Waits) -> tuple[int, float, str]:
    """Callers are served in this order, over all queues of an agent: priority first, then the longest wait."""
    return (-call.priority, call.queued, call.id)


def in_order(calls: Iterable[W]) -> list[W]:
    """Callers as they are served."""
    return sorted(calls, key=rank)


def priority(usual: int, tiers: Mapping[str, int], tier: str) -> int:
    """A caller's priority: the queue's usual one, and what the customer's tier adds."""
    return usual + tiers.get(tier, 0)


def ring_of(rings: Sequence[Ring], waited: float) -> Ring:
    """The ring that counts after `waited` seconds in the queue; behind the last one anybody will do."""
    for ring in rings:
        if not ring.until or waited < ring.until:
            return ring
    return ANYBODY


def unfit(agent: Free, call: Waits, ring: Ring, now: float) -> str:
    """Why this call does not go to an agent who is free; empty when it may: turned_down:UNTIL |
    lacks:SKILL:LEVEL; UNTIL in whole seconds since 1970."""
    again = call.passed.get(agent.name, 0.0)
    if now < again:
        return f"turned_down:{again:.0f}"
    for skill, level in ring.needs.items():
        if agent.skills.get(skill, 0) < level:
            return f"lacks:{skill}:{level}"
    return ""


def choose_agent(
    call: Waits, queue: Serves, agents: Sequence[A], owner: Free | None, last: Free | None, now: float
) -> Choice[A]:
    """The owner of the caller's open complaint if free, then who spoke with the caller last where the queue wants that,
    then by the queue's strategy who has the skills; who has not passed this call yet comes first.

    `agents` are free and serve the call's queue. While the owner or the last agent is merely busy, the call is kept for
    him until it has been in the queue for the seconds that the queue gives; neither needs the skills: he knows the case.
    """
    for name, seconds, person, why, kept in (
        (call.owner, queue.owner_first, owner, "owner", "kept_for_owner"),
        (call.last if queue.last_first > 0 else "", queue.last_first, last, "last_agent", "kept_for_last"),
    ):
        if not name or name in call.passed:
            continue
        for agent in agents:
            if agent.name == name:
                return Choice(agent, why)
        if _comes(person) and now < call.lined_up + seconds:
            return Choice(None, kept)
    chosen = best(queue, agents, ring_of(queue.rings, now - call.lined_up), call.passed, now)
    return Choice(chosen, queue.strategy if chosen is not None else "nobody")


def best(queue: Serves, agents: Iterable[A], ring: Ring, passed: Mapping[str, float], now: float) -> A | None:
    """The first by the queue's strategy of those free ones who are in the ring; `passed`: agent -> when the call may be
    offered to him again, behind those who have not passed it."""
    key = STRATEGIES[queue.strategy]
    chosen, least = None, None
    for agent in agents:
        if (passed and now < passed.get(agent.name, 0.0)) or (ring.needs and not _has(agent, ring.needs)):
            continue
        found = (agent.name in passed, key(agent, queue))
        if least is None or found < least:
            chosen, least = agent, found
    return chosen


def consider(
    call: Waits, queue: Serves, agents: Iterable[Free], chosen: str, line: Callable[[Free], bool], now: float
) -> list[tuple[str, str]]:
    """Who was looked at for a call and why not he: (name, reason), in the order in which the queue would have taken
    them; then who is free and may not have it, then the busy ones. Who is signed out is left out.

    The reason is empty for the chosen one, `behind` for who came after him; `line`: whether the call's line reaches the
    agent's phone, `elsewhere` when not; else as in `unfit` and `busy`.
    """
    ring, key = ring_of(queue.rings, now - call.lined_up), STRATEGIES[queue.strategy]
    first: list[tuple[str, str]] = []
    behind: list[tuple[Key, str]] = []
    unfitting: list[tuple[str, str]] = []
    occupied: list[tuple[str, str]] = []
    for agent in agents:
        name = agent.name
        if name == chosen:
            first.append((name, ""))
        elif why := busy(agent):
            occupied.append((name, why))
        elif why := unfit(agent, call, ring, now) or ("" if line(agent) else "elsewhere"):
            unfitting.append((name, why))
        else:
            behind.append(((name in call.passed, key(agent, queue)), name))
    after = [(name, "behind") for _, name in sorted(behind)]
    there = [one for one in sorted(occupied) if one[1] != "signed_out"]
    return [*first, *after, *sorted(unfitting), *there]


def expected_wait(place: int, handling: float, agents: int) -> float:
    """Seconds until the caller at this place (1: the first) is served: each of `agents` becomes free once in `handling`
    seconds, so one of them does every `handling / agents` seconds. Infinite without agents."""
    return place * handling / agents if agents else float("inf")


def smoothed(known: float, seconds: float) -> float:
    """A mean in which the newest of about ten values counts most; the first one alone is it."""
    return known + (seconds - known) * SMOOTHING if known else seconds


def comes_free(agent: Free) -> bool:
    """Whether this agent takes calls, now or behind the present one."""
    return agent.status == "available" and agent.reachable and not agent.paused


def minutes(seconds: float) -> int:
    """An expected wait as it is spoken: whole minutes upwards, above five in steps of five."""
    told = max(1, -int(-seconds // 60))
    return told if told <= 5 else -(-told // 5) * 5


def _has(agent: Free, needs: Mapping[str, int]) -> bool:
    # (A loop: `all` over a generator takes four times as long, and a big floor is looked at here.)
    skills = agent.skills
    for skill, level in needs.items():  # noqa: SIM110
        if skills.get(skill, 0) < level:
            return False
    return True


def _comes(person: Free | None) -> bool:
    return person is not None and person.activity != "idle" and comes_free(person)


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
