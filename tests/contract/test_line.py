"""What every driver does, told once; each driver brings its own outside world (`outside.py`)."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from callcenter import commands, events
from callcenter.telephony.line import CAPABILITIES, NEEDS, Binding, Memory, SavedDialog
from tests.contract.outside import CONFIG, OUTSIDES, Outside


@dataclass
class Kept:
    """What a line wanted remembered."""

    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    dialogs: dict[str, SavedDialog] = field(default_factory=dict)

    def memory(self) -> Memory:
        return Memory(
            bindings=[one for bindings in self.bindings.values() for one in bindings],
            dialogs=list(self.dialogs.values()),
            save_bindings=self.bindings.__setitem__,
            save_dialog=lambda dialog: self.dialogs.__setitem__(dialog.leg, dialog),
            drop_dialog=lambda leg: self.dialogs.pop(leg, None),  # type: ignore[arg-type]
        )


@pytest.fixture
def kept() -> Kept:
    return Kept()


def driver(name: str) -> object:
    """A parameter that needs what the driver needs."""
    wanted = {"pjsua2": ("pjsua2",), "pyvoip": ("pyvoip", "kamailio")}.get(name, ())
    return pytest.param(name, marks=pytest.mark.needs(*wanted))


@pytest.fixture(params=[driver(name) for name in OUTSIDES])
async def outside(request: pytest.FixtureRequest, kept: Kept, tmp_path: Path) -> AsyncIterator[Outside]:
    outside: Outside = OUTSIDES[request.param](kept.memory(), tmp_path)
    await outside.start()
    yield outside
    await outside.stop()


async def arrived(outside: Outside) -> str:
    return (await outside.reported.next(events.CallArrived)).leg


async def answered(outside: Outside) -> str:
    """A caller whom we answered: the leg."""
    caller = await outside.ring("+8613800138000")
    leg = await arrived(outside)
    outside.line.execute(commands.AnswerLeg(leg))
    await outside.reported.next(events.LegAnswered, leg=leg)
    await caller.is_up()
    return leg


async def test_it_names_itself_and_what_it_lacks(outside: Outside) -> None:
    assert outside.line.name in OUTSIDES
    assert outside.line.lacks <= CAPABILITIES
    assert outside.line.capacity() > 0
    assert outside.line.legs() == []


ASKS = {
    commands.ProgressLeg: commands.ProgressLeg("leg"),
    commands.HearLegs: commands.HearLegs("leg", ()),
    commands.MuteLeg: commands.MuteLeg("leg", True),
    commands.SendDigits: commands.SendDigits("leg", "1"),
    commands.StartRecording: commands.StartRecording("rec", "leg"),
    commands.PauseRecording: commands.PauseRecording("rec", "leg", True),
    commands.StopRecording: commands.StopRecording("rec", "leg"),
    commands.TransferLeg: commands.TransferLeg("leg", "4000"),
    commands.FinishReferral: commands.FinishReferral("leg", 200),
    commands.DrainLine: commands.DrainLine(True),
}


async def test_what_it_lacks_it_refuses(outside: Outside) -> None:
    assert set(ASKS) == set(NEEDS)
    for kind, capability in NEEDS.items():
        if capability in outside.line.lacks:
            outside.line.execute(ASKS[kind])
            refused = await outside.reported.next(events.CommandRefused)
            assert (refused.command, refused.code) == (kind.__name__, "not_supported")


async def test_a_caller_arrives_rings_is_answered_and_hangs_up(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000")
    call = await outside.reported.next(events.CallArrived)
    assert (call.caller, call.called, call.withheld, call.line) == (
        "+8613800138000",
        "hotline",
        False,
        "line1",
    )
    assert outside.line.legs() == [call.leg]
    outside.line.execute(commands.RingLeg(call.leg))
    await caller.is_ringing()
    outside.line.execute(commands.AnswerLeg(call.leg))
    outside.line.execute(commands.AnswerLeg(call.leg))
    await outside.reported.next(events.LegAnswered, leg=call.leg)
    await caller.is_up()
    await caller.hang_up()
    ended = await outside.reported.next(events.LegEnded)
    assert (ended.leg, ended.outcome, ended.by, ended.fault) == (call.leg, "hung_up", "remote", "nobody")
    assert outside.line.legs() == []
    assert len(outside.reported.of(events.LegAnswered)) == 1


async def test_a_caller_gives_up_unanswered(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000")
    leg = await arrived(outside)
    await caller.hang_up()
    ended = await outside.reported.next(events.LegEnded)
    assert (ended.leg, ended.outcome, ended.by, ended.fault) == (leg, "cancelled", "remote", "caller")


async def test_an_unknown_number_never_arrives(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000", "elsewhere")
    await caller.is_over(404)
    assert outside.reported.of(events.CallArrived) == []


async def test_we_refuse_a_caller(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000")
    leg = await arrived(outside)
    outside.line.execute(commands.RefuseLeg(leg, 486))
    ended = await outside.reported.next(events.LegEnded, leg=leg)
    assert (ended.outcome, ended.by, ended.code) == ("refused", "us", 486)
    await caller.is_over(486)


async def test_we_hang_up(outside: Outside) -> None:
    leg = await answered(outside)
    outside.line.execute(commands.HangUpLeg(leg))
    ended = await outside.reported.next(events.LegEnded, leg=leg)
    assert (ended.outcome, ended.by) == ("hung_up", "us")


async def test_prompts_finish_and_loops_do_not(outside: Outside) -> None:
    leg = await answered(outside)
    outside.line.execute(commands.PlayPrompts(leg, "loop", ("tone:440:40",), loop=True))
    outside.line.execute(commands.PlayPrompts(leg, "once", ("tone:440:40", "silence:40")))
    assert (await outside.reported.next(events.PromptFinished)).play == "once"
    outside.line.execute(commands.StopPrompts(leg))


async def test_keys_are_heard(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000")
    leg = await arrived(outside)
    outside.line.execute(commands.AnswerLeg(leg))
    await caller.is_up()
    # The audio process has begun once it played something.
    outside.line.execute(commands.PlayPrompts(leg, "hello", ("tone:440:40",)))
    await outside.reported.next(events.PromptFinished, leg=leg)
    for key in "5#":
        await caller.press(key)
        assert (await outside.reported.next(events.DigitPressed, leg=leg)).digit == key


async def test_two_legs_are_bridged_and_parted(outside: Outside) -> None:
    await outside.phone("answer")
    leg = await answered(outside)
    outside.line.execute(commands.DialLeg("agent-leg", phone="anna", caller="+8613800138000"))
    await outside.reported.next(events.LegRinging, leg="agent-leg")
    await outside.reported.next(events.LegAnswered, leg="agent-leg")
    outside.line.execute(commands.BridgeLegs(leg, "agent-leg"))
    bridged = await outside.reported.next(events.LegsBridged)
    assert {bridged.leg, bridged.other} == {leg, "agent-leg"}
    outside.line.execute(commands.MuteLeg("agent-leg", True))
    outside.line.execute(commands.SendDigits("agent-leg", "1"))
    outside.line.execute(commands.UnbridgeLegs(leg))
    await outside.phone_hangs_up()
    ended = await outside.reported.next(events.LegEnded)
    assert (ended.leg, ended.by) == ("agent-leg", "remote")
    assert outside.line.legs() == [leg]


@pytest.mark.parametrize(("status", "outcome"), [(486, "busy"), (603, "refused"), (480, "unreachable")])
async def test_a_phone_refuses(outside: Outside, status: int, outcome: str) -> None:
    await outside.phone(status)
    outside.line.execute(commands.DialLeg("leg", phone="anna"))
    ended = await outside.reported.next(events.LegEnded, leg="leg")
    assert (ended.outcome, ended.by, ended.code, ended.fault) == (outcome, "remote", status, "called")


async def test_a_placed_call_is_withdrawn(outside: Outside) -> None:
    await outside.phone("ring")
    outside.line.execute(commands.DialLeg("leg", phone="anna"))
    await outside.reported.next(events.LegRinging, leg="leg")
    outside.line.execute(commands.BridgeLegs("leg", "other"))
    assert (await outside.reported.next(events.CommandRefused)).code == "wrong_state"
    outside.line.execute(commands.HangUpLeg("leg"))
    ended = await outside.reported.next(events.LegEnded, leg="leg")
    assert (ended.outcome, ended.by) == ("cancelled", "us")
    await outside.phone_is_over()


async def test_a_leg_is_dialled_once_however_often_it_is_read(outside: Outside) -> None:
    await outside.phone("answer")
    for _ in range(2):
        outside.line.execute(commands.DialLeg("leg", phone="anna"))
    await outside.reported.next(events.LegAnswered, leg="leg")
    outside.line.execute(commands.HangUpLeg("leg"))
    await outside.reported.next(events.LegEnded, leg="leg")
    outside.line.execute(commands.DialLeg("leg", phone="anna"))
    assert outside.line.legs() == []


async def test_a_late_command_is_refused(outside: Outside) -> None:
    for command in (
        commands.AnswerLeg("gone"),
        commands.HangUpLeg("gone"),
        commands.PlayPrompts("gone", "p", ()),
    ):
        outside.line.execute(command)
        refused = await outside.reported.next(events.CommandRefused)
        assert (refused.code, refused.command, refused.leg) == ("no_such_leg", type(command).__name__, "gone")


async def test_a_phone_that_is_not_there_is_not_dialled(outside: Outside) -> None:
    outside.line.execute(commands.DialLeg("leg", phone="anna"))
    if "registrar" in outside.line.lacks:
        # It asks the PBX, which knows.
        ended = await outside.reported.next(events.LegEnded, leg="leg")
        assert (ended.outcome, ended.code) == ("unreachable", 404)
        outside.line.execute(commands.DialLeg("stranger", phone="bert"))
    assert (await outside.reported.next(events.CommandRefused)).code == "no_phone"


async def test_phones_come_and_go(outside: Outside) -> None:
    await outside.phone("answer")
    if "registrar" in outside.line.lacks:
        # Its phones are the PBX's: they can be rung, and nothing is told of them.
        outside.line.execute(commands.DialLeg("leg", phone="anna"))
        await outside.reported.next(events.LegAnswered, leg="leg")
        assert outside.reported.of(events.PhoneRegistered) == []
        return
    registered = await outside.reported.next(events.PhoneRegistered)
    assert registered.phone == "anna"
    assert registered.expires > time.time()
    await outside.phone_leaves()
    gone = await outside.reported.next(events.PhoneUnregistered)
    assert (gone.phone, gone.why) == ("anna", "removed")


async def test_phones_are_kept_over_a_restart(outside: Outside, kept: Kept, tmp_path: Path) -> None:
    if "registrar" in outside.line.lacks:
        return
    await outside.phone("answer")
    await outside.reported.next(events.PhoneRegistered)
    assert list(kept.bindings) == ["anna"]
    again = type(outside)(kept.memory(), tmp_path / "again")  # type: ignore[call-arg]
    await again.start()
    assert (await again.reported.next(events.PhoneRegistered)).phone == "anna"
    again.line.execute(commands.DialLeg("leg", phone="anna"))
    await again.reported.next(events.LegAnswered, leg="leg")
    await again.stop()


async def test_stop_ends_every_leg_and_says_so(outside: Outside) -> None:
    leg = await answered(outside)
    await outside.line.stop()
    assert [event.leg for event in outside.reported.of(events.LegEnded)] == [leg]


async def test_a_newer_configuration_counts_at_once(outside: Outside) -> None:
    leg = await answered(outside)
    await outside.line.configure(type(CONFIG)(version=2, numbers=("other",), phones=CONFIG.phones))
    caller = await outside.ring("+8613800138000")
    await caller.is_over(404)
    assert outside.line.legs() == [leg]


async def test_a_leg_hears_exactly_whom_it_is_told_to(outside: Outside) -> None:
    await outside.phone("answer")
    customer, supervisor = await answered(outside), await answered(outside)
    outside.line.execute(commands.DialLeg("agent-leg", phone="anna"))
    await outside.reported.next(events.LegAnswered, leg="agent-leg")
    outside.line.execute(commands.BridgeLegs(customer, "agent-leg"))
    await outside.reported.next(events.LegsBridged)
    outside.line.execute(commands.HearLegs(supervisor, (customer, "agent-leg")))
    if "mixing" in outside.line.lacks:
        assert (await outside.reported.next(events.CommandRefused)).code == "not_supported"
        return
    outside.line.execute(commands.HearLegs("agent-leg", (customer, supervisor)))
    outside.line.execute(commands.HearLegs(supervisor, ()))
    assert outside.reported.of(events.CommandRefused) == []
    for others in (("gone",), (customer, "gone"), (supervisor,)):
        outside.line.execute(commands.HearLegs(supervisor, others))
        assert (await outside.reported.next(events.CommandRefused)).code == "no_such_leg"
    outside.line.execute(commands.HearLegs("gone", (customer,)))
    assert (await outside.reported.next(events.CommandRefused, leg="gone")).code == "no_such_leg"
    await outside.phone_hangs_up()
    await outside.reported.next(events.LegEnded, leg="agent-leg")
    assert set(outside.line.legs()) == {customer, supervisor}


async def bridged(outside: Outside) -> str:
    """A caller in conversation with anna's `agent-leg`: the caller's leg."""
    await outside.phone("answer")
    leg = await answered(outside)
    outside.line.execute(commands.DialLeg("agent-leg", phone="anna", caller="+8613800138000"))
    await outside.reported.next(events.LegAnswered, leg="agent-leg")
    outside.line.execute(commands.BridgeLegs(leg, "agent-leg"))
    await outside.reported.next(events.LegsBridged)
    return leg


async def refused(outside: Outside, command: object) -> bool:
    """Whether the line lacks the command's capability; then it said so."""
    outside.line.execute(command)
    answer = await outside.reported.next(events.CommandRefused)
    return answer.code == "not_supported"


async def test_a_conversation_is_recorded(outside: Outside) -> None:
    leg = await bridged(outside)
    start = commands.StartRecording("rec", leg, "agent-leg")
    if "recording" in outside.line.lacks:
        assert await refused(outside, start)
        return
    outside.line.execute(start)
    outside.line.execute(start)
    begun = await outside.reported.next(events.RecordingStarted)
    assert (begun.recording, begun.leg, begun.other) == ("rec", leg, "agent-leg")
    outside.line.execute(commands.PauseRecording("rec", leg, True))
    outside.line.execute(commands.PauseRecording("rec", leg, False))
    outside.line.execute(commands.StopRecording("rec", leg))
    ended = await outside.reported.next(events.RecordingStopped)
    assert (ended.recording, ended.leg, ended.channels) == ("rec", leg, 2)
    assert ended.seconds > 0
    assert ended.paused >= 0
    path = Path(ended.path)
    assert path.is_absolute()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.with_suffix(".json").is_file()
    assert not list(path.parent.glob("*.part"))
    assert len(outside.reported.of(events.RecordingStarted)) == 1


async def test_a_recording_ends_with_its_leg(outside: Outside) -> None:
    leg = await bridged(outside)
    if "recording" in outside.line.lacks:
        return
    for name, other in (("both", "agent-leg"), ("alone", "")):
        outside.line.execute(commands.StartRecording(name, leg, other))
        await outside.reported.next(events.RecordingStarted, recording=name)
    await outside.phone_hangs_up()
    ended = await outside.reported.next(events.RecordingStopped)
    assert (ended.recording, ended.sound) == ("both", 0.0)
    outside.line.execute(commands.HangUpLeg(leg))
    ended = await outside.reported.next(events.RecordingStopped)
    assert (ended.recording, ended.channels) == ("alone", 1)
    assert 0.0 <= ended.sound <= ended.seconds


async def test_orders_for_no_recording_are_refused(outside: Outside) -> None:
    leg = await answered(outside)
    if "recording" in outside.line.lacks:
        return
    for command, code in (
        (commands.StartRecording("rec", leg, "gone"), "no_such_leg"),
        (commands.PauseRecording("rec", leg, True), "wrong_state"),
        (commands.StopRecording("rec", leg), "wrong_state"),
    ):
        outside.line.execute(command)
        assert (await outside.reported.next(events.CommandRefused)).code == code


async def lacking(outside: Outside, capability: str, command: Any) -> bool:
    """Whether the driver lacks it; then it says so to the command."""
    if capability not in outside.line.lacks:
        return False
    outside.line.execute(command)
    assert (await outside.reported.next(events.CommandRefused)).code == "not_supported"
    return True


async def test_a_caller_hears_us_before_he_is_answered_or_refused(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000")
    leg = await arrived(outside)
    if await lacking(outside, "early_media", commands.ProgressLeg(leg)):
        return
    outside.line.execute(commands.PlayPrompts(leg, "too-soon", ("tone:440:40",)))
    assert (await outside.reported.next(events.CommandRefused)).code == "wrong_state"
    for _ in range(2):
        outside.line.execute(commands.ProgressLeg(leg))
    await caller.is_early()
    outside.line.execute(commands.PlayPrompts(leg, "closed", ("tone:440:40",)))
    assert (await outside.reported.next(events.PromptFinished)).play == "closed"
    assert outside.reported.of(events.LegAnswered) == []
    outside.line.execute(commands.RefuseLeg(leg, 480))
    assert (await outside.reported.next(events.LegEnded, leg=leg)).outcome == "refused"
    await caller.is_over(480)


async def test_a_phone_is_heard_before_it_answers(outside: Outside) -> None:
    await outside.phone("early")
    leg = await answered(outside)
    outside.line.execute(commands.DialLeg("agent-leg", phone="anna"))
    ringing = await outside.reported.next(events.LegRinging, leg="agent-leg")
    if "early_media" in outside.line.lacks:
        assert not ringing.early
        return
    if not ringing.early:
        await outside.reported.next(events.LegRinging, leg="agent-leg", early=True)
    outside.line.execute(commands.BridgeLegs(leg, "agent-leg"))
    await outside.reported.next(events.LegsBridged)
    await outside.phone_answers()
    await outside.reported.next(events.LegAnswered, leg="agent-leg")


async def test_a_caller_holds_and_resumes(outside: Outside) -> None:
    caller = await outside.ring("+8613800138000")
    leg = await arrived(outside)
    outside.line.execute(commands.AnswerLeg(leg))
    await outside.reported.next(events.LegAnswered, leg=leg)
    await caller.is_up()
    if "hold" in outside.line.lacks:
        return
    for held in (True, False, True):
        await caller.hold(held)
        assert (await outside.reported.next(events.LegHeld, leg=leg)).held == held
    assert len(outside.reported.of(events.LegHeld)) == 3


@pytest.mark.parametrize("attended", [False, True])
async def test_a_phone_asks_for_a_transfer(outside: Outside, attended: bool) -> None:
    if "transfer_in" in outside.line.lacks:
        return
    await outside.phone("answer")
    for leg in ("one", "two"):
        outside.line.execute(commands.DialLeg(leg, phone="anna"))
        await outside.reported.next(events.LegAnswered, leg=leg)
    await outside.phone_refers("+8613900139000", attended)
    asked = await outside.reported.next(events.TransferAsked)
    assert asked.leg == "one"
    assert asked.replaces == ("two" if attended else "")
    if not attended:
        assert asked.target == "+8613900139000"
    outside.line.execute(commands.FinishReferral("one", 200))
    await outside.phone_was_told(200)
    outside.line.execute(commands.FinishReferral("one", 200))
    assert (await outside.reported.next(events.CommandRefused)).code == "wrong_state"


@pytest.mark.parametrize("code", [404, 603])
async def test_a_caller_is_asked_to_call_another(outside: Outside, code: int) -> None:
    outside.transfers_end("elsewhere", code)
    leg = await answered(outside)
    command = commands.TransferLeg(leg, "elsewhere")
    if await lacking(outside, "transfer_out", command):
        return
    outside.line.execute(command)
    came = await outside.reported.next(events.LegTransferred)
    assert (came.leg, came.target, came.code) == (leg, "elsewhere", code)
    outside.line.execute(commands.TransferLeg(leg, "elsewhere", "gone"))
    assert (await outside.reported.next(events.CommandRefused)).code == "no_such_leg"


async def test_a_phone_takes_the_place_of_a_leg(outside: Outside) -> None:
    if "replaces" in outside.line.lacks:
        return
    await outside.phone("answer")
    leg = await answered(outside)
    await outside.phone_takes(leg)
    call = await outside.reported.next(events.CallArrived)
    assert (call.phone, call.replaces) == ("anna", leg)


async def test_how_a_leg_sounded_is_told_just_before_its_end(outside: Outside) -> None:
    leg = await bridged(outside)
    if "quality" in outside.line.lacks:
        assert outside.reported.of(events.LegQuality) == []
        return
    outside.line.execute(commands.HangUpLeg(leg))
    heard = await outside.reported.next(events.LegQuality, leg=leg)
    await outside.reported.next(events.LegEnded, leg=leg)
    kinds = [type(event) for event in outside.reported.all if getattr(event, "leg", "") == leg]
    assert kinds.index(events.LegQuality) == kinds.index(events.LegEnded) - 1
    assert heard.codec in ("PCMU", "PCMA", "G722")
    assert heard.lost <= heard.expected
    assert heard.mos == 0 or 1.0 <= heard.mos <= 4.5
    unanswered = await outside.ring("+8613800138000")
    await outside.reported.next(events.CallArrived)
    await unanswered.hang_up()
    await outside.reported.next(events.LegEnded)
    assert (
        len(outside.reported.of(events.LegQuality, leg=leg))
        == len(outside.reported.of(events.LegQuality))
        == 1
    )


async def test_a_number_outside_of_the_plan_is_not_dialled(outside: Outside) -> None:
    for number, role in (("+4930123456", ""), ("+19005551234", ""), ("+8613800138000", "nobody")):
        outside.line.execute(commands.DialLeg(f"to-{number}", number=number, role=role))
        barred = await outside.reported.next(events.CommandRefused, leg=f"to-{number}")
        assert barred.code == "not_allowed"
