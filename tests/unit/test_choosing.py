"""Who gets a call: free, by strategy, with the skills; owner and last agent; and why not the others."""

from dataclasses import dataclass, field

import pytest

from callcenter.routing import rules
from callcenter.routing.lineup import Lineup, merged
from callcenter.routing.rules import Ring


@dataclass
class Agent:
    name: str
    idle_since: float = 0.0
    status: str = "available"
    activity: str = "idle"
    reachable: bool = True
    paused: str = ""
    queues: list[str] = field(default_factory=lambda: ["default"])
    skills: dict[str, int] = field(default_factory=dict)
    taken: int = 0
    talked: float = 0.0


@dataclass
class Call:
    id: str = "call"
    queue: str = "default"
    queued: float = 100.0
    lined_up: float = 100.0
    priority: int = 0
    owner: str = ""
    last: str = ""
    passed: dict[str, float] = field(default_factory=dict)


@dataclass
class Queue:
    strategy: str = "longest_idle"
    rings: list[Ring] = field(default_factory=list)
    order: dict[str, int] = field(default_factory=dict)
    turn: str = ""
    owner_first: float = 0.0
    last_first: float = 0.0


RELAXING = [Ring(60.0, {"english": 50}), Ring(120.0, {"english": 20}), Ring(0.0, {})]


def choice(call: Call, *agents: Agent, queue: Queue | None = None, now: float = 101.0) -> tuple[str, str]:
    """Whom the rules choose among the free ones, and why."""
    free = [agent for agent in agents if rules.is_free(agent)]
    owner, last = (next((one for one in agents if one.name == who), None) for who in (call.owner, call.last))
    found = rules.choose_agent(call, queue or Queue(), free, owner, last, now)
    return (found.agent.name if found.agent else ""), found.why


def chosen(call: Call, *agents: Agent, queue: Queue | None = None, now: float = 101.0) -> str:
    return choice(call, *agents, queue=queue, now=now)[0]


@pytest.mark.parametrize(
    ("not_free", "why"),
    [
        ({"status": "not_ready"}, "not_ready"),
        ({"status": "break"}, "break"),
        ({"activity": "wrap_up"}, "wrap_up"),
        ({"activity": "offered"}, "offered"),
        ({"reachable": False}, "unreachable"),
        ({"reachable": False, "paused": "phone_lost"}, "phone_lost"),
        ({"paused": "missed_calls"}, "missed_calls"),
    ],
)
def test_only_the_free_are_chosen(not_free: dict[str, object], why: str) -> None:
    ann = Agent("ann", 1.0, **not_free)  # type: ignore[arg-type]
    assert chosen(Call(), ann, Agent("ben", 5.0)) == "ben"
    assert choice(Call(), ann) == ("", "nobody")
    assert rules.busy(ann) == why


@pytest.mark.parametrize(
    ("strategy", "who"),
    [
        ("longest_idle", "ben"),
        ("fewest_calls", "cao"),
        ("least_talk", "ann"),
        ("ordered", "dai"),
        ("round_robin", "cao"),
    ],
)
def test_each_strategy_has_its_own_first(strategy: str, who: str) -> None:
    agents = (
        Agent("ann", 10.0, taken=9, talked=60.0),
        Agent("ben", 5.0, taken=8, talked=600.0),
        Agent("cao", 20.0, taken=2, talked=300.0),
        Agent("dai", 30.0, taken=4, talked=90.0),
    )
    queue = Queue(strategy, order={"dai": 0, "cao": 1}, turn="ben")
    assert choice(Call(), *agents, queue=queue) == (who, strategy)


def test_round_robin_goes_round() -> None:
    queue, asked = Queue("round_robin"), []
    for _ in range(4):
        queue.turn = chosen(Call(), Agent("ann"), Agent("ben"), Agent("cao"), queue=queue)
        asked.append(queue.turn)
    assert asked == ["ann", "ben", "cao", "ann"]


def test_who_is_not_in_the_order_comes_behind() -> None:
    queue = Queue("ordered", order={"cao": 0})
    assert chosen(Call(), Agent("ann", 9.0), Agent("ben", 1.0), Agent("cao", 50.0), queue=queue) == "cao"
    assert chosen(Call(), Agent("ann", 9.0), Agent("ben", 1.0), queue=queue) == "ben"


def test_skills_relax_with_waiting() -> None:
    queue = Queue(rings=RELAXING)
    good, fair, none = (
        Agent("good", 9.0, skills={"english": 80}),
        Agent("fair", 5.0, skills={"english": 20}),
        Agent("none"),
    )
    assert chosen(Call(), good, fair, none, queue=queue) == "good"
    assert chosen(Call(), fair, none, queue=queue, now=159.9) == ""
    assert chosen(Call(), fair, none, queue=queue, now=160.0) == "fair"
    assert chosen(Call(), none, queue=queue, now=219.9) == ""
    assert chosen(Call(), none, queue=queue, now=220.0) == "none"
    assert rules.ring_of(RELAXING[:1], 60.0) == rules.ANYBODY


def test_the_owner_then_the_longest_idle() -> None:
    ann, ben, cao = Agent("ann", 10.0), Agent("ben", 5.0), Agent("cao", 20.0)
    assert chosen(Call(), ann, ben, cao) == "ben"
    assert choice(Call(owner="cao"), ann, ben, cao) == ("cao", "owner")
    assert chosen(Call(owner="cao", passed={"cao": 0.0}), ann, ben, cao) == "ben"
    assert chosen(Call(owner="cao"), ann, cao, queue=Queue(rings=RELAXING)) == "cao"


def test_a_busy_owner_is_waited_for_only_so_long() -> None:
    ann, cao = Agent("ann"), Agent("cao", activity="talking")
    call, waiting = Call(owner="cao"), Queue(owner_first=10.0)
    assert chosen(call, ann, cao) == "ann"
    assert choice(call, ann, cao, queue=waiting, now=109.9) == ("", "kept_for_owner")
    assert chosen(call, ann, cao, queue=waiting, now=110.0) == "ann"
    cao.status = "break"
    assert chosen(call, ann, cao, queue=waiting) == "ann"


def test_the_last_agent_is_asked_where_the_queue_wants_it_then_everybody() -> None:
    ann, ben, cao = Agent("ann"), Agent("ben", 5.0), Agent("cao", 9.0)
    call, wanted = Call(last="cao"), Queue(last_first=20.0)
    assert chosen(call, ann, ben, cao) == "ann"
    assert choice(call, ann, ben, cao, queue=wanted) == ("cao", "last_agent")
    assert choice(Call(last="cao", owner="ben"), ann, ben, cao, queue=wanted) == ("ben", "owner")
    cao.activity = "wrap_up"
    assert choice(call, ann, ben, cao, queue=wanted, now=119.0) == ("", "kept_for_last")
    assert choice(call, ann, ben, cao, queue=wanted, now=120.0) == ("ann", "longest_idle")


def test_who_passed_the_call_comes_last_and_not_at_once() -> None:
    ann, ben = Agent("ann", 1.0), Agent("ben", 50.0)
    assert chosen(Call(passed={"ann": 100.0}), ann, ben) == "ben"
    assert chosen(Call(passed={"ann": 100.0}), ann) == "ann"
    assert chosen(Call(passed={"ann": 106.0}), ann) == ""
    assert chosen(Call(passed={"ann": 106.0}), ann, now=106.0) == "ann"


def test_why_not_the_others_in_order() -> None:
    agents = (
        Agent("away", status="signed_out"),
        Agent("wrapping", activity="wrap_up"),
        Agent("next", 20.0, skills={"english": 90}),
        Agent("asked", 1.0, skills={"english": 90}),
        Agent("mute", 2.0),
        Agent("first", 10.0, skills={"english": 50}),
        Agent("far", 3.0, skills={"english": 90}),
    )
    call = Call(passed={"asked": 130.0})
    found = rules.consider(call, Queue(rings=RELAXING), agents, "first", lambda one: one.name != "far", 101.0)
    assert found == [
        ("first", ""),
        ("next", "behind"),
        ("asked", "turned_down:130"),
        ("far", "elsewhere"),
        ("mute", "lacks:english:50"),
        ("wrapping", "wrap_up"),
    ]
    forever = rules.consider(
        call, Queue(rings=[Ring(0.0, {"english": 50})]), agents[4:5], "", lambda _: True, 101.0
    )
    assert forever == [("mute", "lacks:english:50")]


def test_callers_in_order_over_several_queues() -> None:
    old, young, urgent = (
        Call("old", queued=1.0),
        Call("young", queued=2.0),
        Call("urgent", queued=3.0, priority=1),
    )
    assert rules.in_order([young, urgent, old]) == [urgent, old, young]
    one, other = Lineup(), Lineup()
    one.put(young), one.put(urgent), other.put(old)
    assert list(merged([one, other])) == ["urgent", "old", "young"]
    assert (list(one), len(one), one.oldest) == (["urgent", "young"], 2, 2.0)
    young.priority = 5
    one.put(young)
    assert list(one) == ["young", "urgent"]
    one.remove("young"), one.remove("nobody")
    assert (list(one), Lineup().oldest) == (["urgent"], 0.0)


def test_what_a_tier_adds() -> None:
    assert rules.priority(2, {"gold": 10}, "gold") == 12
    assert rules.priority(2, {"gold": 10}, "") == 2


def test_expected_wait() -> None:
    assert rules.expected_wait(3, 240.0, 4) == 180.0
    assert rules.expected_wait(1, 240.0, 0) == float("inf")
    assert [rules.minutes(seconds) for seconds in (0, 60, 61, 299, 301, 601, 900)] == [1, 1, 2, 5, 10, 15, 15]
