"""Leave a message and keep your place, as the conductor leads it: who may, every ending, once."""

from typing import Any

import pytest

from callcenter import commands, events
from callcenter.routing import phrases
from callcenter.routing.board import Agent, Board, Call, Line, Queue
from callcenter.routing.flows import CallerFound, House, Tick, step
from callcenter.routing.voicemail import MODES, SILENCE, TONE

NOW = 1_795_338_000.0
CALLER = "+8613800000001"
HOUSE = House(languages=("cmn", "en"))


def board(mode: str = "always", lacks: tuple[str, ...] = (), **more: Any) -> Board:
    """A caller waits; Anna is signed in and has a break."""
    made = Board(ticked=NOW)
    made.queues["q"] = Queue("q", voicemail=mode, day="2026-11-22", offered=1, **more)
    made.agents["anna"] = Agent("anna", status="break", reachable=True, fixed=True, queues=["q"])
    made.lines["line1"] = Line("line1", boot="b", up=True, lacks=list(lacks))
    made.calls["c"] = Call(
        "c", state="queued", queue="q", first_queue="q", leg="c", leg_state="up", line="line1", caller=CALLER,
        started=NOW - 61, queued=NOW - 60, lined_up=NOW - 60, entered="2026-11-22", announced=True,
        hearing="music", language="yue", since=NOW - 60, place_told=1, place_told_at=NOW - 60, plays=1,
    )  # fmt: skip
    made.index()
    return made


def take(on: Board, message: Any, now: float = NOW) -> tuple[list[Any], list[Any]]:
    done = step(on, message, now, HOUSE)
    return [order for _, order in done.commands], done.events


def tick(on: Board, now: float) -> tuple[list[Any], list[Any]]:
    return take(on, Tick({"line1": "b"}), now)


def press(on: Board, digit: str = "2", now: float = NOW) -> tuple[list[Any], list[Any]]:
    return take(on, events.DigitPressed(now, "line1", "c", digit))


def heard(on: Board) -> tuple[list[Any], list[Any]]:
    return take(on, events.PromptFinished(NOW, "line1", "c", str(on.calls["c"].plays)))


def speaking(on: Board) -> None:
    """The key is pressed, greeting and tone are heard, the line records."""
    press(on)
    heard(on)
    take(on, events.RecordingStarted(NOW, "line1", "c-1", "c"))


def stopped(on: Board, sound: float, now: float = NOW + 9) -> tuple[list[Any], list[Any]]:
    return take(
        on, events.RecordingStopped(now, "line1", "c-1", "c", "/spool/c-1.wav", NOW, 9.0, 1, sound=sound), now
    )


def hung_up(on: Board, now: float = NOW + 9) -> list[Any]:
    return take(on, events.LegEnded(now, "line1", "c", "hung_up", "remote"), now)[1]


def ending(told: list[Any]) -> events.CallFinished:
    [end] = [one for one in told if isinstance(one, events.CallFinished)]
    return end


def test_a_key_leads_out_of_the_queue_into_greeting_tone_and_recording() -> None:
    on = board()
    ordered, _ = press(on)
    assert ordered == [commands.PlayPrompts("c", "2", (phrases.say("message_greeting", "yue"), TONE))]
    assert on.calls["c"].state == "voicemail"
    assert on.queues["q"].waiting == 0
    assert heard(on)[0] == [commands.StartRecording("c-1", "c", silence=SILENCE)]
    told = take(on, events.RecordingStarted(NOW, "line1", "c-1", "c"))[1]
    assert [(one.state, one.queue, one.channels) for one in told] == [("recording", "q", 1)]


def test_a_message_is_kept_with_the_place_and_told() -> None:
    on = board()
    speaking(on)
    assert press(on, "#")[0] == [commands.StopRecording("c-1", "c")]
    ordered, _ = stopped(on, 4.0)
    assert ordered == [commands.PlayPrompts("c", "3", (phrases.say("message_kept", "yue"),))]
    end = ending(heard(on)[1])
    assert (end.outcome, end.message, end.queued, end.ended_by) == ("message_left", "c-1", NOW - 60, "us")
    queue = on.queues["q"]
    assert (queue.offered, queue.messages, queue.abandoned, queue.deflected) == (1, 1, 0, 0)


def test_who_hangs_up_behind_the_message_has_left_one() -> None:
    on = board()
    speaking(on)
    assert not any(isinstance(one, events.CallFinished) for one in hung_up(on))
    end = ending(stopped(on, 1.0, NOW + 10)[1])
    assert (end.outcome, end.message, end.at, end.ended_by) == ("message_left", "c-1", NOW + 9, "customer")


@pytest.mark.parametrize("gone", [True, False])
def test_nothing_said_is_no_message(gone: bool) -> None:
    on = board()
    speaking(on)
    if gone:
        hung_up(on)
        told = stopped(on, 0.98)[1]
    else:
        ordered, _ = stopped(on, 0.0)
        assert ordered == [commands.PlayPrompts("c", "3", (phrases.say("message_empty", "yue"),))]
        told = heard(on)[1]
    assert (ending(told).outcome, ending(told).message) == ("abandoned", "")
    assert on.queues["q"].abandoned == 1
    assert on.queues["q"].messages == 0


def test_who_hangs_up_before_the_tone_has_abandoned() -> None:
    on = board()
    press(on)
    assert ending(hung_up(on)).outcome == "abandoned"


def test_a_full_disk_is_told_and_a_callback_owed() -> None:
    on = board()
    press(on)
    heard(on)
    ordered, told = take(on, events.RecordingFailed(NOW, "line1", "c-1", "c", "disk full"))
    assert ordered == [commands.PlayPrompts("c", "3", (phrases.say("message_failed", "yue"),))]
    assert [one.state for one in told if isinstance(one, events.RecordingChanged)] == ["failed"]
    assert ending(heard(on)[1]).outcome == "deflected"


def test_what_was_written_before_the_disk_was_full_is_kept() -> None:
    on = board()
    speaking(on)
    take(on, events.RecordingFailed(NOW + 5, "line1", "c-1", "c", "disk full"), NOW + 5)
    assert stopped(on, 3.0)[0] == [commands.PlayPrompts("c", "3", (phrases.say("message_kept", "yue"),))]


def test_a_line_that_refuses_or_never_begins_is_told() -> None:
    on = board()
    press(on)
    heard(on)
    ordered, _ = take(on, events.CommandRefused(NOW, "line1", "StartRecording", "c", "not_supported"))
    assert ordered == [commands.PlayPrompts("c", "3", (phrases.say("message_failed", "yue"),))]
    on = board()
    press(on)
    heard(on)
    assert tick(on, NOW + 5)[0][-1:] == [
        commands.PlayPrompts("c", "3", (phrases.say("message_failed", "yue"),))
    ]


def test_the_longest_message_ends_by_itself() -> None:
    on = board(voicemail_seconds=30.0)
    speaking(on)
    assert commands.StopRecording("c-1", "c") not in tick(on, NOW + 29)[0]
    assert commands.StopRecording("c-1", "c") in tick(on, NOW + 30)[0]
    tick(on, NOW + 40)  # the line does not say that it closed the file
    assert on.calls["c"].outcome == "message_left"


def test_a_line_that_dies_keeps_what_was_said() -> None:
    for seconds, outcome in ((0.5, "lost_by_us"), (4.0, "message_left")):
        on = board()
        speaking(on)
        told = take(
            on, events.LineStarted(NOW + 9, "line1", "b2", "fake", "", 10, (), NOW + seconds), NOW + 9
        )[1]
        assert ending(told).outcome == outcome
        assert bool(ending(told).message) == (outcome == "message_left")


def test_an_agent_whose_phone_rings_is_free_again() -> None:
    on = board()
    on.agents["anna"].status, on.agents["anna"].phone = "available", "anna"
    tick(on, NOW + 1)
    assert on.calls["c"].state == "offered"
    ordered, told = press(on, now=NOW + 2)
    assert [one.outcome for one in told if isinstance(one, events.OfferEnded)] == ["withdrawn"]
    assert any(isinstance(one, commands.HangUpLeg) for one in ordered)
    assert on.agents["anna"].activity == "idle"


def test_the_key_is_told_again_and_again_and_the_music_comes_back() -> None:
    on = board(announce_every=30.0)
    offer = commands.PlayPrompts("c", "2", (phrases.say("message_offer", "yue", key=2),))
    assert offer in tick(on, NOW)[0]
    assert heard(on)[0] == [commands.PlayPrompts("c", "3", ("music:default",), loop=True)]
    assert not [one for one in tick(on, NOW + 44)[0] if isinstance(one, commands.PlayPrompts)]
    assert [one for one in tick(on, NOW + 45)[0] if isinstance(one, commands.PlayPrompts)]


@pytest.mark.parametrize("mode", MODES)
def test_who_is_sent_away_may_leave_a_message_where_the_queue_takes_them(mode: str) -> None:
    on = board(mode, max_wait=30.0)
    tick(on, NOW)
    assert on.calls["c"].state == ("voicemail" if mode in ("full", "always") else "leaving")


@pytest.mark.parametrize("mode", MODES)
def test_with_nobody_signed_in_a_message_is_all_there_is(mode: str) -> None:
    on = board(mode)
    on.agents["anna"].status = "signed_out"
    on.calls["c"].state = "arriving"
    on.index()
    take(on, CallerFound("c"))
    assert on.calls["c"].state == ("greeting" if mode == "off" else "voicemail")


def test_no_key_helps_where_the_line_cannot_record_or_the_caller_was_served() -> None:
    on = board(lacks=("recording",))
    press(on)
    assert on.calls["c"].state == "queued"
    on = board()
    on.calls["c"].answered = NOW - 30
    press(on)
    assert on.calls["c"].state == "queued"
    on = board("full")
    press(on)
    assert on.calls["c"].state == "queued"


def test_the_queues_own_words_are_heard() -> None:
    on = board(
        voicemail_greeting="prompt:night", prompts={"night": {"en": "say:en:Night", "yue": "file:x.wav"}}
    )
    assert press(on)[0] == [commands.PlayPrompts("c", "2", ("file:x.wav", TONE))]
