"""Leave a message and keep your place: who may, the greeting and the tone, the recording, what becomes of it. No I/O.

The message is one segment of one channel. Whether it is one is known when the line has closed the file: until then the
call stays, also when the caller has hung up.
"""

from callcenter import commands, events
from callcenter.recordings.rules import LEAST_MESSAGE
from callcenter.routing import endings, phrases
from callcenter.routing.board import Call
from callcenter.routing.step import Step

MODES = ("off", "closed", "full", "always")
"""Of a queue, each with what stands before it: never; when nobody who serves it is signed in; when it sends a caller
away; by a key while waiting."""
TONE = "tone:1000:400"
SILENCE = 8.0
"""Seconds without a voice that end a message."""
GREETING_WITHIN = 90.0
"""Seconds after which the greeting counts as heard, when the line does not say so."""
STARTS_WITHIN = 5.0
CLOSED_WITHIN = 10.0
"""Seconds in which the line says that the message's file is closed."""
END = "#"


def may(step: Step, call: Call, why: str) -> bool:
    """Whether this caller may leave a message now. `why`: closed | full | always."""
    return MODES.index(step.rules_of(call).voicemail) >= MODES.index(why) and can(step, call)


def can(step: Step, call: Call) -> bool:
    """Whether a message of this caller can be recorded, whatever the queue's mode."""
    line = step.board.lines.get(call.line)
    return (
        call.kind == "inbound"
        and not call.answered
        and line is not None
        and not {"recording", "prompts"} & set(line.lacks)
    )


def closed(step: Step, call: Call) -> bool:
    """Whether a message is all that the queue has for a caller: it is closed, or nobody who serves it is signed in."""
    if not may(step, call, "closed"):
        return False
    return step.rules_of(call).closed or not step.staffed(call.queue)


def send_away(step: Step, call: Call) -> None:
    """The queue has no room or no time for the caller: a message where it takes one, else our regret."""
    if may(step, call, "closed" if step.rules_of(call).closed else "full"):
        begin(step, call)
    else:
        endings.send_away(step, call, "deflected", "sorry_busy")


def offered(step: Step, call: Call) -> tuple[str, ...]:
    """The words that tell a waiting caller of the key, when it is time: at most each `voicemail_every` seconds."""
    queue = step.rules_of(call)
    told = call.message_told or call.lined_up or call.queued
    due = queue.voicemail_every > 0 and step.now - told >= queue.voicemail_every
    if not due or not may(step, call, "always"):
        return ()
    call.message_told = step.now
    spoken = call.language or step.house.languages[0]
    return (phrases.say("message_offer", spoken, key=int(queue.voicemail_key)),)


def key(step: Step, call: Call, digit: str) -> None:
    """A key of the caller: the queue's asks for a message, `#` ends one."""
    if call.state == "voicemail":
        if digit == END and call.message == "speaking" and call.message_since:
            _end(step, call)
    elif (
        call.state in ("greeting", "queued", "offered")
        and digit == step.rules_of(call).voicemail_key
        and may(step, call, "always")
    ):
        begin(step, call)


def begin(step: Step, call: Call) -> None:
    """Out of the queue, into the greeting; an agent whose phone rings for this call is free again."""
    if call.offer:
        endings.end_offer(step, call, "withdrawn")
    step.enter(call, "record")
    queue = step.rules_of(call)
    call.message, call.until = "greeting", step.now + GREETING_WITHIN
    spoken = call.language, step.house.languages
    words = phrases.own("message_greeting", queue.voicemail_greeting, *spoken, queue.prompts)
    step.play(call, "voicemail", *words, TONE)


def speak(step: Step, call: Call) -> None:
    """The tone was heard: record."""
    if call.message != "greeting":
        return
    call.segments += 1
    call.message, call.message_recording = "speaking", f"{call.id}-{call.segments}"
    call.hearing, call.until = "", step.now + STARTS_WITHIN
    step.keep(call)
    step.order(call.line, commands.StartRecording(call.message_recording, call.leg, silence=SILENCE))


def reported(
    step: Step, event: events.RecordingStarted | events.RecordingStopped | events.RecordingFailed
) -> None:
    """What the line says of a message."""
    call = step.board.calls.get(event.recording.rpartition("-")[0])
    if call is None or call.state != "voicemail" or call.message_recording != event.recording:
        return
    match event:
        case events.RecordingStarted() if not call.message_since:
            call.message_since = step.at(event.at)
            if call.message == "speaking":
                call.until = call.message_since + step.rules_of(call).voicemail_seconds
            step.keep(call)
            _tell(step, call)
        case events.RecordingStopped():
            _over(step, call, event.sound >= LEAST_MESSAGE)
        case events.RecordingFailed() if call.message_since:
            # What was written before it failed may be told yet.
            call.message, call.until = (
                call.message if call.message == "gone" else "ending",
                step.now + CLOSED_WITHIN,
            )
            step.keep(call)
        case events.RecordingFailed():
            _failed(step, call)


def refused(step: Step, call: Call, command: str) -> None:
    """The line cannot record."""
    if command == "StartRecording" and call.message in ("speaking", "gone") and not call.message_since:
        _failed(step, call)


def left(step: Step, call: Call, at: float) -> bool:
    """The caller is gone. Whether the call waits for what the line has recorded."""
    if call.message not in ("speaking", "ending"):
        return False
    call.message, call.gone_at, call.until = "gone", at, step.now + CLOSED_WITHIN
    step.keep(call)
    return True


def overdue(step: Step, call: Call) -> None:
    """The time of the present step is over."""
    match call.message:
        case "greeting":
            step.heal("call", call.id, "the end of the greeting was not reported")
            speak(step, call)
        case "speaking" if call.message_since:
            _end(step, call)
        case _:
            step.heal("recording", call.message_recording, "its end was not reported")
            _over(step, call, kept(call, step.now)) if call.message_since else _failed(step, call)


def kept(call: Call, at: float) -> bool:
    """Whether a message whose end the line did not report, being lost, counts as one: it was long enough."""
    until = call.gone_at or at
    return bool(call.message_since) and until - call.message_since >= LEAST_MESSAGE


def _end(step: Step, call: Call) -> None:
    call.message, call.until = "ending", step.now + CLOSED_WITHIN
    step.keep(call)
    step.order(call.line, commands.StopRecording(call.message_recording, call.leg))


def _over(step: Step, call: Call, is_message: bool) -> None:
    """Nothing that was said is no message: who left none has abandoned."""
    at = call.gone_at or step.now
    outcome = "message_left" if is_message else endings.abandoned(call, at)
    if call.message == "gone":
        endings.finish(step, call, outcome, "customer", call.gone_at)
        return
    endings.send_away(step, call, outcome, "message_kept" if is_message else "message_empty")


def _failed(step: Step, call: Call) -> None:
    """It cannot be recorded: the caller is told, and is rung back as everybody whom we send away."""
    if call.message == "gone":
        endings.finish(step, call, "deflected", "customer", call.gone_at, "us")
    else:
        endings.send_away(step, call, "deflected", "message_failed")


def _tell(step: Step, call: Call) -> None:
    step.tell(
        events.RecordingChanged(
            step.now, call.id, call.message_recording, "recording", "", call.queue, call.line, call.leg,
            days=step.rules_of(call).recording_days, started=call.message_since, channels=1,
        )
    )  # fmt: skip
