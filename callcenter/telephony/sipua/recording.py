"""What the media plane says of recordings, in the words of a line."""

from callcenter import events
from callcenter.telephony.media import plane as media


def recording_event(
    event: media.Recording | media.Recorded | media.NotRecorded | media.DiskAlarm, now: float, line: str
) -> events.RecordingStarted | events.RecordingStopped | events.RecordingFailed | events.LineAlarm:
    """`now`: seconds since 1970."""
    match event:
        case media.Recording():
            return events.RecordingStarted(now, line, event.recording, event.leg, event.other)
        case media.Recorded():
            return events.RecordingStopped(
                now, line, event.recording, event.leg, event.path, event.started, event.seconds, event.channels,
                event.paused,
            )  # fmt: skip
        case media.NotRecorded():
            return events.RecordingFailed(now, line, event.recording, event.leg, event.why)
        case media.DiskAlarm():
            return events.LineAlarm(now, line, "disk", event.on, event.detail)
