"""What the media plane reports to the SIP side. Durations are seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Digit:
    """One key pressed by the leg's party, told at the first packet of it that arrives (RFC 4733)."""

    leg: str
    digit: str


@dataclass(frozen=True, slots=True)
class PlayFinished:
    """A play reached its end by itself; one that was replaced, stopped or bridged over is not reported."""

    leg: str
    play: str


@dataclass(frozen=True, slots=True)
class PromptFailed:
    """A prompt could not be made (no such file, voice failed): a second of silence is played instead of it."""

    leg: str
    play: str
    prompt: str
    why: str


@dataclass(frozen=True, slots=True)
class Silent:
    """Neither RTP nor RTCP came for `seconds` though both sides should send. Told once until something comes."""

    leg: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Bridged:
    """Both legs are connected to each other in the relay."""

    leg: str
    other: str


@dataclass(frozen=True, slots=True)
class ChildDied:
    """The audio process died. `restarted`: another one took over every leg, after a gap in the audio; else all
    audio is gone and `open` raises NoPorts until the next one, which is tried again and again, lives."""

    restarted: bool = False


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording has begun."""

    recording: str
    leg: str
    other: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording lies complete as `path`, absolute. `started`: seconds since 1970 of its first sample.

    `paused`: seconds of it in which it was paused; `sound`: of one channel, in which somebody spoke.
    """

    recording: str
    leg: str
    path: str
    started: float
    seconds: float
    channels: int
    paused: float
    sound: float


@dataclass(frozen=True, slots=True)
class NotRecorded:
    """Nothing can be written, or nothing more: then what was written before follows as `Recorded`."""

    recording: str
    leg: str
    why: str


@dataclass(frozen=True, slots=True)
class DiskAlarm:
    """The spool's disk is filling up or cannot be written (`on`), or it is well again."""

    on: bool
    detail: str


MediaEvent = (
    Digit
    | PlayFinished
    | PromptFailed
    | Silent
    | Bridged
    | ChildDied
    | Recording
    | Recorded
    | NotRecorded
    | DiskAlarm
)
