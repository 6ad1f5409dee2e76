"""One step of the conductor: what it reads of the board, what it changes, what it tells and orders. No I/O."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from callcenter import commands, events
from callcenter.calls import life
from callcenter.ids import new_id
from callcenter.routing import plans
from callcenter.routing.board import Agent, Attempt, Board, Call, Line, Queue


@dataclass(frozen=True, slots=True)
class House:
    """What a step knows of the installation. `languages` are spoken ones, the default first; `greeting`: at all."""

    numbers: tuple[str, ...] = ("hotline",)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    languages: tuple[str, ...] = ("en",)
    greeting: bool = True
    new_id: Callable[[], str] = new_id

    def day(self, at: float) -> str:
        """The local day of an instant, ISO 8601."""
        return datetime.fromtimestamp(at, UTC).astimezone(self.zone).date().isoformat()


@dataclass(frozen=True, slots=True)
class Effects:
    """What one step wants written, all or nothing. A change without a body deletes. `lookups`: call, number."""

    changes: list[tuple[str, str, bytes | None]]
    events: list[Any]
    commands: list[tuple[str, Any]]
    lookups: list[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.changes or self.events or self.commands)


class Step:
    """A step under way. Whoever changes a call, queue, attempt or line names it by `keep`; an agent comes by `agent`."""

    def __init__(self, board: Board, now: float, house: House) -> None:
        self.board, self.now, self.house = board, now, house
        self.by = ""
        self.lookups: list[tuple[str, str]] = []
        self._events: list[Any] = []
        self._commands: list[tuple[str, Any]] = []
        self._touched: dict[tuple[str, str], None] = {}
        self._agents: dict[str, tuple[Any, ...]] = {}
        self._queues: dict[str, tuple[int, float]] = {}

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
            self._queues.setdefault(name, (queue.waiting, queue.oldest))
            self._touched["board:queues", name] = None
        return queue

    def at(self, event_at: float) -> float:
        """When it happened by our clock: a line's clock may be ahead of ours."""
        return min(event_at, self.now)

    def rules_of(self, call: Call) -> Queue:
        """The rules of the call's queue; those of `default`, or the usual ones, for a call without one."""
        return self.board.queues.get(call.queue) or self.board.queues.get(plans.DEFAULT) or Queue("")

    # ---- what is changed, told, ordered --------------------------------------------------------------------------

    def keep(self, *things: Call | Attempt | Line) -> None:
        """These changed."""
        for thing in things:
            match thing:
                case Call():
                    self._touched["board:calls", thing.id] = None
                case Attempt():
                    self._touched["board:attempts", thing.attempt] = None
                case Line():
                    self._touched["board:lines", thing.name] = None

    def drop(self, key: str, name: str) -> None:
        """Off the board."""
        self.board.kind(key).pop(name, None)
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

    def order(self, line: str, command: Any) -> None:
        """Append a command for a line."""
        self._commands.append((line, command))

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

    def hang_up(self, call: Call, *, customer: bool = False, agent: bool = False) -> None:
        """Order the end of legs that are there; their LegEnded finds no call any more."""
        for wanted, leg in ((customer, call.leg), (agent, call.agent_leg)):
            if wanted and self.board.legs.pop(leg, ""):
                self.order(call.line, commands.HangUpLeg(leg))
        self._forget(call, customer, agent)

    def gone(self, call: Call, leg: str) -> None:
        """A leg has ended by itself."""
        self.board.legs.pop(leg, None)
        self._forget(call, leg == call.leg, leg == call.agent_leg)

    def _line_up(self, call: Call) -> None:
        lineup = self.board.lineup.setdefault(call.queue, {})
        if call.waiting:
            lineup[call.id] = None
        else:
            lineup.pop(call.id, None)
        queue = self.queue(call.queue)
        if queue is not None:
            queue.waiting = len(lineup)
            queue.oldest = min((self.board.calls[one].queued for one in lineup), default=0.0)

    def _forget(self, call: Call, customer: bool, agent: bool) -> None:
        if customer:
            call.leg, call.leg_state = "", ""
        if agent:
            call.agent_leg, call.agent_leg_state = "", ""
        self.keep(call)

    def effects(self) -> Effects:
        """What is to be written."""
        for name, before in self._agents.items():
            agent = self.board.agents.get(name)
            if agent is not None and _visible(agent) != before:
                self.tell(
                    events.AgentChanged(
                        self.now, name, *_visible(agent), by=self.by, since=agent.since or agent.status_since
                    )
                )
        for name, was in self._queues.items():
            queue = self.board.queues.get(name)
            if queue is not None and (queue.waiting, queue.oldest) != was:
                self.tell(events.QueueChanged(self.now, name, queue.waiting, queue.oldest))
        return Effects(
            [(key, name, self._body(key, name)) for key, name in self._touched],
            self._events,
            self._commands,
            self.lookups,
        )

    def _body(self, key: str, name: str) -> bytes | None:
        thing = self.board.kind(key).get(name)
        return None if thing is None else orjson.dumps(thing)


def _visible(agent: Agent) -> tuple[str, str, str, bool, str]:
    return (agent.status, agent.reason, agent.activity, agent.reachable, agent.paused)
