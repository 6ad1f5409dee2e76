"""The figures once more, slow and obvious, from the definitions and from what happened: who entered which queue, who was
rung, who spoke with whom, who held, who left. What the conductor counted itself (`QueueLeft`, `CallHandled`, and `queue`,
`offered`, `counted_at` of other events) is not looked at, nor any row that was written from it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from callcenter import events

OUTCOMES = (
    "answered", "abandoned", "short_abandon", "deflected", "overflowed", "message_left", "callback_taken",
    "lost_by_us",
)  # fmt: skip
OFFERS = ("answered", "missed", "rejected", "device_error", "caller_gone", "withdrawn")
SHORT = 5
"""Seconds within which somebody who left is a short abandon."""
HALF_HOUR = 1800


@dataclass
class Visit:
    """A call in a queue."""

    call: str
    queue: str
    offered: float
    outcome: str = ""
    waited: float = 0.0


@dataclass
class Offer:
    """An agent was rung."""

    call: str
    agent: str
    queue: str
    counted: float
    outcome: str = ""


@dataclass
class Deed:
    """What an agent did for a call: talk | wrap_up | transfer; seconds."""

    call: str
    agent: str
    queue: str
    counted: float
    what: str
    talk: float = 0.0
    hold: float = 0.0
    wrap_up: float = 0.0


@dataclass
class Spell:
    """A time of an agent outside calls, in one state."""

    agent: str
    state: str
    reason: str
    begin: float
    end: float


@dataclass
class Seen:
    """All that happened."""

    visits: list[Visit] = field(default_factory=list)
    offers: dict[str, Offer] = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)


def look(told: Iterable[Any]) -> Seen:
    """The events in the order of the stream."""
    seen = Seen()
    calls: dict[str, _Call] = {}
    states: dict[str, tuple[str, str, float]] = {}
    for event in told:
        if isinstance(event, events.AgentChanged):
            before, reason, since = states.get(event.agent, ("", "", event.at))
            now = _state(event)
            if now != (before, reason):
                if before in ("available", "break", "not_ready", "paused") and since < event.at:
                    seen.spells.append(Spell(event.agent, before, reason, since, event.at))
                states[event.agent] = (*now, event.at)
        elif getattr(event, "call", ""):
            calls.setdefault(event.call, _Call(event.call, seen)).take(event)
    return seen


def _state(event: events.AgentChanged) -> tuple[str, str]:
    """Available is who would be rung if a call came now."""
    if event.activity != "idle":
        return "with a call", ""
    if event.status == "break":
        return "break", event.reason
    if event.status == "available" and (event.paused or not event.reachable):
        return "paused", ""
    return event.status, ""


class _Call:
    """One call's life, event by event."""

    def __init__(self, name: str, seen: Seen) -> None:
        self.name, self.seen = name, seen
        self.kind, self.started, self.first_ring = "inbound", 0.0, 0.0
        self.queue, self.here_since = "", 0.0
        self.visits: dict[str, Visit] = {}
        self.agent, self.since = "", 0.0
        self.apart: dict[str, float] = {}
        self.held = 0.0
        self.spoken = False
        self.parted: tuple[str, float, str, float] = ("", 0.0, "", 0.0)
        self.wrap_ups: dict[str, tuple[float, str, float]] = {}

    @property
    def counted(self) -> tuple[str, float]:
        """The queue that counts what is done now, and when the call was offered to it; else when it began."""
        visit = self.visits.get(self.queue)
        return (visit.queue, visit.offered) if visit else ("", self.started)

    @property
    def open(self) -> Visit | None:
        """The visit that has no outcome yet."""
        visit = self.visits.get(self.queue)
        return visit if visit is not None and not visit.outcome else None

    def take(self, event: Any) -> None:
        match event:
            case events.CallStarted():
                self.kind, self.started = event.kind, event.at
            case events.CallQueued():
                self._enters(event.queue, event.at)
            case events.CallOffered():
                offer = Offer(self.name, event.agent, event.queue, self.counted[1])
                self.seen.offers[event.offer] = offer
            case events.OfferEnded():
                self.seen.offers[event.offer].outcome = event.outcome
            case events.CallAnswered() | events.CallTakenOver():
                self._answered(event.agent, event.at)
            case events.CallTransferred():
                if event.agent == self.agent:
                    self._parted(event.at)
                if event.agent:
                    queue, counted = self.counted
                    self.seen.deeds.append(Deed(self.name, event.agent, queue, counted, "transfer"))
            case events.WrapUpStarted() if event.agent == self.agent:
                self._parted(event.at)
                self._wraps_up(event)
            case events.WrapUpStarted():
                self._wraps_up(event)
            case events.WrapUpEnded():
                self._wrapped_up(event)
            case events.CallFinished():
                self._finished(event)
            case _:
                self._heard(event)

    def _enters(self, queue: str, at: float) -> None:
        if self.open is not None:
            self.open.outcome = "overflowed"
        self.queue, self.here_since = queue, at
        self.first_ring = self.first_ring or at
        if queue not in self.visits:
            self.visits[queue] = Visit(self.name, queue, at)
            self.seen.visits.append(self.visits[queue])

    def _answered(self, agent: str, at: float) -> None:
        if (visit := self.open) is not None:
            visit.outcome, visit.waited = "answered", at - self.here_since
        self.agent, self.since, self.held, self.spoken = agent, at, 0.0, True
        self.apart.clear()

    def _heard(self, event: Any) -> None:
        """Whether the customer hears the agent, or music."""
        match event:
            case events.CallHeld():
                self.apart["held"] = event.at
            case events.ConsultStarted() | events.CallSwapped(with_customer=False):
                self.apart.setdefault("held", event.at)
            case events.CallResumed() | events.ConsultEnded() | events.CallSwapped(with_customer=True):
                self._together(event.at)

    def _together(self, at: float) -> None:
        if "held" in self.apart:
            self.held += at - self.apart.pop("held")

    def _parted(self, at: float) -> None:
        """The agent has the customer no more."""
        if not self.agent:
            return
        self._together(at)
        queue, counted = self.counted
        self.parted = (self.agent, at, queue, counted)
        if self.kind != "internal":
            whole = at - self.since
            self.seen.deeds.append(
                Deed(self.name, self.agent, queue, counted, "talk", whole - self.held, self.held)
            )
        self.agent = ""

    def _wraps_up(self, event: Any) -> None:
        agent, at, queue, counted = self.parted
        if (agent, at) == (event.agent, event.at):  # else a colleague who was only called in
            self.wrap_ups[agent] = (at, queue, counted)

    def _wrapped_up(self, event: Any) -> None:
        if event.agent in self.wrap_ups:
            begin, queue, counted = self.wrap_ups.pop(event.agent)
            self.seen.deeds.append(
                Deed(self.name, event.agent, queue, counted, "wrap_up", wrap_up=event.at - begin)
            )

    def _finished(self, event: events.CallFinished) -> None:
        self._parted(event.at)
        if (visit := self.open) is not None:
            visit.outcome = self._outcome(event)

    def _outcome(self, event: events.CallFinished) -> str:
        """Of a caller who was still waiting; behind a transfer the clock of the queue runs anew."""
        if not self.spoken and event.outcome not in ("abandoned", "short_abandon"):
            return "deflected" if event.outcome == "refused" else event.outcome
        if event.ended_by == "customer":
            begin = self.here_since if self.spoken else self.first_ring
            return "short_abandon" if event.at - begin <= SHORT else "abandoned"
        return "lost_by_us" if event.fault == "us" else "deflected"


# ---- figures ---------------------------------------------------------------------------------------------------------


@dataclass
class Centre:
    """What definitions refer to: the T of each queue, who leads whom, the zone."""

    targets: dict[str, float]
    teams: dict[str, str]
    zone: ZoneInfo


def table(seen: Seen, centre: Centre, about: str, by: str, day: str = "", queue: str = "") -> dict[str, Any]:
    """Row -> figure -> value, as `GET /reports` has them. `day`: of that one only, else of all."""
    rows: dict[str, list[Any]] = defaultdict(list)

    def put(thing: Any, at: float, agent: str) -> None:
        local = datetime.fromtimestamp(at, UTC).astimezone(centre.zone)
        if day and local.date().isoformat() != day:
            return
        half = datetime.fromtimestamp(at // HALF_HOUR * HALF_HOUR, UTC).astimezone(centre.zone)
        names: dict[str, Callable[[], str]] = {
            "half_hour": half.isoformat,
            "day": lambda: local.date().isoformat(),
            "queue": lambda: thing.queue,
            "agent": lambda: agent,
            "team": lambda: centre.teams.get(agent, ""),
        }
        rows[names[by]()].append(thing)

    for visit in seen.visits if about == "queues" else ():
        if queue in ("", visit.queue):
            put(visit, visit.offered, "")
    for offer in seen.offers.values() if about == "agents" else ():
        if queue in ("", offer.queue):
            put(offer, offer.counted, offer.agent)
    for deed in seen.deeds:
        if queue in ("", deed.queue) and (deed.queue or about == "agents"):
            put(deed, deed.counted, deed.agent)
    for spell in seen.spells if about == "agents" and not queue else ():
        begin = spell.begin
        while begin < spell.end:
            end = min(spell.end, (begin // HALF_HOUR + 1) * HALF_HOUR)
            put(Spell(spell.agent, spell.state, spell.reason, begin, end), begin, spell.agent)
            begin = end
    everybodys = {one.reason for things in rows.values() for one in things if isinstance(one, Spell)}
    reasons = sorted(everybodys - {""})
    figures = of_queues if about == "queues" else lambda *given: of_agents(*given, reasons)
    found = {name: figures(things, centre, not queue) for name, things in rows.items()}
    found["total"] = figures([one for things in rows.values() for one in things], centre, not queue)
    return found


def of_queues(things: list[Any], centre: Centre, _all: bool) -> dict[str, Any]:
    visits = [one for one in things if isinstance(one, Visit)]
    offered, answered = len(visits), [one for one in visits if one.outcome == "answered"]
    number = {outcome: len([one for one in visits if one.outcome == outcome]) for outcome in OUTCOMES}
    within = len([one for one in answered if one.waited <= centre.targets[one.queue]])
    waiting = len([one for one in visits if not one.outcome])
    assert offered == sum(number.values()) + waiting
    return {
        "offered": offered,
        **number,
        "waiting": waiting,
        "level": _by(within, number["answered"] + number["abandoned"]),
        "asa": _by(sum(one.waited for one in answered), len(answered)),
        "abandon_rate": _by(number["abandoned"], offered),
        **_conversations(things),
    }


def of_agents(things: list[Any], _centre: Centre, everything: bool, reasons: list[str]) -> dict[str, Any]:
    offers = [one for one in things if isinstance(one, Offer)]
    deeds = [one for one in things if isinstance(one, Deed)]
    spells = [one for one in things if isinstance(one, Spell)]
    time = {
        state: sum(one.end - one.begin for one in spells if one.state == state)
        for state in ("available", "break", "not_ready", "paused")
    }
    handling = sum(one.talk + one.hold + one.wrap_up for one in deeds)
    found = {
        "offers": len(offers),
        **{f"offers_{how}": len([one for one in offers if one.outcome == how]) for how in OFFERS},
        "talk": sum(one.talk for one in deeds),
        "hold": sum(one.hold for one in deeds),
        "wrap_up": sum(one.wrap_up for one in deeds),
        **_conversations(things),
    }
    if everything:
        for reason in reasons:
            found[f"break_{reason}"] = sum(one.end - one.begin for one in spells if one.reason == reason)
        found |= time | {"occupancy": _by(handling, handling + time["available"])}
    return found


def _conversations(things: list[Any]) -> dict[str, Any]:
    deeds = [one for one in things if isinstance(one, Deed)]
    handled = len({(one.call, one.agent, one.queue) for one in deeds if one.what == "talk"})
    transfers = len([one for one in deeds if one.what == "transfer"])
    wrap_up = sum(one.wrap_up for one in deeds)
    return {
        "handled": handled,
        "aht": _by(sum(one.talk + one.hold for one in deeds) + wrap_up, handled),
        "acw": _by(wrap_up, handled),
        "transfers": transfers,
        "transfer_rate": _by(transfers, handled),
    }


def _by(above: float, below: float) -> float | None:
    return above / below if below else None
