"""One step of the conductor: what it reads of the board, what it changes, what it tells and orders. No I/O."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from callcenter import commands, events
from callcenter.calls import life
from callcenter.ids import new_id
from callcenter.routing import hearing, plans
from callcenter.routing.board import Agent, Attempt, Board, Call, Left, Line, Queue
from callcenter.routing.lineup import Lineup
from callcenter.routing.plans import LiveCalendar, Published

RINGBACK = ("tone:450:1000", "silence:4000")
"""What an agent hears while somebody's phone rings (the ring of the mainland's network)."""


@dataclass(frozen=True, slots=True)
class House:
    """What a step knows of the installation. `languages` are spoken ones, the default first; `greeting`: at all;
    `recording_pause`: seconds after which a pause for card data ends by itself; `country` (ISO 3166): how agents dial;
    `second_call`: refuse | wait, for a colleague who is busy; `resume_within`: seconds in which a caller who hung up while
    waiting has the place back, 0 for never; `guests_go_on`: customer and guest may go on when the agent leaves a
    conference; `releasing`: trunks that take a call back; `may_ring`: whether the house itself may dial a number (never an
    emergency number)."""

    numbers: tuple[str, ...] = ("hotline",)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    languages: tuple[str, ...] = ("en",)
    greeting: bool = True
    recording_pause: float = 120.0
    country: str = "CN"
    second_call: str = "refuse"
    resume_within: float = 300.0
    guests_go_on: bool = True
    releasing: frozenset[str] = frozenset()
    may_ring: Callable[[str], bool] = bool
    new_id: Callable[[], str] = new_id

    def day(self, at: float) -> str:
        """The local day of an instant, ISO 8601."""
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).date().isoformat()


@dataclass(frozen=True, slots=True)
class Effects:
    """What one step wants written, all or nothing. A change without a body deletes. `lookups`: call, number.
    `enquiries`: call, digits of a complaint's number."""

    changes: list[tuple[str, str, bytes | None]]
    events: list[Any]
    commands: list[tuple[str, Any]]
    lookups: list[tuple[str, str]]
    enquiries: list[tuple[str, str]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes or self.events or self.commands)


class Step:
    """A step under way. Whoever changes a call, queue, attempt or line names it by `keep`; an agent comes by `agent`."""

    def __init__(self, board: Board, now: float, house: House) -> None:
        self.board, self.now, self.house = board, now, house
        self.by = ""
        self.time_passed = False
        self.lookups: list[tuple[str, str]] = []
        self.enquiries: list[tuple[str, str]] = []
        self._events: list[Any] = []
        self._commands: list[tuple[str, Any]] = []
        self._touched: dict[tuple[str, str], None] = {}
        self._places: dict[str, None] = {}
        self._agents: dict[str, tuple[Any, ...]] = {}
        self._queues: dict[str, tuple[int, float, int]] = {}

    # ---- what is read --------------------------------------------------------------------------------------------

    def agent(self, name: str) -> Agent | None:
        """An agent, to be changed: a difference at the end of the step is told."""
        agent = self.board.agents.get(name)
        if agent is not None and name not in self._agents:
            self._agents[name] = _visible(agent)
            self._touched["board:agents", name] = None
        return agent

    def queue(self, name: str) -> Queue | None:
        """A queue, to be changed."""
        queue = self.board.queues.get(name)
        if queue is not None:
            self._queues.setdefault(name, _seen(queue))
            self._touched["board:queues", name] = None
        return queue

    def staffed(self, queue: str) -> bool:
        """Whether anybody who serves the queue is signed in."""
        agents = self.board.agents
        return any(agents[name].status != "signed_out" for name in self.board.serving.get(queue, {}))

    def at(self, event_at: float) -> float:
        """When it happened by our clock: a line's clock may be ahead of ours."""
        return min(event_at, self.now)

    def rules_of(self, call: Call) -> Queue:
        """The rules of the call's queue; those of `default`, or the usual ones, for a call without one."""
        return self.board.queues.get(call.queue) or self.board.queues.get(plans.DEFAULT) or Queue("")

    # ---- what is changed, told, ordered --------------------------------------------------------------------------

    def keep(self, *things: Call | Attempt | Line | Left | Published | LiveCalendar) -> None:
        """These changed."""
        for thing in things:
            match thing:
                case Call():
                    self._touched["board:calls", thing.id] = None
                case Attempt():
                    self._touched["board:attempts", thing.attempt] = None
                    self._places[thing.queue] = None
                case Line():
                    self._touched["board:lines", thing.name] = None
                case Left():
                    self._touched["board:left", thing.key] = None
                case Published():
                    self._touched["board:plans", thing.key] = None
                case LiveCalendar():
                    self._touched["board:calendars", thing.name] = None

    def drop(self, key: str, name: str) -> None:
        """Off the board."""
        gone = self.board.kind(key).pop(name, None)
        if isinstance(gone, Agent):
            self.board.forget(gone)
        self._touched[key, name] = None

    def enter(self, call: Call, happening: str) -> None:
        """Move the call on; an illegal step raises."""
        waited = call.waiting
        call.state = life.advance(call.state, happening)
        call.since = self.now
        self.keep(call)
        if call.waiting != waited:
            self._line_up(call)

    def tell(self, event: Any) -> None:
        """Append a public event."""
        self._events.append(event)

    def order(self, line: str, command: Any, first: bool = False) -> None:
        """Append a command for a line; `first`: before the other orders of this step."""
        self._commands.insert(0 if first else len(self._commands), (line, command))

    def touched_calls(self) -> list[Call]:
        """The calls that this step has changed and that are still on the board."""
        named = [name for key, name in self._touched if key == "board:calls"]
        return [self.board.calls[name] for name in named if name in self.board.calls]

    def touched_attempts(self) -> list[Attempt]:
        """The attempts that this step has changed and that are still on the board."""
        named = [name for key, name in self._touched if key == "board:attempts"]
        return [self.board.attempts[name] for name in named if name in self.board.attempts]

    def look_at_agents(self) -> None:
        """Bring the board's list of who is free up to date with this step."""
        for name in self._agents:
            agent = self.board.agents.get(name)
            if agent is not None:
                self.board.look_at(agent)

    def stirred(self) -> list[str]:
        """Queues in which somebody waits and an agent is free, and in which something may have changed in this step."""
        lineup, places, free = self.board.lineup, self.board.places, self.board.free
        if self.time_passed:
            names: Iterable[str] = dict.fromkeys([*lineup, *places])
        else:
            agents = (self.board.agents.get(name) for name in self._agents)
            served = [queue for agent in agents if agent for queue in agent.queues]
            waits = [one.queue for one in self.touched_calls() if one.state == "queued"]
            names = dict.fromkeys([*served, *waits, *self._places])
        return [name for name in names if free.get(name) and (lineup.get(name) or places.get(name))]

    def heal(self, what: str, subject: str, why: str) -> None:
        """Say what a sweep put right."""
        self.tell(events.Healed(self.now, what, subject, why))

    def refuse(self, agent: str, command: object, code: str, call: str = "") -> None:
        """Tell the person who asked that it cannot be done."""
        self.tell(events.DeskCommandRefused(self.now, agent, type(command).__name__, code, call))

    # ---- pieces that several parts of a flow use -----------------------------------------------------------------

    def play(self, call: Call, hearing: str, *prompts: str, loop: bool = False) -> None:
        """Let the customer hear prompts; `hearing` says what for."""
        call.plays += 1
        call.hearing = hearing
        self.keep(call)
        self.order(call.line, commands.PlayPrompts(call.leg, str(call.plays), prompts, loop))

    def hang_up(
        self, call: Call, *, customer: bool = False, agent: bool = False, parties: Iterable[str] = ()
    ) -> None:
        """Order the end of legs that are there; their LegEnded finds no call any more."""
        for leg in list(parties):
            if self.board.legs.pop(leg, ""):
                self.order(call.line, commands.HangUpLeg(leg))
            self.gone(call, leg)
        for wanted, leg in ((customer, call.leg), (agent, call.agent_leg)):
            if wanted and self.board.legs.pop(leg, ""):
                self.order(call.line, commands.HangUpLeg(leg))
        self._forget(call, customer, agent)

    def gone(self, call: Call, leg: str) -> None:
        """A leg has ended by itself, or goes over to another call."""
        self.board.legs.pop(leg, None)
        call.parties.pop(leg, None)
        _unheard(call, leg)
        self._forget(call, leg == call.leg, leg == call.agent_leg)

    def _line_up(self, call: Call) -> None:
        lineup = self.board.lineup.setdefault(call.queue, Lineup())
        if call.waiting:
            lineup.put(call)
        else:
            lineup.remove(call.id)
        self._count_waiting(call.queue)

    def _count_waiting(self, name: str) -> None:
        queue, lineup = self.queue(name), self.board.lineup[name]
        if queue is not None:
            queue.waiting, queue.oldest = len(lineup), lineup.oldest

    def line_up_again(self, call: Call, queue: str = "") -> None:
        """A waiting call is in another queue now, or its priority is another one."""
        if queue:
            waiting, call.queue = call.queue, queue
            self.board.lineup.setdefault(waiting, Lineup()).remove(call.id)
            self._count_waiting(waiting)
        self.keep(call)
        self._line_up(call)

    def _forget(self, call: Call, customer: bool, agent: bool) -> None:
        if customer:
            _unheard(call, call.leg)
            call.leg, call.leg_state, call.caller_held = "", "", False
        if agent:
            _unheard(call, call.agent_leg)
            call.agent_leg, call.agent_leg_state, call.phone_held = "", "", False
        self.keep(call)

    def _set_scene(self, call: Call) -> None:
        """Tell the line what is different in who hears whom, and who hears music or a ring meanwhile."""
        wanted = hearing.scene(call)
        orders = hearing.changes(call.heard, wanted.hears)
        bridged = {
            leg for one in orders if isinstance(one, commands.BridgeLegs) for leg in (one.leg, one.other)
        }
        for leg in [leg for leg in wanted.hears if leg not in bridged]:
            self._quiet(call, leg)
        for command in orders:
            self.order(call.line, command)
        call.heard = {leg: list(others) for leg, others in wanted.hears.items()}
        if call.leg in wanted.hears:
            call.hearing = ""
        elif call.leg in wanted.music and call.hearing != "music":
            self.play(call, "music", self.rules_of(call).waiting_music, loop=True)
        for leg in [leg for leg in call.prompted if leg in wanted.hears]:
            call.prompted.pop(leg)
        for leg, what in [(leg, "music") for leg in wanted.music] + [
            (one, "ringback") for one in wanted.ringback
        ]:
            if leg != call.leg and call.prompted.get(leg) != what:
                call.prompted[leg] = what
                prompts = (self.rules_of(call).waiting_music,) if what == "music" else RINGBACK
                self.order(call.line, commands.PlayPrompts(leg, what, prompts, loop=True))
        self._clock(call)

    def _quiet(self, call: Call, leg: str) -> None:
        """What a leg hears of others is behind its prompt, which ends first. A bridge alone ends it by itself."""
        playing = call.hearing if leg == call.leg else call.prompted.pop(leg, "")
        if playing:
            self.order(call.line, commands.StopPrompts(leg))

    def _clock(self, call: Call) -> None:
        """Seconds that the customer is on hold, and seconds between two agents."""
        if not call.answered:
            return
        if call.state in life.WITH_AGENT:
            runs = "" if call.leg in call.heard else "hold"
        else:
            runs = "" if call.state in ("outside", "ended") else "wait"
        if runs != call.apart:
            self.stop_clock(call, self.now)
            call.apart, call.apart_since = runs, self.now if runs else 0.0

    def stop_clock(self, call: Call, at: float) -> None:
        """Count the hold or the wait that runs, until `at`."""
        seconds = max(0.0, at - call.apart_since)
        if call.apart == "hold":
            call.held += seconds
        elif call.apart:
            call.between += seconds
        call.apart, call.apart_since = "", 0.0

    def effects(self) -> Effects:
        """What is to be written."""
        for key, name in list(self._touched):
            call = self.board.calls.get(name) if key == "board:calls" else None
            if call is not None and call.state != "ended":
                self._set_scene(call)
        self.look_at_agents()
        for name in self._places:
            if (kept := self.queue(name)) is not None:
                kept.kept = len(self.board.places.get(name, ()))
        for name, before in self._agents.items():
            agent = self.board.agents.get(name) or Agent(name, since=self.now)  # who is gone is signed out
            if _visible(agent) != before:
                self.tell(
                    events.AgentChanged(
                        self.now, name, *_visible(agent), by=self.by, since=agent.since or agent.status_since
                    )
                )
        for name, was in self._queues.items():
            queue = self.board.queues.get(name)
            if queue is not None and _seen(queue) != was:
                self.tell(events.QueueChanged(self.now, name, *_seen(queue)))
        return Effects(
            [(key, name, self._body(key, name)) for key, name in self._touched],
            self._events,
            self._commands,
            self.lookups,
            self.enquiries,
        )

    def _body(self, key: str, name: str) -> bytes | None:
        thing = self.board.kind(key).get(name)
        return None if thing is None else orjson.dumps(thing)


def _unheard(call: Call, leg: str) -> None:
    """The line parts a leg that is gone from the others by itself."""
    call.prompted.pop(leg, None)
    call.heard.pop(leg, None)
    left = {one: [other for other in others if other != leg] for one, others in call.heard.items()}
    call.heard = {one: others for one, others in left.items() if others}


def _seen(queue: Queue) -> tuple[int, float, int]:
    return (queue.waiting, queue.oldest, queue.kept)


def _visible(agent: Agent) -> tuple[str, str, str, bool, str]:
    return (agent.status, agent.reason, agent.activity, agent.reachable, agent.paused)
