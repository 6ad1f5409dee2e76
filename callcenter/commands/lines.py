"""Conductor -> line; see `callcenter.commands`."""

from dataclasses import dataclass

from callcenter.commands.vocabulary import line


@line.word
@dataclass(frozen=True, slots=True)
class AnswerLeg:
    """200 OK to an inbound INVITE. Idempotent once answered."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class RingLeg:
    """180 Ringing to an inbound INVITE."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class ProgressLeg:
    """183 Session Progress with our SDP: the caller hears prompts before anybody answers (early media, RFC 3960)."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class RefuseLeg:
    """Final answer 4xx-6xx to an inbound INVITE that is not answered yet."""

    leg: str
    code: int
    reason: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class HangUpLeg:
    """BYE, CANCEL or 487, whichever the leg's state asks for. `cause` is written into the Reason header (RFC 3326)."""

    leg: str
    cause: str = "normal"


@line.word
@dataclass(frozen=True, slots=True)
class DialLeg:
    """Place a leg. `leg` is chosen by the conductor: the same id twice dials once.

    Exactly one of `phone` (a registered or configured agents' phone, by its user part) and `number` (E.164 or a SIP
    URI, by a trunk) is given. `trunk` names one; empty means the first that carries the number.
    `auto_answer` asks the phone to answer by itself (Call-Info / Alert-Info). `role`: whose dial plan applies to a
    `number`, a role of `people.rights`; empty for calls that the house places by itself. `withhold`: the caller's
    number is asserted to the trunk alone (RFC 3325, RFC 3323). `diverted_from`: who was called first (RFC 5806).
    `call`: the conversation, by the id of its first leg; what that leg speaks is offered first.
    """

    leg: str
    phone: str = ""
    number: str = ""
    trunk: str = ""
    caller: str = ""
    caller_name: str = ""
    timeout: float = 30.0
    auto_answer: bool = False
    call: str = ""
    role: str = ""
    withhold: bool = False
    diverted_from: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class PlayPrompts:
    """Play prompts one after another to one leg, replacing what it hears now; `PromptFinished` carries `play`.

    A prompt is a string: `say:LANG:TEXT` (LANG one of en, cmn, yue), `music:NAME`, `file:NAME` (an uploaded WAV;
    `file:NAME|OTHER` plays the other prompt where that is not there), `tone:HZ:MS` or `silence:MS`. With `loop` the list
    starts again and never finishes.
    """

    leg: str
    play: str
    prompts: tuple[str, ...]
    loop: bool = False


@line.word
@dataclass(frozen=True, slots=True)
class StopPrompts:
    """Silence to the leg; nothing when it hears none."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class BridgeLegs:
    """Let two legs hear each other; each leaves its prompt and whoever else it heard. `LegsBridged` follows.

    Both must have media: answered, or ringing with early media.
    """

    leg: str
    other: str


@line.word
@dataclass(frozen=True, slots=True)
class UnbridgeLegs:
    """Part two bridged legs; both stay up, in silence."""

    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class HearLegs:
    """From now on `leg` hears exactly these legs, mixed when there are several, silence when there are none.

    What the others hear stays as it is, and so does a prompt that the leg hears. Conference, listening, whisper and
    barge are made of it: a leg that is in nobody's `others` is heard by nobody.
    """

    leg: str
    others: tuple[str, ...]


@line.word
@dataclass(frozen=True, slots=True)
class StartRecording:
    """Record what `leg` says (left) and what `other` says (right; empty: one channel) from now on, as one segment.

    Ends by StopRecording, with the first of the two legs, or (one channel) behind `silence` seconds in which nobody
    spoke, when that is not 0. The same id twice starts once. `RecordingStarted`, and at
    the end `RecordingStopped`, follow; `RecordingFailed` when nothing can be written.
    """

    recording: str
    leg: str
    other: str = ""
    silence: float = 0.0


@line.word
@dataclass(frozen=True, slots=True)
class PauseRecording:
    """Silence in place of both voices while card data is spoken; the clock of the recording goes on."""

    recording: str
    leg: str
    paused: bool


@line.word
@dataclass(frozen=True, slots=True)
class StopRecording:
    recording: str
    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class TransferLeg:
    """Ask the other side by REFER (RFC 3515) to call `target` (E.164, user part or SIP URI) in our place.

    With `replaces`, a leg of ours with the target, the transfer is an attended one (RFC 3891). `LegTransferred` says
    how it went; the leg stays up until it is hung up.
    """

    leg: str
    target: str
    replaces: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class FinishReferral:
    """How the transfer that this leg asked for (`TransferAsked`) ended: the final NOTIFY's status."""

    leg: str
    code: int


@line.word
@dataclass(frozen=True, slots=True)
class MuteLeg:
    """What the leg says is dropped in our relay (muted) or let through again."""

    leg: str
    muted: bool


@line.word
@dataclass(frozen=True, slots=True)
class SendDigits:
    """Send DTMF to the leg, RFC 4733 when negotiated, else SIP INFO."""

    leg: str
    digits: str


@line.word
@dataclass(frozen=True, slots=True)
class LoadConfig:
    """A newer `LineConfig` stands in the store under `line:config`."""

    version: int


@line.word
@dataclass(frozen=True, slots=True)
class LiftBan:
    """Hear this address again. Nothing when it is not banned."""

    source: str


@line.word
@dataclass(frozen=True, slots=True)
class DrainLine:
    """Let running calls go on and take no new ones (503; OPTIONS too, so that a proxy looks elsewhere), or again."""

    draining: bool


@line.word
@dataclass(frozen=True, slots=True)
class ShowLadder:
    """Put the SIP messages of a call of the last day into the hash `line:ladder:<call>` of the store, under the line's
    name, for five minutes; an empty list says that this line keeps none."""

    call: str
