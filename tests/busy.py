"""A week of a small centre in virtual time, drawn from a seed: the real rules between callers, phones and people who do
whatever they do, and a line that takes no time. What is told stands in `told`, as in the public stream.

Instants are eighths of a second, so that seconds add up exactly in any order.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from callcenter import commands, events
from callcenter.routing import flows
from callcenter.routing.board import Board, Queue
from callcenter.routing.flows import CallerFound, DirectoryRead, House, Tick
from callcenter.routing.presence import Person

AGENTS = {"ann": ("sales", "second"), "ben": ("sales",), "cao": ("second", "sales"), "dan": ("second",)}
QUEUES = (
    Queue("sales", numbers=["sales"], wrap_up=25.0, ring_time=15.0, max_wait=90.0, max_length=3, overflow="second",
          service_level=20.0, callback=True, voicemail="always", misses_allowed=3),
    Queue("second", numbers=["second"], wrap_up=10.0, ring_time=15.0, max_wait=60.0, max_length=3, service_level=10.0,
          misses_allowed=3),
    Queue("night", numbers=["night"], max_wait=45.0),
)  # fmt: skip
PROMPT = 2.0
"""Seconds that a prompt lasts."""
_FILE = {"leg": "", "path": "/spool/x", "started": 0.0, "seconds": 9.0}


@dataclass
class Leg:
    inbound: bool
    state: str
    who: str = ""


class Week:
    """`monday` begins it, at midnight by the clock of `zone`."""

    def __init__(self, seed: int, monday: datetime) -> None:
        self.draw = random.Random(seed)
        numbers = itertools.count(1)
        self.zone = monday.tzinfo
        assert isinstance(self.zone, ZoneInfo)
        self.monday = monday
        self.now = monday.timestamp()
        self.house = House(new_id=lambda: f"id{next(numbers):06}", zone=self.zone, greeting=False)
        self.board = Board()
        self.legs: dict[str, Leg] = {}
        self.told: list[Any] = []
        self._order = itertools.count()
        self._plans: list[tuple[float, int, Callable[[], None]]] = []
        self._ticking = False
        self._attempts = itertools.count(1)
        self._boots = itertools.count(1)

    def run(self) -> list[Any]:
        """The whole week, until everything has come to rest; what was told."""
        self._open()
        for day in range(8):
            self._plan_day(day)
        while self._plans:
            self.now, _, act = heapq.heappop(self._plans)
            assert self.now < self.monday.timestamp() + 10 * 86400, "somebody never comes to rest"
            act()
        assert not [call for call in self.board.calls.values() if call.state != "ended"]
        return self.told

    # ---- machinery -----------------------------------------------------------------------------------------------

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._plans, (max(self.now, round(when * 8) / 8), next(self._order), act))

    def soon(self, least: float, most: float, act: Callable[[], None]) -> None:
        self.at(self.now + self.draw.uniform(least, most), act)

    def step(self, message: Any) -> None:
        effects = flows.step(self.board, message, self.now, self.house)
        self.told += effects.events
        for call, _ in effects.lookups:
            self.at(self.now, lambda call=call: self.step(CallerFound(call)))  # type: ignore[misc]
        for _, command in effects.commands:
            self._execute(command)
        for event in effects.events:
            self._react(event)
        busy = any(call.state != "ended" for call in self.board.calls.values())
        busy = busy or any(one.activity != "idle" for one in self.board.agents.values())
        busy = busy or any(one.state != "ended" for one in self.board.attempts.values())
        if busy and not self._ticking:
            self._ticking = True
            self.at(self.now + 1.0, self._tick)

    def _tick(self) -> None:
        self._ticking = False
        self.step(Tick({"line1": self.boot}))

    def _line(self, kind: type, delay: float = 0.0, **fields: Any) -> None:
        self.at(self.now + delay, lambda: self.step(kind(at=self.now, line="line1", **fields)))

    def _execute(self, command: Any) -> None:
        leg = self.legs.get(getattr(command, "leg", ""))
        match command:
            case commands.DialLeg() if leg is None:
                self.legs[command.leg] = Leg(False, "ringing", command.phone or command.number)
                self._rung(command.leg)
            case commands.BridgeLegs(leg=one, other=other):
                if {one, other} <= self.legs.keys():
                    self._line(events.LegsBridged, leg=one, other=other)
            case _ if leg is None:
                return
            case commands.AnswerLeg() if leg.state == "arriving":
                leg.state = "up"
                self._line(events.LegAnswered, leg=command.leg)
            case commands.HangUpLeg() | commands.RefuseLeg():
                self.end(command.leg, "cancelled", "us")
            case commands.PlayPrompts(loop=False, play=play):
                self._line(events.PromptFinished, PROMPT, leg=command.leg, play=play)
            case commands.StartRecording(recording=name):
                self._line(events.RecordingStarted, recording=name, leg=command.leg)
                self.soon(3, 20, lambda: self._message_ends(command.leg, name))
            case commands.StopRecording(recording=name):
                self._line(events.RecordingStopped, recording=name, sound=9.0, **_FILE)

    def end(self, leg: str, outcome: str = "hung_up", by: str = "remote") -> None:
        if self.legs.pop(leg, None):
            self._line(events.LegEnded, leg=leg, outcome=outcome, by=by)

    def _message_ends(self, leg: str, name: str) -> None:
        """The caller hangs up behind some words, or without one."""
        sound = self.draw.choice([0.0, 9.0, 9.0])
        self.end(leg)
        self._line(events.RecordingStopped, 0.5, recording=name, sound=sound, **_FILE)

    # ---- what people do ------------------------------------------------------------------------------------------

    def _open(self) -> None:
        people = tuple(Person(name, phone=name, queues=queues) for name, queues in AGENTS.items())
        self._boot()
        self.step(DirectoryRead(people, QUEUES, (), ()))
        for name in AGENTS:
            self.step(events.PhoneRegistered(self.now, "line1", name, f"sip:{name}", self.now + 9e9))

    def _boot(self) -> None:
        """A line begins, or dies with all its legs and begins again."""
        self.boot = f"boot{next(self._boots)}"
        self.legs.clear()
        self.step(events.LineStarted(self.now, "line1", self.boot, "fake", "here", 100))

    def _die(self) -> None:
        """The line dies, as soon as somebody waits and somebody speaks."""
        states = {call.state for call in self.board.calls.values()}
        if {"queued", "bridged"} <= states:
            self._boot()
        else:
            self.at(self.now + 1, self._die)

    def _plan_day(self, day: int) -> None:
        midnight = (self.monday + timedelta(days=day)).timestamp()

        def hour(hours: float) -> float:
            return midnight + hours * 3600

        for name, begin, end in (
            ("ann", 8.9, 17.1),
            ("ben", 9.2, 13.4),
            ("cao", 21.8, 27.9),
            ("dan", 9.4, 12),
        ):
            begin += self.draw.uniform(0, 0.1)
            self.at(hour(begin), lambda name=name: self.step(commands.SignIn(name)))  # type: ignore[misc]
            self.at(hour(begin + 0.02), lambda name=name: self._choose(name, "available"))  # type: ignore[misc]
            for _ in range(4):
                rest, back = sorted(self.draw.uniform(begin + 0.1, end) for _ in range(2))
                status = self.draw.choice(["break", "break", "not_ready"])
                self.at(hour(rest), lambda name=name, status=status: self._choose(name, status))  # type: ignore[misc]
                self.at(hour(min(back, rest + 0.7)), lambda name=name: self._choose(name, "available"))  # type: ignore[misc]
            self.at(hour(end), lambda name=name: self.step(commands.SignOut(name)))  # type: ignore[misc]
        bursts = [
            (9.5, 12),
            (11.9, 12),
            (13.2, 6),
            (15.95, 8),
            (23.95, 12),
            (24.5, 4),
            (25.4, 5),
            (26.1, 6),
            (26.6, 6),
            (27.2, 4),
        ]
        for begin, calls in bursts:
            for _ in range(calls):
                self.at(hour(begin + self.draw.uniform(0, 0.15)), self._ring_in)
        self.at(hour(9.6), self._supervise)
        self.at(hour(12.0), self._supervise)
        for hours in (9.9, 12.02, 15.0, 16.2):
            self.at(hour(hours), self._call_back)
        if day in (3, 6):
            self.at(hour(11.9 if day == 3 else 25.4), self._die)

    def _choose(self, name: str, status: str) -> None:
        if self.board.agents[name].status != "signed_out":
            reason = self.draw.choice(["meal", "training"]) if status == "break" else ""
            self.step(commands.SetStatus(name, status, reason))

    def _ring_in(self) -> None:
        leg = self.house.new_id()
        self.legs[leg] = Leg(True, "arriving")
        caller = f"+86138{self.draw.randrange(10**8):08}"
        called = self.draw.choice(["sales"] * 4 + ["second"] * 2 + ["night"])
        self.step(events.CallArrived(self.now, "line1", leg, caller, called))
        patience = self.draw.choice([2.0, 5.0, 5.125, 20.0, 60.0, 150.0, 150.0, 150.0])
        self.at(self.now + patience, lambda: self._impatient(leg))
        match self.draw.randrange(8):
            case 0:  # rings back, please: this number
                self.at(self.now + 6, lambda: self._press(leg, "1"))
                self.at(self.now + self.draw.choice([7, 30]), lambda: self._press(leg, "1"))
            case 1:
                self.at(self.now + 8, lambda: self._press(leg, "2"))

    def _press(self, leg: str, digit: str) -> None:
        if leg in self.legs:
            self.step(events.DigitPressed(self.now, "line1", leg, digit))

    def _impatient(self, leg: str) -> None:
        call = self.board.call_of(leg)
        if call is not None and call.leg == leg and not call.answered:
            self.end(leg)

    def _rung(self, leg: str) -> None:
        """A phone rings: it is answered, or not."""
        how = self.draw.choice(["answer"] * 7 + ["reject", "busy", "failed", "ignore"])
        if how == "answer":
            self.soon(1, 12, lambda: self._pick_up(leg))
        elif how == "reject":
            self.soon(1, 5, lambda: self._reject(leg))
        elif how == "ignore":
            self.at(self.now + 14.5, lambda: self.end(leg, "no_answer", "line"))
        else:
            self.at(self.now + 0.5, lambda: self.end(leg, how))

    def _pick_up(self, leg: str) -> None:
        if leg in self.legs:
            self.legs[leg].state = "up"
            self._line(events.LegAnswered, leg=leg)

    def _reject(self, leg: str) -> None:
        agent = self.board.agents.get(self.legs[leg].who) if leg in self.legs else None
        if agent is None:
            self.end(leg, "refused")
        elif agent.offer:
            self.step(commands.RejectOffer(agent.name, agent.offer))

    def _react(self, event: Any) -> None:
        match event:
            case events.CallAnswered() | events.CallTakenOver():
                self._converse(event.call, event.agent)
            case events.CallTransferred(kind="number", call=call):
                self.soon(10, 60, lambda: self._ends(call, ""))
            case events.WrapUpStarted(call=call, agent=agent):
                if self.draw.random() < 0.3:
                    self.soon(1, 5, lambda: self.step(commands.ExtendWrapUp(agent, 30.0)))
                if self.draw.random() < 0.6:
                    self.soon(2, 24, lambda: self.step(commands.FinishWrapUp(agent, call, "done")))

    def _converse(self, call: str, agent: str) -> None:
        """What an agent does while the customer is there; whatever the state does not allow is refused."""

        def does(least: float, most: float, *asked: Any) -> None:
            when = self.now
            for one in asked:
                when += self.draw.uniform(least, most)
                self.at(when, lambda one=one: self.step(one))  # type: ignore[misc]

        others = [self.board.agents[name] for name in AGENTS if name != agent]
        free = [one for one in others if one.status != "signed_out" and one.activity == "idle"]
        other = self.draw.choice(free or others).name
        consult = commands.ConsultCall(agent, call, "agent", other)
        held = (commands.HoldCall(agent, call), commands.ResumeCall(agent, call))
        match self.draw.randrange(14):
            case 0 | 1:
                does(5, 40, *held, *held)
            case 2:
                does(5, 40, commands.TransferCall(agent, call, "agent", other))
            case 3 | 4:
                does(
                    5, 40, commands.TransferCall(agent, call, "queue", self.draw.choice(["sales", "second"]))
                )
            case 5:
                does(15, 30, held[0], consult, commands.CompleteTransfer(agent, call))
            case 6:
                does(14, 25, consult, commands.SwapCall(agent, call), commands.SwapCall(agent, call),
                     commands.DropParty(agent, call))  # fmt: skip
            case 7:
                does(14, 25, consult, commands.JoinCall(agent, call), commands.LeaveCall(agent, call))
            case 8:
                does(5, 12, consult, commands.CompleteTransfer(agent, call))
            case 9:
                outside = "+86139" + f"{self.draw.randrange(10**8):08}"
                does(
                    14,
                    25,
                    commands.ConsultCall(agent, call, "number", outside),
                    commands.CompleteTransfer(agent, call),
                )
            case 10:
                does(5, 20, consult, commands.JoinCall(agent, call))
        length = self.draw.choice([0.5, 20, 90, 240, 1500])
        self.soon(length, 2 * length, lambda: self._ends(call, agent))

    def _ends(self, call: str, agent: str) -> None:
        live = self.board.calls.get(call)
        if live is None or live.state == "ended":
            return
        if agent and self.draw.random() < 0.5 and live.agent == agent:
            self.step(commands.HangUpCall(agent, call))
        elif live.leg:
            self.end(live.leg)

    def _supervise(self) -> None:
        """Whoever waits is moved, closed upon, given."""
        waiting = sorted(name for name, one in self.board.calls.items() if one.state == "queued")
        for number, call in enumerate(waiting):
            self.step(
                commands.MoveCall("sue", call, "second")
                if number % 2
                else commands.AssignCall("sue", call, "ann")
            )
        self.step(commands.CloseQueue("sue", "sales", True, send_away=self.draw.random() < 0.5))
        self.soon(60, 200, lambda: self.step(commands.CloseQueue("sue", "sales", False, send_away=False)))

    def _call_back(self) -> None:
        number, mode = next(self._attempts), self.draw.choice(["customer_first", "agent_first"])
        to = f"+86137{self.draw.randrange(10**8):08}"
        queue = self.draw.choice(["", "sales"])
        agent = "" if queue else "ann"
        asked = commands.PlaceCallback(
            f"attempt{number}", number, to, agent, mode, queue=queue, since=self.now
        )
        self.step(asked)
