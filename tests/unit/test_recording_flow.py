"""Recording as the conductor orders it: a segment for each pair of legs, pauses, what the line cannot do."""

from typing import Any

import pytest

from callcenter import commands, events
from callcenter.recordings import rules
from callcenter.recordings.rules import Rule
from callcenter.routing import recording
from callcenter.routing.board import Agent, Board, Call, Line, Queue
from callcenter.routing.flows import DirectoryRead, House, Tick, step

NOW = 1_795_338_000.0


def board(mode: str = "all", **more: Any) -> Board:
    """Anna speaks with a caller of a queue that is recorded as `mode` says."""
    made = Board(ticked=NOW)
    made.queues["q"] = Queue("q", recording=mode, day="2026-11-22", **more)
    made.agents["anna"] = Agent(
        "anna", status="available", activity="talking", call="c", reachable=True, fixed=True
    )
    made.lines["line1"] = Line("line1", boot="b", up=True)
    made.calls["c"] = Call(
        "c", state="connecting", queue="q", agent="anna", leg="c", leg_state="up", agent_leg="a",
        agent_leg_state="up", line="line1", queued=NOW - 5, started=NOW - 6, announced=True,
    )  # fmt: skip
    made.index()
    return made


def take(on: Board, message: Any, now: float = NOW) -> tuple[list[Any], list[Any]]:
    """What the line is ordered about recordings, and what is told of them."""
    done = step(on, message, now, House())
    ordered = [one for _, one in done.commands if type(one).__name__ in recording.COMMANDS]
    return ordered, [one for one in done.events if isinstance(one, events.RecordingChanged)]


def bridged(on: Board) -> tuple[list[Any], list[Any]]:
    return take(on, events.LegsBridged(NOW, "line1", "c", "a"))


def started(on: Board) -> list[Any]:
    bridged(on)
    return take(on, events.RecordingStarted(NOW, "line1", "c-1", "c", "a"))[1]


def test_it_begins_with_the_answer_and_is_told_when_the_line_writes() -> None:
    on = board()
    assert bridged(on) == ([commands.StartRecording("c-1", "c", "a")], [])
    told = take(on, events.RecordingStarted(NOW, "line1", "c-1", "c", "a"))[1]
    assert [(one.state, one.recording, one.agent, one.queue) for one in told] == [
        ("recording", "c-1", "anna", "q")
    ]


@pytest.mark.parametrize("mode", ["off", "demand"])
def test_a_queue_that_does_not_ask_for_it_is_not_recorded(mode: str) -> None:
    assert bridged(board(mode)) == ([], [])


def test_hold_is_silent_and_goes_on_where_the_queue_says_so() -> None:
    for on_hold, orders in ((False, [commands.PauseRecording("c-1", "c", True)]), (True, [])):
        on = board(recording_on_hold=on_hold)
        started(on)
        assert take(on, commands.HoldCall("anna", "c"))[0] == orders
        resumed = take(on, commands.ResumeCall("anna", "c"))[0]
        assert resumed == ([] if on_hold else [commands.PauseRecording("c-1", "c", False)])


def test_card_data_is_left_out_and_the_pause_ends_by_itself() -> None:
    on = board()
    started(on)
    ordered, told = take(on, commands.PauseCallRecording("anna", "c", True))
    assert ordered == [commands.PauseRecording("c-1", "c", True)]
    assert [(one.state, one.by, one.until) for one in told] == [("paused", "anna", NOW + 120)]
    assert take(on, Tick({"line1": "b"}), NOW + 119)[0] == []
    ordered, told = take(on, Tick({"line1": "b"}), NOW + 120)
    assert ordered == [commands.PauseRecording("c-1", "c", False)]
    assert told[0].state == "recording"


def test_a_pause_for_card_data_outlives_a_hold() -> None:
    on = board()
    started(on)
    take(on, commands.PauseCallRecording("anna", "c", True))
    assert take(on, commands.HoldCall("anna", "c"))[0] == []
    assert take(on, commands.ResumeCall("anna", "c"))[0] == []
    assert take(on, commands.PauseCallRecording("anna", "c", False))[0] == [
        commands.PauseRecording("c-1", "c", False)
    ]


def test_another_agent_is_another_segment() -> None:
    on = board()
    started(on)
    call = on.calls["c"]
    del on.legs["a"]
    call.agent_leg = "b"
    on.legs["b"] = "c"
    ordered, _ = take(on, commands.AskForHelp("anna", "c"))
    assert ordered == [commands.StartRecording("c-2", "c", "b")]


def test_the_end_needs_no_order_and_a_late_file_is_still_told() -> None:
    on = board()
    started(on)
    assert take(on, events.LegEnded(NOW + 9, "line1", "c", "hung_up", "remote"), NOW + 9)[0] == []
    on.calls.clear()
    told = take(on, events.RecordingStopped(NOW + 9, "line1", "c-1", "c", "/spool/c-1.wav", NOW, 9.0))[1]
    assert [(one.state, one.call, one.spool, one.seconds) for one in told] == [
        ("spooled", "c", "/spool/c-1.wav", 9.0)
    ]


def test_on_demand_the_agent_begins_and_ends_it() -> None:
    on = board("demand")
    bridged(on)
    assert take(on, commands.RecordCall("anna", "c", True))[0] == [commands.StartRecording("c-1", "c", "a")]
    assert take(on, commands.RecordCall("anna", "c", False))[0] == [commands.StopRecording("c-1", "c")]
    assert take(on, commands.RecordCall("anna", "c", True))[0] == [commands.StartRecording("c-2", "c", "a")]


def test_nobody_ends_what_the_queue_demands_or_anothers() -> None:
    on = board()
    started(on)
    for asked in (commands.RecordCall("anna", "c", False), commands.PauseCallRecording("bob", "c", True)):
        done = step(on, asked, NOW, House())
        assert [type(one).__name__ for one in done.events] == ["DeskCommandRefused"]
        assert done.commands == []


def test_a_line_that_cannot_record_raises_an_alarm_and_the_call_goes_on() -> None:
    on = board()
    on.lines["line1"].lacks = ["recording"]
    done = step(on, events.LegsBridged(NOW, "line1", "c", "a"), NOW, House())
    told = {type(one).__name__: one for one in done.events}
    assert told["AlarmChanged"].what == "recording"
    assert told["RecordingChanged"].why == "not_supported"
    assert (on.calls["c"].state, on.calls["c"].recording_state) == ("bridged", "failed")
    assert on.lines["line1"].alarms == {"recording": "not_supported"}


@pytest.mark.parametrize(
    "failure",
    [
        events.RecordingFailed(NOW, "line1", "c-1", "c", "disk full"),
        events.CommandRefused(NOW, "line1", "StartRecording", "c", "failed"),
    ],
)
def test_a_failed_recording_ends_no_call_and_is_shown(failure: Any) -> None:
    on = board()
    bridged(on)
    ordered, told = take(on, failure)
    assert ordered == []
    assert [one.state for one in told] == ["failed"]
    assert (on.calls["c"].state, on.calls["c"].recording_state) == ("bridged", "failed")
    assert take(on, commands.AskForHelp("anna", "c"))[0] == []


def test_what_cannot_be_paused_is_ended() -> None:
    on = board()
    started(on)
    take(on, commands.PauseCallRecording("anna", "c", True))
    refused = events.CommandRefused(NOW, "line1", "PauseRecording", "c", "not_supported")
    assert take(on, refused)[0] == [commands.StopRecording("c-1", "c")]
    assert on.calls["c"].recording_state == "failed"


@pytest.mark.parametrize("greeting", [True, False])
def test_callers_are_told_first_also_where_nobody_is_greeted(greeting: bool) -> None:
    on, house = board(), House(greeting=greeting)
    on.queues["default"] = Queue("default", recording="sample", day="2026-11-22")
    done = step(on, events.CallArrived(NOW, "line1", "new", "", "hotline", withheld=True), NOW, house)
    [played] = [one for _, one in done.commands if isinstance(one, commands.PlayPrompts) and one.leg == "new"]
    assert on.calls["new"].state == "greeting"
    assert played.prompts[-1] == "say:en:This call may be recorded."
    assert len(played.prompts) == (2 if greeting else 1)


def test_the_sample_is_about_its_share_and_the_same_for_every_conductor() -> None:
    rule = Rule("sample", share=0.3)
    drawn = [rules.recorded(rule, f"call{number}") for number in range(4000)]
    assert 0.26 < sum(drawn) / len(drawn) < 0.34
    assert drawn == [rules.recorded(rule, f"call{number}") for number in range(4000)]


def test_agents_hear_their_own_where_the_centre_allows_it() -> None:
    assert rules.may_hear(True, False, "chef", "anna")
    assert rules.may_hear(False, True, "anna", "anna")
    assert not rules.may_hear(False, True, "anna", "bob")
    assert not rules.may_hear(False, False, "anna", "anna")
    assert not rules.may_hear(False, True, "", "")


@pytest.mark.parametrize(
    ("mode", "notice", "told"), [("all", "", True), ("off", "", False), ("all", "-", False)]
)
def test_who_is_told(mode: str, notice: str, told: bool) -> None:
    assert rules.announced(mode, notice) is told


def test_every_rule_of_a_queue_is_read_from_the_record() -> None:
    on = Board(ticked=NOW)
    on.queues["q"] = Queue("q", waiting=3)
    read = Queue("q", recording="demand", recording_days=7, recording_notice="-", recording_on_hold=True)
    step(on, DirectoryRead((), (read,)), NOW, House())
    assert (on.queues["q"].recording, on.queues["q"].recording_days) == ("demand", 7)
    assert (on.queues["q"].recording_notice, on.queues["q"].recording_on_hold, on.queues["q"].waiting) == (
        "-",
        True,
        3,
    )
