"""Waiting callers and free agents, as the conductor brings them together: over several queues, by skill, explained."""

from typing import Any

from callcenter import commands, events
from callcenter.calls import considered
from callcenter.routing.board import Agent, Attempt, Board, Call, Line, Queue
from callcenter.routing.flows import House, Tick, step
from callcenter.routing.rules import Ring

NOW = 1_795_338_000.0
HOUSE = House()
ENGLISH = [Ring(60.0, {"english": 50})]


def board(*queues: Queue) -> Board:
    made = Board(ticked=NOW)
    made.queues = {queue.name: queue for queue in queues}
    made.lines["line1"] = Line("line1", boot="b", up=True)
    return made


def agent(on: Board, name: str, *queues: str, **more: Any) -> Agent:
    made = Agent(
        name, status="available", reachable=True, fixed=True, phone=name, queues=list(queues), **more
    )
    on.agents[name] = made
    on.index()
    return made


def caller(on: Board, name: str, queue: str, waited: float, **more: Any) -> Call:
    usual: dict[str, Any] = {
        "state": "queued", "leg": name, "leg_state": "up", "line": "line1", "announced": True, "hearing": "music",
        "first_queue": queue, "started": NOW - waited, "queued": NOW - waited, "lined_up": NOW - waited,
        "since": NOW - waited, "place_told": 1, "place_told_at": NOW,
    }  # fmt: skip
    made = Call(name, queue=queue, **{**usual, **more})
    on.calls[name] = made
    on.index()
    return made


def tick(on: Board, now: float = NOW) -> list[Any]:
    return step(on, Tick({"line1": "b"}), now, HOUSE).events


def offered(told: list[Any]) -> dict[str, str]:
    return {one.call: one.agent for one in told if isinstance(one, events.CallOffered)}


def decided(told: list[Any]) -> list[events.RoutingDecided]:
    return [one for one in told if isinstance(one, events.RoutingDecided)]


def test_an_agent_of_several_queues_serves_by_priority_then_by_age() -> None:
    on = board(Queue("a"), Queue("b", priority=5), Queue("c"))
    agent(on, "ann", "a", "b")
    caller(on, "old", "a", 90.0)
    caller(on, "young", "b", 10.0, priority=5)
    caller(on, "foreign", "c", 500.0, priority=9)
    assert offered(tick(on)) == {"young": "ann"}


def test_who_has_not_the_skill_takes_the_next_caller_and_the_first_waits() -> None:
    on = board(Queue("a", rings=ENGLISH))
    on.queues["b"] = Queue("b")
    agent(on, "ann", "a", "b", skills={"english": 20})
    caller(on, "first", "a", 30.0)
    caller(on, "second", "b", 5.0)
    told = tick(on)
    assert offered(told) == {"second": "ann"}
    waits = next(one for one in decided(told) if one.call == "first")
    assert (waits.agent, waits.why) == ("", "nobody")
    assert waits.considered == ("ann lacks:english:50",)


def test_time_alone_relaxes_the_skills() -> None:
    on = board(Queue("a", rings=ENGLISH))
    agent(on, "ann", "a")
    caller(on, "c", "a", 59.0)
    assert not offered(tick(on))
    assert not decided(tick(on, NOW + 0.25))
    assert offered(tick(on, NOW + 1.0)) == {"c": "ann"}


def test_a_decision_is_told_once_and_again_when_it_differs() -> None:
    on = board(Queue("a"))
    ann = agent(on, "ann", "a", idle_since=1.0)
    agent(on, "ben", "a", idle_since=2.0)
    agent(on, "cao", "a").status = "break"
    ann.activity, on.agents["ben"].activity = "wrap_up", "wrap_up"
    ann.wrap_until = on.agents["ben"].wrap_until = NOW + 10
    on.index()
    caller(on, "c", "a", 5.0)
    assert [one.why for one in decided(tick(on))] == ["nobody"]
    assert decided(tick(on, NOW + 1)) == []
    told = decided(tick(on, NOW + 11))
    assert [(one.agent, one.why) for one in told] == [("ann", "longest_idle")]
    assert told[0].considered == ("ann ", "ben behind", "cao break")


def test_a_caller_who_begins_to_wait_is_told_of_with_who_is_busy() -> None:
    on = board(Queue("a", greeting="-"))
    agent(on, "ann", "a", activity="talking", call="x")
    agent(on, "ben", "a").status = "signed_out"
    on.index()
    caller(
        on, "x", "a", 5.0, state="bridged", agent="ann", answered=NOW - 4, agent_leg="l", agent_leg_state="up"
    )
    caller(on, "c", "a", 0.0, state="greeting", hearing="greeting", plays=1)
    told = step(on, events.PromptFinished(NOW, "line1", "c", "1"), NOW, HOUSE).events
    assert [(one.why, one.considered) for one in decided(told)] == [("nobody", ("ann talking",))]


def test_each_agent_gets_one_of_many_and_a_large_queue_names_twenty() -> None:
    on = board(Queue("a"))
    for number in range(30):
        agent(on, f"agent{number:02}", "a", idle_since=float(number))
    for number in range(40):
        caller(on, f"call{number:02}", "a", 100.0 - number)
    told = tick(on)
    assert offered(told) == {f"call{n:02}": f"agent{n:02}" for n in range(30)}
    first = decided(told)[0]
    assert (len(first.considered), first.more) == (20, 10)
    assert first.counts == ("behind 29",)
    assert considered.unpack(first.everyone) == [
        ("", ["agent00"]),
        ("behind", [f"agent{n:02}" for n in range(1, 30)]),
    ]
    assert (first.before, decided(told)[7].before) == (0, 7)


def test_who_is_turned_away_like_those_before_is_told_why_and_where_he_stands() -> None:
    on = board(Queue("a", rings=ENGLISH))
    agent(on, "ann", "a", skills={"english": 20})
    agent(on, "ben", "a").status = "break"
    for number in range(3):
        caller(on, f"call{number}", "a", 30.0 - number)
    on.attempts["place"] = Attempt(
        "place", "callback", at=NOW - 29.5, until=NOW + 99, queue="a", number="+861"
    )
    on.index()
    told = {one.call or one.attempt: one for one in decided(tick(on))}
    assert sorted(told) == ["call0", "call1", "call2", "place"]
    assert {(one.why, one.counts) for one in told.values()} == {("nobody", ("lacks:english:50 1", "break 1"))}
    assert [(told[name].before, told[name].places) for name in ("call0", "place", "call2")] == [
        (0, 0),
        (1, 0),
        (2, 1),
    ]
    assert (told["call1"].relaxes, told["call1"].everyone) == (NOW + 31.0, "")
    assert not decided(tick(on, NOW + 1.0)), "told once"


def test_a_place_that_is_kept_while_nobody_is_free_is_told_of() -> None:
    on = board(Queue("a"))
    agent(on, "ann", "a", activity="talking", call="x")
    asked = commands.PlaceCallback("place", 1, "+8613900000009", "", queue="a", since=NOW - 60)
    told = decided(step(on, asked, NOW, HOUSE).events)
    assert [(one.call, one.attempt, one.why, one.considered) for one in told] == [
        ("", "place", "nobody", ("ann talking",))
    ]


def test_a_floor_of_hundreds_is_told_in_a_few_bytes_a_head() -> None:
    found = [(f"agent{n:03}", "talking" if n % 3 else "turned_down:99") for n in range(500)]
    kinds = considered.by_kind(found)
    assert considered.counted(considered.counts(kinds)) == [("turned_down", 167), ("talking", 333)]
    packed = considered.pack(kinds)
    assert considered.unpack(packed) == [(kind, names) for kind, names in kinds.items()]
    assert len(packed) < 5 * len(found)
    assert considered.unpack("") == []


def test_round_robin_is_remembered_and_calls_of_the_day_are_counted() -> None:
    on = board(Queue("a", strategy="round_robin", turn="ann"))
    agent(on, "ann", "a", idle_since=1.0)
    agent(on, "ben", "a", idle_since=2.0)
    caller(on, "c", "a", 5.0)
    assert offered(tick(on)) == {"c": "ben"}
    assert on.queues["a"].turn == "ben"
    leg = on.calls["c"].agent_leg
    step(on, events.LegAnswered(NOW, "line1", leg), NOW, HOUSE)
    step(on, events.LegsBridged(NOW, "line1", "c", leg), NOW, HOUSE)
    step(on, events.LegEnded(NOW + 30, "line1", "c", "hung_up", "remote"), NOW + 30, HOUSE)
    ben = on.agents["ben"]
    assert (ben.taken, ben.talked, ben.activity) == (1, 30.0, "wrap_up")
    tick(on, NOW + 86_400 + 40)
    assert (ben.taken, ben.talked) == (0, 0.0)
