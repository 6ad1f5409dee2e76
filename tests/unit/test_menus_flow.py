"""A caller in a plan, as the conductor leads him: what is played, how a key cuts in, what is told, how it ends."""

import dataclasses
from typing import Any

import orjson
import pytest

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import board as live
from callcenter.routing import phrases, plans
from callcenter.routing.board import Agent, Board, Line, Queue
from callcenter.routing.flows import CallerFound, ComplaintFound, DirectoryRead, House, Tick, step
from callcenter.routing.plans import LiveCalendar, Published
from callcenter.routing.step import RINGBACK
from callcenter.routing.walk import Complaint
from tests.plans import EXCEPTIONS, WEEK, hotline

NOW = 1_795_399_200.0
"""Monday 2026-11-23 10:00 in Shanghai."""
CALLER = "+8613800000001"
HOUSE = House(languages=("cmn", "en"), new_id=lambda: "outside")
SAID = "say:cmn:Press 1 for sales."


def published(version: int = 1, **changes: Any) -> Published:
    data = hotline(**changes)
    return Published(
        "hotline", version, ["menu"], orjson.dumps(data).decode(), {"closed": {"cmn": "say:cmn:Closed."}}
    )


def directory(*there: Published) -> DirectoryRead:
    queues = (Queue("default", greeting="-"), Queue("sales", greeting="-", voicemail="off"))
    return DirectoryRead((), queues, there, (LiveCalendar("office", "Asia/Shanghai", WEEK, EXCEPTIONS),))


def board(start: str = "main", **more: Any) -> Board:
    """A caller has come to the plan, which begins at a node."""
    made = Board(ticked=NOW)
    made.lines["line1"] = Line("line1", boot="b", up=True)
    made.agents["anna"] = Agent("anna", status="break", reachable=True, fixed=True, queues=["default"])
    take(made, directory(published(start=start)))
    arrive(made, **more)
    return made


def arrive(on: Board, now: float = NOW, number: str = CALLER, **caller: Any) -> tuple[list[Any], list[Any]]:
    take(on, events.CallArrived(now, "line1", "c", number, "menu", withheld=not number), now)
    done = take(on, CallerFound("c", **caller), now) if number else ([], [])
    take(on, events.LegAnswered(now, "line1", "c"), now)
    return done


def take(on: Board, message: Any, now: float = NOW) -> tuple[list[Any], list[Any]]:
    done = step(on, message, now, HOUSE)
    return [order for _, order in done.commands], done.events


def press(on: Board, keys: str, now: float = NOW) -> tuple[list[Any], list[Any]]:
    """The last key's orders and events."""
    done: tuple[list[Any], list[Any]] = [], []
    for digit in keys:
        done = take(on, events.DigitPressed(now, "line1", "c", digit), now)
    return done


def heard(on: Board, now: float = NOW) -> tuple[list[Any], list[Any]]:
    return take(on, events.PromptFinished(now, "line1", "c", str(on.calls["c"].plays)), now)


def tick(on: Board, now: float) -> tuple[list[Any], list[Any]]:
    return take(on, Tick({"line1": "b"}), now)


def steps(told: list[Any]) -> list[tuple[str, str, str]]:
    return [(one.node, one.chosen, one.to) for one in told if isinstance(one, events.PlanStep)]


def ending(told: list[Any]) -> events.CallFinished:
    [end] = [one for one in told if isinstance(one, events.CallFinished)]
    return end


def played(orders: list[Any]) -> tuple[str, ...]:
    [play] = [one for one in orders if isinstance(one, commands.PlayPrompts)]
    return tuple(play.prompts)


def test_a_caller_is_answered_and_asked_before_any_queue() -> None:
    on = board("hours")
    call = on.calls["c"]
    assert call.state == "menu"
    assert call.walk is not None
    assert (call.walk.plan, call.walk.version, call.walk.node) == ("hotline", 1, "language")
    assert call.queue == ""
    assert on.queues["default"].offered == 0


def test_each_step_is_told_with_its_plan_and_version() -> None:
    on = board()
    told = press(on, "1")[1]
    assert steps(told) == [("main", "1", "sales"), ("sales", "sales", "")]
    first = next(one for one in told if isinstance(one, events.PlanStep))
    assert (first.call, first.plan, first.version, first.kind) == ("c", "hotline", 1, "menu")


def test_a_key_cuts_in_and_the_queue_counts_the_caller() -> None:
    on = board()
    assert on.calls["c"].hearing == "menu"
    orders, told = press(on, "1", NOW + 1)
    assert orders[0] == commands.StopPrompts("c")
    call = on.calls["c"]
    assert (call.state, call.queue, call.queued, call.started) == ("queued", "sales", NOW + 1, NOW)
    assert (on.queues["sales"].offered, on.queues["default"].offered) == (1, 0)
    assert [one.queue for one in told if isinstance(one, events.CallQueued)] == ["sales"]


def test_a_menu_may_want_to_be_heard_to_its_end() -> None:
    data = hotline()["nodes"]
    data["main"]["barge_in"] = False
    on = board()
    on.plans["hotline:1"].body = orjson.dumps(hotline(start="main", nodes=data)).decode()
    assert press(on, "1")[0] == []
    heard(on)
    press(on, "1")
    assert on.calls["c"].state == "queued"


def test_silence_and_wrong_keys_ask_again_then_lead_on() -> None:
    on = board()
    heard(on, NOW + 3)
    assert on.calls["c"].until == NOW + 8
    assert steps(tick(on, NOW + 7)[1]) == []
    orders, told = tick(on, NOW + 8)
    assert (played(orders), steps(told)) == ((SAID,), [("main", "no_key", "")])
    orders, told = press(on, "8", NOW + 9)
    assert steps(told)[0] == ("main", "wrong_key", "line")
    assert on.calls["c"].queue == "default"


def test_a_wrong_key_is_said_before_the_question() -> None:
    assert played(press(board(), "8")[0]) == ("say:cmn:Not that one.", SAID)


def test_a_prompt_whose_end_is_not_told_is_healed() -> None:
    on = board()
    _, told = tick(on, NOW + 400)
    assert [one.what for one in told if isinstance(one, events.Healed)] == ["call"]
    assert on.calls["c"].until == NOW + 405


def test_who_hangs_up_in_a_menu_was_offered_to_no_queue() -> None:
    on = board()
    told = take(on, events.LegEnded(NOW + 9, "line1", "c", "hung_up", "remote"), NOW + 9)[1]
    end = ending(told)
    assert (end.outcome, end.queued, end.queue, end.ended_by) == ("left_in_menu", 0.0, "", "customer")
    assert {queue.offered for queue in on.queues.values()} == {0}
    assert not life.owes_callback("inbound", "left_in_menu", CALLER)


def test_a_message_is_said_and_we_hang_up() -> None:
    on = board("night")
    assert on.calls["c"].state == "leaving"
    end = ending(heard(on)[1])
    assert (end.outcome, end.ended_by, end.owed, end.queued) == ("deflected", "us", False, 0.0)
    assert not life.owes_callback(end.kind, end.outcome, end.caller, queued=False)
    assert ending(heard(board("holiday"))[1]).owed


def test_a_message_can_be_left_without_a_queue() -> None:
    on = board("mailbox")
    assert on.calls["c"].state == "voicemail"
    heard(on)
    take(on, events.RecordingStarted(NOW, "line1", "c-1", "c"))
    told = take(on, events.LegEnded(NOW + 9, "line1", "c", "hung_up", "remote"), NOW + 9)[1]
    stopped = events.RecordingStopped(NOW + 9, "line1", "c-1", "c", "/c-1.wav", NOW, 9.0, 1, sound=4.0)
    end = ending(told + take(on, stopped, NOW + 9)[1])
    assert (end.outcome, end.message, end.queue, end.queued) == ("message_left", "c-1", "default", 0.0)
    assert on.queues["default"].messages == on.queues["default"].offered == 0


def test_a_line_that_cannot_record_owes_a_callback() -> None:
    on = Board(ticked=NOW)
    on.lines["line1"] = Line("line1", boot="b", up=True, lacks=["recording"])
    take(on, directory(published(start="mailbox")))
    arrive(on)
    assert ending(heard(on)[1]).owed


def test_a_number_outside_rings_and_speaks_with_the_caller() -> None:
    on = board()
    orders, told = press(on, "3")
    assert played(orders) == RINGBACK
    [dial] = [one for one in orders if isinstance(one, commands.DialLeg)]
    assert (dial.number, dial.trunk, dial.role, dial.timeout) == ("+862155550199", "carrier", "", 30.0)
    assert steps(told)[-1] == ("boss", "ringing", "")
    orders, told = take(on, events.LegAnswered(NOW + 3, "line1", "outside"), NOW + 3)
    assert commands.BridgeLegs("c", "outside") in orders
    assert on.calls["c"].state == "outside"
    told = take(on, events.LegEnded(NOW + 60, "line1", "outside", "hung_up", "remote"), NOW + 60)[1]
    end = ending(told)
    assert (end.outcome, end.ended_by, end.answered, end.talk) == ("passed_on", "guest", 0.0, 0.0)
    assert not life.is_evidence(end.outcome, end.talk)


def test_the_caller_of_a_number_outside_hangs_up() -> None:
    on = board("boss")
    take(on, events.LegAnswered(NOW + 3, "line1", "outside"), NOW + 3)
    orders, told = take(on, events.LegEnded(NOW + 9, "line1", "c", "hung_up", "remote"), NOW + 9)
    assert orders == [commands.HangUpLeg("outside")]
    assert (ending(told).outcome, ending(told).ended_by) == ("passed_on", "customer")
    on = board("boss")
    orders, told = take(on, events.LegEnded(NOW + 2, "line1", "c", "hung_up", "remote"), NOW + 2)
    assert (ending(told).outcome, orders) == ("left_in_menu", [commands.HangUpLeg("outside")])


@pytest.mark.parametrize(
    ("message", "chosen"),
    [
        (events.LegEnded(NOW, "line1", "outside", "busy", "remote", code=486), "busy"),
        (events.CommandRefused(NOW, "line1", "DialLeg", "outside", "not_allowed"), "failed"),
        (events.CommandRefused(NOW, "line1", "DialLeg", "outside", "no_trunk"), "unreachable"),
        (Tick({"line1": "b"}), "no_answer"),
    ],
)
def test_a_number_outside_that_does_not_answer_leads_on(message: Any, chosen: str) -> None:
    on = board("boss")
    _, told = take(on, message, NOW + (40 if isinstance(message, Tick) else 1))
    assert ("boss", chosen, "mailbox") in steps(told)
    assert on.calls["c"].state == "voicemail"
    assert on.calls["c"].parties == {}


def test_a_complaint_is_asked_for_and_spoken() -> None:
    on = board("complaint", language="en")
    assert press(on, "104")[0] == []
    done = step(on, events.DigitPressed(NOW, "line1", "c", "2"), NOW, HOUSE)
    done = step(on, events.DigitPressed(NOW, "line1", "c", "#"), NOW, HOUSE)
    assert done.enquiries == [("c", "1042")]
    assert take(on, ComplaintFound("c", "9999"))[0] == []
    mine = Complaint("1042", "in_progress", "Anna Li", CALLER)
    orders, told = take(on, ComplaintFound("c", "1042", mine))
    assert played(orders) == (
        "say:en:Your complaint 1 0 4 2 is being worked on.", "say:en:Anna Li is responsible for it.",
    )  # fmt: skip
    assert steps(told) == [("complaint", "told", "main")]
    assert played(heard(on)[0]) == (SAID,)


def test_the_first_digit_stops_the_question() -> None:
    on = board("complaint")
    assert press(on, "1")[0] == [commands.StopPrompts("c")]
    assert on.calls["c"].until == NOW + 5


def test_a_record_that_does_not_answer_is_no_dead_end() -> None:
    on = board("complaint", language="cmn")
    press(on, "1042#")
    orders, told = tick(on, NOW + 3)
    assert played(orders) == (phrases.say("complaint_unavailable", "cmn"),)
    assert steps(told) == [("complaint", "not_answered", "line")]
    heard(on)
    assert on.calls["c"].queue == "default"


def test_a_caller_whose_language_is_unknown_hears_each_of_ours() -> None:
    on = board("complaint", number="")
    assert on.calls["c"].language == ""
    orders, _ = press(on, "#")
    assert played(orders) == (phrases.say("complaint_number", "cmn"), phrases.say("complaint_number", "en"))


def test_a_live_call_ends_on_the_version_that_it_began_with() -> None:
    on = board()
    nodes = hotline()["nodes"]
    nodes["main"]["keys"]["1"] = "line"
    take(on, directory(published(2, start="main", nodes=nodes)))
    assert {key: one.current for key, one in on.plans.items()} == {"hotline:1": False, "hotline:2": True}
    press(on, "1")
    assert on.calls["c"].queue == "sales"
    take(on, events.LegEnded(NOW, "line1", "c", "hung_up", "remote"))
    take(on, directory(published(2, start="main", nodes=nodes)))
    assert set(on.plans) == {"hotline:2"}
    arrive(on, NOW + 20)
    assert on.calls["c"].state == "ended"


def test_a_plan_that_is_gone_leads_to_the_queue() -> None:
    on = board()
    on.plans.clear()
    press(on, "1")
    assert (on.calls["c"].state, on.calls["c"].queue) == ("queued", "default")


def test_a_prompt_that_is_gone_is_no_dead_end() -> None:
    on = Board(ticked=NOW)
    on.lines["line1"] = Line("line1", boot="b", up=True)
    take(on, directory(dataclasses.replace(published(start="night"), prompts={})))
    assert arrive(on)[0][-1] == commands.PlayPrompts("c", "1", ("silence:200",))


def test_a_conductor_that_takes_over_goes_on_at_the_node() -> None:
    on = board()
    again = live.load(
        {key: {name.encode(): orjson.dumps(one) for name, one in on.kind(key).items()} for key in live.HASHES}
    )
    again.ticked = on.ticked
    assert again == on
    assert dataclasses.is_dataclass(again.calls["c"].walk)
    press(again, "1")
    assert again.calls["c"].queue == "sales"


def test_a_lost_line_owes_a_callback_to_who_was_in_the_menu() -> None:
    on = board()
    tick(on, NOW + 1)
    told = take(on, events.LineStarted(NOW + 2, "line1", "b2", "fake", "here", 100), NOW + 2)[1]
    end = ending(told)
    assert end.outcome == "lost_by_us"
    assert life.owes_callback(end.kind, end.outcome, end.caller, end.ended_by, end.fault, end.queued > 0)


def test_who_was_spoken_to_is_not_welcomed_again() -> None:
    on = board()
    on.queues["sales"].greeting = ""
    assert played(press(on, "1")[0]) == ("music:default",)
    on = board("sales")
    assert on.calls["c"].state == "queued"


def test_a_number_of_no_plan_goes_to_its_queue_as_before() -> None:
    on = board()
    take(on, events.CallArrived(NOW, "line1", "d", CALLER, "hotline"))
    take(on, CallerFound("d"))
    assert (on.calls["d"].queue, on.calls["d"].walk) == ("default", None)


def test_a_transfer_to_a_plans_number_reaches_its_queue() -> None:
    from callcenter.routing import transfers
    from callcenter.routing.step import Step

    assert transfers.named(Step(board(), NOW, HOUSE), "menu") == ("queue", "default")
    assert plans.plan_for("menu", board().plans.values()) is not None
