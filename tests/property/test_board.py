"""Whatever happens in whatever order, with crashes, repeated messages and a clock that is set forward and back: one
offer an agent, one winner a call, the oldest caller first, every call ended once, every claim over in time, nobody
stuck; transfers, consultations and conferences included."""

import dataclasses
import itertools
import json
from dataclasses import dataclass
from typing import Any

from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import agents, clock, flows, hearing, placed, sweep
from callcenter.routing import board as live
from callcenter.routing.board import Agent, Attempt, Board, Call, Queue
from callcenter.routing.flows import CallerFound, ClockSet, ComplaintFound, DirectoryRead, House, Tick
from callcenter.routing.plans import LiveCalendar, Published
from callcenter.routing.presence import Person
from callcenter.routing.rules import RETRY_AFTER, STRATEGIES, Ring, is_free, rank
from callcenter.routing.walk import Complaint
from tests.plans import EXCEPTIONS, WEEK, hotline

AGENTS = ("ann", "ben", "cao")
SKILLS: tuple[dict[str, int], ...] = ({"english": 80}, {"english": 30}, {})
RINGS: list[list[Ring]] = [
    [],
    [Ring(20.0, {"english": 50})],
    [Ring(10.0, {"english": 50}), Ring(40.0, {"english": 20})],
    [Ring(0.0, {"english": 20})],
]
"""None; one that relaxes; two of them; one that never does."""
OUTCOMES = (
    *("answered", "abandoned", "short_abandon", "deflected", "overflowed"),
    *("messages", "callbacks", "lost"),
)
LONGEST = {"offered": 15.0, "connecting": 60.0, "queued": 0.0, "talking": 0.0, "held": 0.0}
"""State of a call -> seconds that its present wait may last at most."""
CALLER, OTHER = "+8613800000001", "+8613900000009"


@dataclass
class Leg:
    inbound: bool
    state: str
    phone: str = ""


class Hotline(RuleBasedStateMachine):
    """The board between desks and a line that takes its time. `post`: events under way, `asked`: commands under way."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000_000.0
        self.numbers = itertools.count()
        self.house = House(new_id=lambda: f"id{next(self.numbers):06}", greeting=True)
        self.board = Board()
        self.stored: dict[str, dict[str, bytes]] = {key: {} for key in live.HASHES}
        self.legs: dict[str, Leg] = {}
        self.post: list[Any] = []
        self.asked: list[Any] = []
        self.past: list[tuple[float, Any]] = []
        self.lookups: list[str] = []
        self.enquiries: list[tuple[str, str]] = []
        self.published = 0
        self.told: list[Any] = []
        self.boot = 1
        self.attempts = 0
        self.jitter = 0.0
        self.owners: dict[str, str] = {}
        self.kept: dict[str, float] = {}
        self.came_back: dict[str, float] = {}

    # ---- the machinery -------------------------------------------------------------------------------------------

    def step(self, message: Any) -> None:
        queued = [call for call in self.board.calls.values() if call.state == "queued" and not call.passed]
        kept = [attempt for attempt in self.board.attempts.values() if attempt.stands]
        effects = flows.step(self.board, message, self.now, self.house)
        for key, name, body in effects.changes:
            if body is None:
                self.stored[key].pop(name, None)
            else:
                self.stored[key][name] = body
        self.asked += [command for _, command in effects.commands]
        self.lookups += [call for call, _ in effects.lookups]
        self.enquiries += effects.enquiries
        self.told += effects.events
        for event in effects.events:
            if (
                isinstance(event, events.CallOffered)
                and event.queue
                and not isinstance(message, commands.AssignCall)
            ):
                offered, serves = self.board.calls[event.call], self.board.agents[event.agent].queues
                assert not any(
                    rank(other) < rank(offered) and other.state == "queued" and other.queue in serves
                    and self.fits(other, self.board.agents[event.agent]) for other in queued
                ), "a caller who comes later was served first"  # fmt: skip
                assert not any(
                    rank(place) < rank(offered) and place.stands and self.takes(place, event.agent)
                    for place in kept
                    if offered.kind == "inbound"
                ), "a place that is kept was passed over"

    def fits(self, call: Call, agent: Agent) -> bool:
        """Whether the rules let this caller go to this agent now, were he free."""
        if call.queue not in agent.queues or not agents.can_be_rung(agent, call.line):
            return False
        if self.now < call.passed.get(agent.name, 0.0):
            return False
        queue = self.board.queues[call.queue]
        wanted = ((call.owner, queue.owner_first), (call.last if queue.last_first else "", queue.last_first))
        for name, seconds in wanted:
            if not name or name in call.passed:
                continue
            if name == agent.name:
                return True
            person = self.board.agents[name]
            comes = person.status == "available" and person.reachable and not person.paused
            if comes and (person.activity == "idle" or self.now < call.lined_up + seconds):
                return False
        waited = self.now - call.lined_up
        ring = next((one for one in queue.rings if not one.until or waited < one.until), None)
        return ring is None or all(agent.skills.get(name, 0) >= level for name, level in ring.needs.items())

    def takes(self, place: Attempt, name: str) -> bool:
        """Whether this agent, were he free, would have to ring back the customer whose place is kept."""
        agent, owner = self.board.agents[name], self.board.agents.get(place.owner)
        if place.queue not in agent.queues:
            return False
        calls = self.board.calls.values()
        if any(
            one.kind == "inbound" and one.state != "ended" and place.number == one.caller for one in calls
        ):
            return False
        if agent is owner:
            return True
        if owner is not None and owner.status == "available" and owner.reachable and not owner.paused:
            return False
        waited = self.now - place.queued
        rings = self.board.queues[place.queue].rings
        ring = next((one for one in rings if not one.until or waited < one.until), None)
        return ring is None or all(agent.skills.get(skill, 0) >= least for skill, least in ring.needs.items())

    def line(self, kind: type, **fields: Any) -> None:
        self.post.append(kind(at=self.now, line="line1", **fields))

    def execute(self, command: Any) -> None:
        leg = self.legs.get(command.leg)
        match command:
            case commands.DialLeg() if leg is None:
                self.legs[command.leg] = Leg(False, "ringing", command.phone or command.number)
            case _ if leg is None:
                self.line(
                    events.CommandRefused, command=type(command).__name__, leg=command.leg, code="no_such_leg"
                )
            case commands.AnswerLeg() if leg.state == "arriving":
                leg.state = "up"
                self.line(events.LegAnswered, leg=command.leg)
            case commands.HangUpLeg() | commands.RefuseLeg():
                self.end(command.leg, "cancelled", "us")
            case commands.PlayPrompts(loop=False, play=play):
                self.line(events.PromptFinished, leg=command.leg, play=play)
            case commands.BridgeLegs(other=other):
                if other in self.legs:
                    self.line(events.LegsBridged, leg=command.leg, other=other)
                else:
                    self.line(
                        events.CommandRefused, command="BridgeLegs", leg=command.leg, code="wrong_state"
                    )

    def end(self, leg: str, outcome: str, by: str) -> None:
        del self.legs[leg]
        self.line(events.LegEnded, leg=leg, outcome=outcome, by=by)

    def some(self, data: st.DataObject, **wanted: Any) -> str | None:
        fitting = [k for k, leg in self.legs.items() if all(getattr(leg, f) == v for f, v in wanted.items())]
        return data.draw(st.sampled_from(sorted(fitting))) if fitting else None

    # ---- what happens --------------------------------------------------------------------------------------------

    @initialize(
        wrap_up=st.sampled_from([0.0, 20.0]),
        greeting=st.sampled_from(["", "-"]),
        strategy=st.sampled_from(sorted(STRATEGIES)),
        rings=st.sampled_from(RINGS),
        kept=st.sampled_from([(0.0, 0.0), (15.0, 0.0), (15.0, 25.0)]),
    )
    def open(
        self, wrap_up: float, greeting: str, strategy: str, rings: list[Ring], kept: tuple[float, float]
    ) -> None:
        people = tuple(
            Person(name, phone=name, queues=("default", "second")[:number], skills=SKILLS[number - 1])
            for number, name in enumerate(AGENTS, 1)
        )
        queue = Queue(
            "default", greeting=greeting, wrap_up=wrap_up, ring_time=15.0, max_wait=120.0, max_length=4,
            overflow="second", strategy=strategy, rings=rings, order={"ben": 0, "ann": 1}, tiers={"A": 3},
            owner_first=kept[0], last_first=kept[1], callback=True, callback_every=20.0,
        )  # fmt: skip
        second = Queue("second", greeting="-", wrap_up=wrap_up, ring_time=15.0, max_wait=90.0, max_length=3)
        self.directory = DirectoryRead(
            people, (queue, second), (), (LiveCalendar("office", "Asia/Shanghai", WEEK, EXCEPTIONS),)
        )
        self.publish("main")
        self.step(events.LineStarted(self.now, "line1", "boot1", "fake", "here", 100))
        for name in AGENTS:
            self.step(events.PhoneRegistered(self.now, "line1", name, f"sip:{name}", self.now + 9e9))
        for name in AGENTS[:2]:
            self.step(commands.SignIn(name))
            self.step(commands.SetStatus(name, "available"))

    @rule(start=st.sampled_from(["hours", "main", "boss", "complaint", "mailbox", "holiday"]))
    def publish(self, start: str) -> None:
        """A new version; live calls go on with theirs."""
        self.published += 1
        plan = Published("hotline", self.published, ["menu"], json.dumps(hotline(start=start)))
        self.step(dataclasses.replace(self.directory, plans=(plan,)))

    @rule(known=st.booleans())
    def ring_the_plan(self, known: bool) -> None:
        leg = self.house.new_id()
        self.legs[leg] = Leg(True, "arriving")
        self.line(events.CallArrived, leg=leg, caller=CALLER if known else "", called="menu")

    @rule(known=st.booleans())
    def ring_in(self, known: bool) -> None:
        leg = self.house.new_id()
        self.legs[leg] = Leg(True, "arriving")
        self.line(events.CallArrived, leg=leg, caller=CALLER if known else "", called="hotline")

    @rule(owner=st.sampled_from(AGENTS), seconds=st.sampled_from([2.0, 10.0, 40.0]))
    def ring_for(self, owner: str, seconds: float) -> None:
        """A caller whose complaint somebody owns, and who waits for a while."""
        self.ring_in(True)
        self.owners[f"id{next(self.numbers) - 1:06}"] = owner
        while self.post or self.asked or self.lookups:
            self.one("asked" if self.asked else "post" if self.post else "lookups")
        self.tick(seconds, True)

    @rule(data=st.data(), steps=st.integers(1, 12))
    def go_on(self, data: st.DataObject, steps: int) -> None:
        """The line executes, events arrive, look-ups return, in any order between the streams."""
        for _ in range(steps):
            ready = [name for name in ("post", "asked", "lookups", "enquiries") if getattr(self, name)]
            if not ready:
                return
            self.one(data.draw(st.sampled_from(ready)))

    def one(self, what: str) -> None:
        if what == "post":
            event = self.post.pop(0)
            self.past.append((self.now, event))
            self.step(event)
        elif what == "asked":
            self.execute(self.asked.pop(0))
        elif what == "enquiries":
            call, number = self.enquiries.pop(0)
            mine = Complaint(number, "in_progress", "ann", "+8613800000001")
            self.step(ComplaintFound(call, number, mine if number == "1" else None))
        else:
            call = self.lookups.pop(0)
            owner, last = (("", ""), ("ann", ""), ("", "ben"), ("ben", "cao"))[len(self.told) % 4]
            owner, last = (self.owners[call], "") if call in self.owners else (owner, last)
            places = (("default", self.now - 50.0),) if len(self.told) % 3 else ()
            known = self.board.calls.get(call)
            if known is not None and known.state == "arriving" and places:
                self.came_back[call] = places[0][1]
            self.step(CallerFound(call, 7, "A", "cmn", owner, 1 if owner else 0, last, places))

    @rule(
        data=st.data(),
        how=st.sampled_from(["answer"] * 4 + ["no_answer", "busy", "refused", "failed", "hung_up"]),
    )
    def phone_does(self, data: st.DataObject, how: str) -> None:
        leg = self.some(data, inbound=False, state="up" if how == "hung_up" else "ringing")
        if leg and how == "answer":
            self.legs[leg].state = "up"
            self.line(events.LegAnswered, leg=leg)
        elif leg:
            self.end(leg, how, "remote")

    @rule()
    def all_goes_well(self) -> None:
        """Everything under way arrives, and every phone that rings is answered."""
        for _ in range(3):
            while self.post or self.asked or self.lookups:
                self.one("asked" if self.asked else "post" if self.post else "lookups")
            for leg, one in self.legs.items():
                if one.state == "ringing":
                    one.state = "up"
                    self.line(events.LegAnswered, leg=leg)

    @rule(data=st.data())
    def caller_hangs_up(self, data: st.DataObject) -> None:
        leg = self.some(data, inbound=True)
        if leg:
            self.end(leg, "hung_up", "remote")

    @rule(data=st.data(), digit=st.sampled_from("112349#*"))
    def press(self, data: st.DataObject, digit: str) -> None:
        leg = self.some(data, state="up")
        if leg:
            self.line(events.DigitPressed, leg=leg, digit=digit)

    @rule(
        agent=st.sampled_from(AGENTS),
        status=st.sampled_from(["available", "available", "not_ready", "break"]),
    )
    def choose(self, agent: str, status: str) -> None:
        self.step(commands.SignIn(agent))
        self.step(commands.SetStatus(agent, status))

    @rule(agent=st.sampled_from(AGENTS))
    def sign_out(self, agent: str) -> None:
        self.step(commands.SignOut(agent))

    @rule(
        agent=st.sampled_from(AGENTS),
        what=st.sampled_from(["reject", "hang up", "hold", "resume", "through"]),
    )
    def desk(self, agent: str, what: str) -> None:
        seen = self.board.agents[agent]
        self.step(
            {
                "reject": commands.RejectOffer(agent, seen.offer),
                "hang up": commands.HangUpCall(agent, seen.call),
                "hold": commands.HoldCall(agent, seen.call),
                "resume": commands.ResumeCall(agent, seen.call),
                "through": commands.FinishWrapUp(agent, seen.wrap_call, "done"),
            }[what]
        )

    @rule(data=st.data(), what=st.sampled_from(["assign", "move", "rank", "end wrap-up", "close", "status"]))
    def supervisor(self, data: st.DataObject, what: str) -> None:
        """Whatever is clicked on a board that may have changed since."""
        call = data.draw(st.sampled_from(sorted(self.board.calls) or ["gone"]))
        agent, queue = data.draw(st.sampled_from(AGENTS)), data.draw(st.sampled_from(["default", "second"]))
        self.step(
            {
                "assign": commands.AssignCall("sue", call, agent),
                "move": commands.MoveCall("sue", call, queue),
                "rank": commands.RankCall("sue", call, len(agent + call) % 7),
                "end wrap-up": commands.EndWrapUp("sue", agent),
                "close": commands.CloseQueue("sue", queue, not self.board.queues[queue].closed, agent < "b"),
                "status": commands.SetStatus(agent, "break", "meal", "sue"),
            }[what]
        )

    @rule(agent=st.sampled_from(["", *AGENTS]), mode=st.sampled_from(["customer_first", "agent_first"]))
    def call_back(self, agent: str, mode: str) -> None:
        self.attempts += 1
        asked = commands.PlaceCallback(f"attempt{self.attempts}", self.attempts, OTHER, agent, mode)
        self.kept[asked.attempt] = self.now
        self.past.append((self.now, asked))
        self.step(asked)

    @rule(
        number=st.sampled_from([CALLER, OTHER]),
        queue=st.sampled_from(["default", "second", "gone"]),
        owner=st.sampled_from(["", "ann", "cao"]),
        ago=st.sampled_from([0.0, 30.0, 500.0]),
        lasts=st.sampled_from([0.0, 50.0]),
    )
    def keep_a_place(self, number: str, queue: str, owner: str, ago: float, lasts: float) -> None:
        self.attempts += 1
        asked = commands.PlaceCallback(
            f"attempt{self.attempts}", self.attempts, number, "", queue=queue, since=self.now - ago,
            owner=owner, until=self.now + lasts if lasts else 0.0,
        )  # fmt: skip
        self.kept[asked.attempt] = self.now - ago
        self.past.append((self.now, asked))
        self.step(asked)

    @rule()
    def survey(self) -> None:
        self.attempts += 1
        asked = commands.PlaceSurvey(f"attempt{self.attempts}", self.attempts, "+8613900000009", "cmn")
        self.past.append((self.now, asked))
        self.step(asked)

    @rule(number=st.integers(1, 5))
    def cancel(self, number: int) -> None:
        self.step(commands.CancelAttempt(f"attempt{number}", "ann"))

    @rule(agent=st.sampled_from(AGENTS), there=st.booleans())
    def phone(self, agent: str, there: bool) -> None:
        if there:
            self.line(events.PhoneRegistered, phone=agent, contact="x", expires=self.now + 9e9)
        else:
            self.line(events.PhoneUnregistered, phone=agent, why="expired")

    @rule(seconds=st.sampled_from([0.25, 0.25, 2.0, 10.0, 40.0]), alive=st.sampled_from([True] * 7 + [False]))
    def tick(self, seconds: float, alive: bool) -> None:
        self.now += seconds
        self.step(Tick({"line1": f"boot{self.boot}"} if alive else {}))
        for call in self.board.calls.values():
            for agent in self.board.agents.values() if call.state == "queued" else ():
                assert not (is_free(agent) and self.fits(call, agent)), (call.id, agent.name)
            rings = [call.until] if call.state == "offered" else []
            for until in rings + [party.until for party in call.parties.values() if party.until]:
                assert self.now < until + sweep.GRACE, "an offer that does not end"
        for agent in self.board.agents.values():
            assert agent.activity != "wrap_up" or self.now < agent.wrap_until, "a wrap-up that does not end"
        for place in self.board.attempts.values():
            for agent in self.board.agents.values() if place.stands else ():
                assert not (is_free(agent) and self.takes(place, agent.name)), (place.id, agent.name)

    @rule(seconds=st.sampled_from([-3600.0, -20.0, -0.75, 0.75, 20.0, 3600.0, 90_000.0]))
    def set_clock(self, seconds: float) -> None:
        """The conductor sees it, as the steady clock does not go with it."""
        self.now += seconds
        self.moved(seconds)
        self.step(ClockSet(seconds))

    @rule()
    def nudge_clock(self) -> None:
        """So small a step is not looked at; the next one goes the other way."""
        self.jitter = -0.4 if not self.jitter else -self.jitter
        self.now += self.jitter

    def moved(self, seconds: float) -> None:
        self.past = [(at + seconds, message) for at, message in self.past]
        for times in (self.kept, self.came_back):
            times.update({name: at + seconds for name, at in times.items()})

    @rule(back=st.sampled_from([0.0, 0.0, 30.0, 3600.0]))
    def crash(self, back: float) -> None:
        """kill -9 of the conductor: the next one has what was committed; look-ups begin anew. The clock may have been
        set back meanwhile: the board is ahead, by a little less when nothing had happened for a while."""
        self.now -= back
        self.board = live.load(self.stored)
        late = clock.ahead(self.board, self.now)
        assert late <= back + 0.5
        if late >= clock.LEAST:
            self.moved(-late)
            self.step(ClockSet(-late))
        self.past = [] if back else self.past  # (How long ago they were is not known any more.)
        self.lookups = [call.id for call in self.board.calls.values() if call.state == "arriving"]
        self.enquiries = [
            (call.id, call.walk.pending)
            for call in self.board.calls.values()
            if call.state == "menu" and call.walk and call.walk.pending
        ]

    @precondition(lambda self: self.past)
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A message is read twice; an INVITE, no later than ended calls are remembered."""
        at, message = data.draw(st.sampled_from(self.past[-8:]))
        if not isinstance(message, events.CallArrived) or self.now - at < sweep.KEEP_ENDED:
            self.step(message)

    @rule(chance=st.integers(0, 5))
    def line_dies(self, chance: int) -> None:
        """kill -9 of the line: its legs are gone, commands under way are not executed, phones are kept."""
        if chance:
            return
        self.boot += 1
        self.legs.clear()
        self.asked.clear()
        self.line(events.LineStarted, boot=f"boot{self.boot}", driver="fake", address="here", capacity=100)

    # ---- what holds ----------------------------------------------------------------------------------------------

    @invariant()
    def the_store_knows_it_all(self) -> None:
        again = live.load(self.stored)
        again.ticked = self.board.ticked
        for board in (again, self.board):
            board.lineup = {name: waiting for name, waiting in board.lineup.items() if waiting}
            board.places = {name: waiting for name, waiting in board.places.items() if waiting}
            board.free = {name: free for name, free in board.free.items() if free}
        assert again == self.board

    @invariant()
    def agents_and_calls_agree(self) -> None:
        for agent in self.board.agents.values():
            calls = [
                call
                for call in self.board.calls.values()
                if call.involves(agent.name) and call.state != "ended"
            ]
            assert len(calls) <= 1, "two calls for one agent"
            assert [call.id for call in calls] == ([agent.call] if agent.call else [])
            party = calls[0].party_of(agent.name) if calls else None
            assert not (party and calls[0].agent == agent.name), "twice in one call"
            assert agent.offer == (party.offer if party else calls[0].offer if calls else "")
            assert (agent.activity == "idle") == (not agent.call and not agent.wrap_call)

    @invariant()
    def the_line_was_told_who_hears_whom(self) -> None:
        for call in self.board.calls.values():
            if call.state != "ended":
                scene = hearing.scene(call)
                assert call.heard == {leg: list(others) for leg, others in scene.hears.items()}
                assert set(call.heard) <= set(call.legs)
                assert len([one for one in call.parties.values() if one.role == "consult"]) <= 1
                assert all(self.board.legs[leg] == call.id for leg in call.legs)
                assert (call.state == "transferring") <= (not call.agent and bool(call.parties))
                assert (call.state == "consulting") <= bool(call.agent and call.parties)
                assert (call.state == "outside") <= (not call.agent and bool(call.parties))
            else:
                assert (call.parties, call.apart) == ({}, "")

    @invariant()
    def every_claim_ends(self) -> None:
        """No instant that is waited for lies further ahead than what is waited for ever takes."""
        little = 1.0  # (A clock that is nudged back.)
        for call in self.board.calls.values():
            assert call.until <= self.now + LONGEST.get(call.state, 400.0) + little, (call.state, call.until)
            assert all(at <= self.now + RETRY_AFTER + little for at in call.passed.values())
            assert all(one.until <= self.now + 60.0 + little for one in call.parties.values())
            assert call.since <= self.now + little
        for agent in self.board.agents.values():
            assert agent.wrap_until <= self.now + 20.0 + little
            assert (agent.activity == "wrap_up") <= bool(agent.wrap_until)
            assert max(agent.since, agent.status_since, agent.idle_since) <= self.now + little
        for attempt in self.board.attempts.values():
            assert attempt.until <= self.now + placed.PATIENCE + little

    @invariant()
    def places_are_kept(self) -> None:
        for attempt in self.board.attempts.values():
            if attempt.stands:
                assert abs(attempt.queued - self.kept[attempt.attempt]) < 1.0, (
                    "the place of a callback is lost"
                )
                assert attempt.attempt in self.board.places[attempt.queue]
        for name, since in self.came_back.items():
            call = self.board.calls.get(name)
            if call is not None and call.first_queue == "default" and call.state in ("greeting", "queued"):
                assert call.queued <= since + 1.0, "who rings in again lost the place"

    @invariant()
    def no_seconds_are_counted_twice(self) -> None:
        for event in self.told:
            for field in ("talk", "hold", "waited", "seconds"):
                assert getattr(event, field, 0.0) >= 0.0, event
            if isinstance(event, events.CallFinished) and event.answered:
                assert event.talk >= 0
                assert event.talk + event.hold <= event.at - event.answered + 0.001

    @invariant()
    def figures_add_up(self) -> None:
        for queue in self.board.queues.values():
            counted = sum(getattr(queue, outcome) for outcome in OUTCOMES)
            open_ones = [
                call
                for call in self.board.calls.values()
                if call.entered and call.entered == queue.day and call.queue == queue.name
            ]
            assert queue.offered == counted + len(open_ones)
            here = [call for call in self.board.calls.values() if call.queue == queue.name]
            assert queue.waiting == sum(call.waiting for call in here)

    @invariant()
    def each_thing_once(self) -> None:
        for kind, key in (
            (events.CallStarted, "call"),
            (events.CallAnswered, "call"),
            (events.CallFinished, "call"),
            (events.OfferEnded, "offer"),
            (events.AttemptEnded, "attempt"),
        ):
            names = [getattr(event, key) for event in self.told if isinstance(event, kind)]
            assert len(names) == len(set(names)), f"{kind.__name__} twice"

    @invariant()
    def nobody_waits_while_somebody_is_free(self) -> None:
        for call in self.board.calls.values():
            # (That an owner does not come any more is seen at the next tick, four times a second.)
            waits = call.state == "queued" and not call.owner and not call.last
            for agent in self.board.agents.values() if waits else ():
                assert not (is_free(agent) and self.fits(call, agent)), (call.id, agent.name)

    @invariant()
    def states_are_known(self) -> None:
        assert {call.state for call in self.board.calls.values()} <= set(life.STATES)

    def teardown(self) -> None:
        """Let the world come to rest: nobody is stuck, nothing rings on."""
        if not self.board.queues:
            return
        for _ in range(40):
            while self.post or self.asked or self.lookups:
                self.one("asked" if self.asked else "post" if self.post else "lookups")
            for leg in [k for k, one in self.legs.items() if one.inbound or one.state == "up"]:
                self.end(leg, "hung_up", "remote")
            for leg in list(self.legs):
                self.end(leg, "no_answer", "line")
            self.tick(1.0, True)
        for _ in range(12):
            self.tick(60.0, True)
            while self.post or self.asked or self.lookups:
                self.one("asked" if self.asked else "post" if self.post else "lookups")
        for _ in range(3):
            self.tick(3601.0, True)  # (Places are kept for an hour.)
            while self.post or self.asked or self.lookups:
                self.one("asked" if self.asked else "post" if self.post else "lookups")
        for leg in list(self.legs):
            self.end(leg, "no_answer", "line")
        for _ in range(3):
            while self.post or self.asked or self.lookups:
                self.one("asked" if self.asked else "post" if self.post else "lookups")
            self.tick(60.0, True)
        assert not [call for call in self.board.calls.values() if call.state != "ended"]
        assert {agent.activity for agent in self.board.agents.values()} == {"idle"}
        assert not self.legs
        started = {event.call for event in self.told if isinstance(event, events.CallStarted)}
        assert started == {event.call for event in self.told if isinstance(event, events.CallFinished)}
        offers = {event.offer for event in self.told if isinstance(event, events.CallOffered)}
        assert offers == {event.offer for event in self.told if isinstance(event, events.OfferEnded)}
        asked = [event for event in self.told if isinstance(event, events.ConsultStarted)]
        assert len(asked) == len([event for event in self.told if isinstance(event, events.ConsultEnded)])
        ended = {event.attempt for event in self.told if isinstance(event, events.AttemptEnded)}
        assert ended <= set(self.board.attempts)
        assert all(attempt.state == "ended" for attempt in self.board.attempts.values())


TestHotline = Hotline.TestCase
TestHotline.settings = examples(max_examples=100, stateful_step_count=60, deadline=None)
