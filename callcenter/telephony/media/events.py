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
    audio is gone and `open` raises NoPorts."""

    restarted: bool = False


MediaEvent = Digit | PlayFinished | PromptFailed | Silent | Bridged | ChildDied
