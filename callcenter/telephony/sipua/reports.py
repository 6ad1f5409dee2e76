"""What the media plane says of recordings and of how a leg sounds, in the words of a line.

`now`: seconds since 1970.
"""

from callcenter import events
from callcenter.telephony.line import Sound
from callcenter.telephony.media import plane as media
from callcenter.telephony.media.monitor import Quality


def recording_event(
    event: media.Recording | media.Recorded | media.NotRecorded | media.DiskAlarm, now: float, line: str
) -> events.RecordingStarted | events.RecordingStopped | events.RecordingFailed | events.LineAlarm:
    match event:
        case media.Recording():
            return events.RecordingStarted(now, line, event.recording, event.leg, event.other)
        case media.Recorded():
            return events.RecordingStopped(
                now, line, event.recording, event.leg, event.path, event.started, event.seconds, event.channels,
                event.paused, event.sound,
            )  # fmt: skip
        case media.NotRecorded():
            return events.RecordingFailed(now, line, event.recording, event.leg, event.why)
        case media.DiskAlarm():
            return events.LineAlarm(now, line, "disk", event.on, event.detail)


def quality_event(heard: Quality, now: float, line: str, leg: str) -> events.LegQuality:
    return events.LegQuality(
        now, line, leg, heard.codec, heard.secure, heard.expected, heard.lost, round(heard.jitter, 2),
        round(heard.rtt, 2), round(heard.mos, 2), round(heard.far_lost, 4),
    )  # fmt: skip


def sound(leg: str, call: str, heard: Quality) -> Sound:
    """How the leg sounds now."""
    loss = heard.lost / heard.expected if heard.expected else 0.0
    return Sound(
        leg, call, heard.codec, heard.secure, round(loss, 4), round(heard.jitter, 1), round(heard.rtt, 1),
        round(heard.mos, 2),
    )  # fmt: skip
