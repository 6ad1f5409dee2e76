"""Recording of conversations: segments begin, pause and end with what a call has become in a step. No I/O.

Nothing else orders recordings. `follow` looks at each call that a step changed: a new pair of legs is a new segment, so
that a transfer, a consultation that failed and a call taken back need no words of their own.
"""

from callcenter import commands, events
from callcenter.recordings import rules
from callcenter.routing.board import Call, Line, Queue
from callcenter.routing.step import Step

COMMANDS = frozenset({"StartRecording", "PauseRecording", "StopRecording"})
TOGETHER = frozenset({"bridged", "held", "consulting"})
"""States in which the customer has an agent; in all but the first the customer waits, by a rule unrecorded."""
STARTS_WITHIN = 5.0
"""Seconds in which the line says that a segment began."""


def follow(step: Step) -> None:
    """Let the recordings of the calls that this step changed be what they ought to be."""
    for call in step.touched_calls():
        rule = _rule(step.rules_of(call))
        legs = _legs(call) if rules.recorded(rule, call.id, call.recording_asked) else []
        if call.recording and call.recording_legs != legs:
            _stop(step, call)
        if not legs:
            call.recording_legs, call.recording_until = [], 0.0
            call.recording_state = ""
        elif call.recording_legs != legs:
            _start(step, call, legs)
        if call.recording:
            _quiet(step, call, bool(call.recording_until) or (call.state != "bridged" and not rule.on_hold))


def pause(step: Step, asked: commands.PauseCallRecording) -> None:
    """Card data is about to be spoken, or has been."""
    call = _of_agent(step, asked.agent, asked.call)
    if call is None or not call.recording:
        step.refuse(asked.agent, asked, "wrong-state", asked.call)
        return
    call.recording_until = step.now + step.house.recording_pause if asked.paused else 0.0
    step.by = asked.agent
    step.keep(call)


def ask(step: Step, asked: commands.RecordCall) -> None:
    """The agent's own choice, where the queue leaves it to him."""
    call = _of_agent(step, asked.agent, asked.call)
    if call is None or step.rules_of(call).recording != "demand":
        step.refuse(asked.agent, asked, "wrong-state" if call is None else "not-allowed", asked.call)
        return
    line = step.board.lines.get(call.line)
    if asked.on and line is not None and "recording" in line.lacks:
        step.refuse(asked.agent, asked, "not-supported", call.id)
        return
    call.recording_asked = "on" if asked.on else "off"
    step.keep(call)


def reported(
    step: Step, event: events.RecordingStarted | events.RecordingStopped | events.RecordingFailed
) -> None:
    """What the line says of a segment; it may be late, and the call off the board."""
    call = _of_recording(step, event.recording)
    match event:
        case events.RecordingStarted():
            if call is not None and call.recording_state == "starting":
                call.recording_state, call.recording_since = "on", step.at(event.at)
                step.keep(call)
                _tell(step, call, "recording")
        case events.RecordingStopped():
            step.tell(
                events.RecordingChanged(
                    step.at(event.at), _call_id(event.recording), event.recording, "spooled", line=event.line,
                    leg=event.leg, spool=event.path, started=event.started, seconds=event.seconds,
                    channels=event.channels, paused_for=event.paused,
                )
            )  # fmt: skip
            if call is not None:
                _over(step, call, "")
        case events.RecordingFailed():
            _failed(step, event.recording, event.line, event.why, call)


def refused(step: Step, call: Call, event: events.CommandRefused) -> None:
    """The line cannot. What it could not pause it must not go on writing: card data comes before the recording."""
    if not call.recording or event.code == "no_such_leg":
        return
    if event.command == "StartRecording" and call.recording_state == "starting":
        _failed(step, call.recording, call.line, event.code, call)
    elif event.command == "PauseRecording":
        legs = call.recording_legs
        _stop(step, call)
        call.recording_legs, call.recording_state = legs, "failed"
        step.heal("recording", call.id, "it could not be paused, and was ended")


def time_passed(step: Step, call: Call) -> None:
    """A pause that is over, a beginning that the line never confirmed."""
    if call.recording_until and step.now >= call.recording_until:
        call.recording_until = 0.0
        step.keep(call)
    elif call.recording_state == "starting" and step.now - call.recording_since > STARTS_WITHIN:
        _failed(step, call.recording, call.line, "not_confirmed", call)


def alarm(step: Step, name: str, what: str, on: bool, detail: str) -> None:
    """Something of a line needs a hand, or no more: the wallboard and Health show it."""
    line = step.board.lines.get(name)
    if line is None or (line.alarms.get(what) == detail if on else what not in line.alarms):
        return
    line.alarms.pop(what, None)
    if on:
        line.alarms[what] = detail
    step.keep(line)
    step.tell(events.AlarmChanged(step.now, name, what, on, detail))


def alarms_over(step: Step, line: Line) -> None:
    """A line that starts tells anew what troubles it."""
    for what in list(line.alarms):
        alarm(step, line.name, what, False, "")


def _rule(queue: Queue) -> rules.Rule:
    return rules.Rule(queue.recording, queue.recording_share, queue.recording_on_hold, queue.recording_days)


def _legs(call: Call) -> list[str]:
    """Customer and agent, from the answer on; empty when there is no conversation."""
    together = call.state in TOGETHER and call.leg and call.agent_leg
    return [call.leg, call.agent_leg] if together and call.agent_leg_state == "up" else []


def _start(step: Step, call: Call, legs: list[str]) -> None:
    call.segments += 1
    call.recording, call.recording_legs = f"{call.id}-{call.segments}", legs
    call.recording_state, call.recording_since = "starting", step.now
    line = step.board.lines.get(call.line)
    if line is not None and "recording" in line.lacks:
        alarm(step, line.name, "recording", True, "not_supported")
        _failed(step, call.recording, call.line, "not_supported", call)
    else:
        step.order(call.line, commands.StartRecording(call.recording, legs[0], legs[1]))


def _stop(step: Step, call: Call) -> None:
    """The segment ends; with a leg that is gone it has ended by itself."""
    if all(leg in step.board.legs for leg in call.recording_legs):
        step.order(call.line, commands.StopRecording(call.recording, call.recording_legs[0]))
    call.recording, call.recording_legs, call.recording_state = "", [], ""


def _quiet(step: Step, call: Call, quiet: bool) -> None:
    if call.recording_state not in ("on", "paused") or quiet == (call.recording_state == "paused"):
        return
    call.recording_state = "paused" if quiet else "on"
    step.order(call.line, commands.PauseRecording(call.recording, call.recording_legs[0], quiet))
    _tell(step, call, "paused" if quiet else "recording")


def _failed(step: Step, recording: str, line: str, why: str, call: Call | None) -> None:
    """The call goes on; the desk, the record and Health say that it is not recorded."""
    step.tell(
        events.RecordingChanged(
            step.now, _call_id(recording), recording, "failed", agent=call.agent if call else "",
            queue=call.queue if call else "", line=line, why=why,
        )
    )  # fmt: skip
    if call is not None:
        _over(step, call, "failed")


def _over(step: Step, call: Call, state: str) -> None:
    """The line ended the segment by itself. Its legs stay noted: the same two are not begun again."""
    call.recording, call.recording_state, call.recording_until = "", state, 0.0
    step.keep(call)


def _tell(step: Step, call: Call, state: str) -> None:
    leg, other = call.recording_legs
    step.tell(
        events.RecordingChanged(
            step.now, call.id, call.recording, state, call.agent, call.queue, call.line, leg, other,
            by=step.by, until=call.recording_until, days=step.rules_of(call).recording_days,
            started=call.recording_since,
        )
    )  # fmt: skip


def _of_agent(step: Step, agent: str, call: str) -> Call | None:
    """The call when this agent speaks in it."""
    found = step.board.calls.get(call)
    return found if found is not None and found.agent == agent and _legs(found) else None


def _of_recording(step: Step, recording: str) -> Call | None:
    """The call whose running segment it is."""
    found = step.board.calls.get(_call_id(recording))
    return found if found is not None and found.recording == recording else None


def _call_id(recording: str) -> str:
    return recording.rpartition("-")[0]
