"""Keep your place, we ring you back, as the conductor leads it: the questions, every ending, the place that stays."""

from typing import Any

import pytest

from callcenter import commands, events
from callcenter.routing import keeping, phrases, wish
from callcenter.routing.board import Agent, Attempt, Board, Call, Line, Queue
from callcenter.routing.flows import CallerFound, House, Tick, step

NOW = 1_795_338_000.0
CALLER, LANDLINE = "+8613800000001", "+862088886666"
HOUSE = House(languages=("cmn", "en"), may_ring=lambda number: number.startswith(("+861", "+8620")))


def board(withheld: bool = False, status: str = "break", **more: Any) -> Board:
    """A caller waits; Anna is signed in."""
    made = Board(ticked=NOW)
    made.queues["q"] = Queue("q", day="2026-11-22", offered=1, waiting=1, **{"callback": True, **more})
    made.agents["anna"] = Agent(
        "anna", status=status, reachable=True, fixed=True, queues=["q"], day="2026-11-22"
    )
    made.lines["line1"] = Line("line1", boot="b", up=True)
    made.calls["c"] = Call(
        "c", state="queued", queue="q", first_queue="q", leg="c", leg_state="up", line="line1", caller=CALLER,
        started=NOW - 61, queued=NOW - 60, lined_up=NOW - 60, entered="2026-11-22", announced=True,
        hearing="music", language="en", since=NOW - 60, place_told=1, place_told_at=NOW - 60, plays=1,
        withheld=withheld, counted={"q": NOW - 60},
    )  # fmt: skip
    made.index()
    return made


def take(on: Board, message: Any, now: float = NOW) -> tuple[list[Any], list[Any]]:
    done = step(on, message, now, HOUSE)
    return [order for _, order in done.commands], done.events


def tick(on: Board, now: float = NOW) -> tuple[list[Any], list[Any]]:
    return take(on, Tick({"line1": "b"}), now)


def press(on: Board, keys: str, now: float = NOW) -> tuple[list[Any], list[Any]]:
    done: tuple[list[Any], list[Any]] = [], []
    for digit in keys:
        done = take(on, events.DigitPressed(now, "line1", "c", digit), now)
    return done


def heard(on: Board, now: float = NOW) -> tuple[list[Any], list[Any]]:
    return take(on, events.PromptFinished(now, "line1", "c", str(on.calls["c"].plays)), now)


def hung_up(on: Board, now: float = NOW + 9) -> list[Any]:
    return take(on, events.LegEnded(now, "line1", "c", "hung_up", "remote"), now)[1]


def ending(told: list[Any]) -> events.CallFinished:
    [end] = [one for one in told if isinstance(one, events.CallFinished)]
    return end


def said(ordered: list[Any]) -> list[str]:
    return [word for one in ordered if isinstance(one, commands.PlayPrompts) for word in one.prompts]


def call_back(**more: Any) -> commands.PlaceCallback:
    return commands.PlaceCallback(**{"attempt": "a1", "callback": 1, "number": CALLER, "agent": "", **more})


def test_the_key_asks_for_the_number_and_the_place_stays() -> None:
    on = board()
    ordered, _ = press(on, "1")
    assert said(ordered) == [phrases.say("callback_confirm", "en", number="1 3 8 0 0 0 0 0 0 0 1")]
    assert (on.calls["c"].state, on.queues["q"].waiting) == ("callback", 1)


def test_a_confirmed_callback_ends_the_call_as_taken_and_is_owed() -> None:
    on = board()
    press(on, "1")
    ordered, _ = press(on, "1")
    assert said(ordered) == [phrases.say("callback_kept", "en")]
    assert on.queues["q"].waiting == 0
    end = ending(heard(on)[1])
    assert (end.outcome, end.call_back, end.owed, end.queued) == ("callback_taken", CALLER, True, NOW - 60)
    assert on.queues["q"].callbacks == 1


def test_a_withheld_caller_types_the_number() -> None:
    on = board(withheld=True)
    assert said(press(on, "1")[0]) == [phrases.say("callback_enter", "en")]
    press(on, "02088886666#")
    press(on, "1")
    end = ending(heard(on)[1])
    assert (end.outcome, end.call_back) == ("callback_taken", LANDLINE)


def test_a_number_that_the_house_may_not_ring_is_not_taken() -> None:
    on = board(withheld=True)
    press(on, "1")
    assert phrases.say("callback_wrong", "en") in said(press(on, "008529001234#")[0])


def test_star_leads_back_to_the_music_at_the_same_place() -> None:
    on = board()
    press(on, "1")
    ordered, _ = press(on, "*")
    assert said(ordered) == ["music:default"]
    assert (on.calls["c"].state, on.calls["c"].queued, on.queues["q"].offered) == ("queued", NOW - 60, 1)


def test_a_silent_caller_is_asked_three_times_and_goes_on_waiting() -> None:
    on, now = board(), NOW
    press(on, "1")
    for _ in range(wish.TRIES):
        heard(on, now)
        now += wish.WAIT
        tick(on, now)
    assert on.calls["c"].state == "queued"


def test_a_question_whose_end_was_not_reported_counts_as_heard() -> None:
    on = board()
    press(on, "1")
    _, told = tick(on, NOW + keeping.HEARD_WITHIN)
    assert [one.why for one in told if isinstance(one, events.Healed)] == [
        "the end of a question was not reported"
    ]
    assert on.calls["c"].until == NOW + keeping.HEARD_WITHIN + wish.WAIT


def test_who_hangs_up_behind_the_own_number_is_rung_back() -> None:
    on = board()
    press(on, "1")
    end = ending(hung_up(on))
    assert (end.outcome, end.call_back, end.ended_by) == ("callback_taken", CALLER, "customer")


def test_who_hangs_up_amid_typing_has_abandoned() -> None:
    on = board(withheld=True)
    press(on, "1")
    end = ending(hung_up(on))
    assert (end.outcome, end.owed) == ("abandoned", False)
    assert on.queues["q"].callbacks == 0


def test_an_agent_whose_phone_rings_is_free_again() -> None:
    on = board(status="available")
    tick(on)
    assert on.calls["c"].state == "offered"
    _, told = press(on, "1")
    assert [one.outcome for one in told if isinstance(one, events.OfferEnded)] == ["withdrawn"]
    assert on.agents["anna"].activity == "idle"
    assert on.calls["c"].state == "callback"


def test_who_is_asked_is_offered_to_nobody_until_he_waits_again() -> None:
    on = board()
    press(on, "1")
    take(on, commands.SetStatus("anna", "available"))
    assert on.agents["anna"].activity == "idle"
    press(on, "*")
    assert on.calls["c"].state == "offered"


def test_a_queue_without_callbacks_has_no_key() -> None:
    on = board(callback=False)
    press(on, "1")
    assert on.calls["c"].state == "queued"


@pytest.mark.parametrize(("handling", "told"), [(0.0, True), (300.0, True), (30.0, False)])
def test_the_key_is_told_of_when_the_wait_is_long_or_unknown(handling: float, told: bool) -> None:
    on = board(status="available", callback_from=120.0, handling=handling)
    on.agents["anna"].activity, on.agents["anna"].call = "talking", "d"
    on.calls["d"] = Call("d", state="bridged", agent="anna", leg="d", agent_leg="e", line="line1", queue="q")
    on.index()
    words = phrases.say("callback_offer", "en", key=1)
    assert (words in said(tick(on)[0])) is told


def test_callback_and_message_are_told_together() -> None:
    on = board(voicemail="always")
    offered = [phrases.say("callback_offer", "en", key=1), phrases.say("message_offer", "en", key=2)]
    assert said(tick(on)[0]) == offered
    heard(on)
    assert said(tick(on, NOW + 1)[0]) == []


# ---- the place -------------------------------------------------------------------------------------------------------


def dialled(ordered: list[Any]) -> list[str]:
    return [one.number or one.phone for one in ordered if isinstance(one, commands.DialLeg)]


def test_a_kept_place_goes_before_a_caller_who_came_later() -> None:
    on = board()
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 90))
    assert on.attempts["a1"].state == "waiting"
    ordered, _ = take(on, commands.SetStatus("anna", "available"))
    assert dialled(ordered) == [LANDLINE]
    assert on.calls["c"].state == "queued"


def test_a_caller_who_came_earlier_goes_before_it() -> None:
    on = board()
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 30))
    take(on, commands.SetStatus("anna", "available"))
    assert (on.calls["c"].state, on.attempts["a1"].state) == ("offered", "waiting")


def test_priority_counts_before_age_as_for_callers() -> None:
    on = board(tiers={"A": 5})
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 30, tier="A"))
    assert dialled(take(on, commands.SetStatus("anna", "available"))[0]) == [LANDLINE]


def test_callers_are_told_places_behind_those_that_are_kept() -> None:
    on = board(announce_every=30.0, callback_every=0.0)
    on.calls["c"].place_told = 0
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 90))
    assert said(tick(on)[0]) == [phrases.say("place", "en", place=2)]
    assert on.queues["q"].waiting == 1


def test_the_owner_is_waited_for_as_the_queue_gives_it_then_anybody_will_do() -> None:
    on = board(owner_first=60.0)
    on.agents["bob"] = Agent(
        "bob", status="available", activity="talking", call="d", reachable=True, fixed=True, queues=["q"]
    )
    on.calls["d"] = Call("d", state="bridged", agent="bob", leg="d", agent_leg="e", line="line1", queue="q")
    on.index()
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 30, owner="bob"))
    hung_up(on, NOW)
    take(on, commands.SetStatus("anna", "available"))
    tick(on, NOW + 1)
    assert on.attempts["a1"].state == "waiting"
    tick(on, NOW + 31)
    assert (on.attempts["a1"].state, on.attempts["a1"].agent) == ("dialling", "anna")


def test_the_queue_says_whose_phone_rings_first() -> None:
    on = board(status="available", callback_mode="agent_first")
    del on.calls["c"]
    on.index()
    ordered, _ = take(on, call_back(number=LANDLINE, queue="q", since=NOW - 90))
    assert [one.phone for one in ordered if isinstance(one, commands.DialLeg)] == [on.agents["anna"].phone]
    assert on.attempts["a1"].mode == "agent_first"


def test_a_customer_who_is_on_the_line_is_not_rung() -> None:
    on = board()
    take(on, call_back(number=CALLER, queue="q", since=NOW - 90))
    take(on, commands.SetStatus("anna", "available"))
    assert (on.calls["c"].state, on.attempts["a1"].state) == ("offered", "waiting")


def test_who_was_served_meanwhile_is_not_rung_any_more() -> None:
    on = board()
    take(on, call_back(number=CALLER, queue="q", since=NOW - 90))
    call = on.calls["c"]
    call.state, call.agent, call.agent_leg, call.answered = "bridged", "anna", "e", NOW
    call.agent_leg_state = "up"
    on.agents["anna"].activity, on.agents["anna"].call = "talking", "c"
    on.index()
    told = hung_up(on)
    assert [(one.attempt, one.outcome) for one in told if isinstance(one, events.AttemptEnded)] == [
        ("a1", "rang_in")
    ]
    assert on.attempts["a1"].state == "ended"


def test_who_rings_in_and_gives_up_is_still_owed_the_callback() -> None:
    on = board()
    take(on, call_back(number=CALLER, queue="q", since=NOW - 90))
    told = hung_up(on)
    assert not [one for one in told if isinstance(one, events.AttemptEnded)]
    assert on.attempts["a1"].state == "waiting"


def test_a_place_is_stood_in_until_the_hours_end() -> None:
    on = board()
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 90, until=NOW + 100))
    tick(on, NOW + 99)
    assert on.attempts["a1"].state == "waiting"
    _, told = tick(on, NOW + 100)
    ends = [one for one in told if isinstance(one, events.AttemptEnded)]
    assert [(one.outcome, one.retry) for one in ends] == [("no_agent", True)]


def test_a_waiting_place_is_called_off_at_any_point() -> None:
    on = board()
    take(on, call_back(number=LANDLINE, queue="q", since=NOW - 90))
    _, told = take(on, commands.CancelAttempt("a1", "sue"))
    assert [one.outcome for one in told if isinstance(one, events.AttemptEnded)] == ["cancelled"]
    assert dialled(take(on, commands.SetStatus("anna", "available"))[0]) != [LANDLINE]


def arriving(on: Board, **found: Any) -> list[Any]:
    """A caller arrives and is looked up."""
    take(on, events.CallArrived(NOW, "line1", "d", CALLER, "q"))
    return take(on, CallerFound("d", **found))[0]


def test_who_was_cut_off_and_rings_again_within_minutes_has_the_place_back() -> None:
    on = board(numbers=["q"], greeting="-", recording_notice="-")
    ordered = hung_up(on, NOW)
    assert ending(ordered).outcome == "abandoned"
    again = take(on, events.CallArrived(NOW + 99, "line1", "d", CALLER, "q"), NOW + 99)
    assert again
    told = take(on, CallerFound("d", language="en"), NOW + 100)[0]
    assert said(told) == [phrases.say("callback_resumed", "en")]
    assert (on.calls["d"].queued, on.calls["d"].lined_up) == (NOW - 60, NOW + 100)
    assert not on.left, "once"


def test_who_comes_back_later_from_elsewhere_or_without_a_number_has_none() -> None:
    for number, later in ((CALLER, 301.0), (LANDLINE, 9.0), ("", 9.0)):
        on = board(numbers=["q"], greeting="-", recording_notice="-")
        hung_up(on, NOW)
        take(on, events.CallArrived(NOW + later, "line1", "d", number, "q"), NOW + later)
        take(on, CallerFound("d"), NOW + later)
        assert on.calls["d"].queued == NOW + later
    on = board(withheld=True)
    hung_up(on, NOW)
    assert not on.left
    on = board()
    hung_up(on, NOW)
    tick(on, NOW + 300)
    assert on.left
    tick(on, NOW + 301)
    assert not on.left


def test_who_rings_in_takes_the_place_back_and_hears_so() -> None:
    on = board(numbers=["q"], greeting="-", recording_notice="-")
    ordered = arriving(on, places=(("q", NOW - 600),), language="en")
    assert said(ordered) == [phrases.say("callback_resumed", "en")]
    assert list(on.lineup["q"]) == ["d", "c"]
    assert on.calls["d"].queued == NOW - 600
    heard_d = events.PromptFinished(NOW, "line1", "d", str(on.calls["d"].plays))
    take(on, heard_d)
    take(on, commands.SetStatus("anna", "available"))
    assert (on.calls["d"].state, on.calls["c"].state) == ("offered", "queued")


def test_a_place_in_a_full_queue_is_still_a_place() -> None:
    on = board(numbers=["q"], greeting="-", recording_notice="-", max_length=1)
    arriving(on, places=(("q", NOW - 600),), language="en")
    assert on.calls["d"].state == "greeting"
    on = board(numbers=["q"], greeting="-", recording_notice="-", max_length=1)
    arriving(on)
    assert on.calls["d"].state == "leaving"


def test_a_regained_place_does_not_make_a_short_call_a_long_one() -> None:
    on = board(numbers=["q"], greeting="-", recording_notice="-")
    arriving(on, places=(("q", NOW - 600),), language="en")
    _, told = take(on, events.LegEnded(NOW + 2, "line1", "d", "hung_up", "remote"), NOW + 2)
    assert ending(told).outcome == "short_abandon"


def test_an_attempt_that_stands_has_a_callers_fields() -> None:
    place = Attempt("a", "callback", at=5.0)
    assert (place.id, place.queued, place.lined_up, place.last, place.passed) == ("a", 5.0, 5.0, "", {})
