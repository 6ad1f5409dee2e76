"""Line -> conductor; see `callcenter.events`."""

from dataclasses import dataclass

from callcenter.events.vocabulary import line


@line.word
@dataclass(frozen=True, slots=True)
class LineStarted:
    """A line process is up. Its `boot` differs at each start: legs of an older boot are lost, with phones kept.

    `lacks` names capabilities of the `Line` Protocol that this driver does not have. `former`: when a process of this
    name last showed that it lives, 0.0 when none ever did.
    """

    at: float
    line: str
    boot: str
    driver: str
    address: str
    capacity: int
    lacks: tuple[str, ...] = ()
    former: float = 0.0


@line.word
@dataclass(frozen=True, slots=True)
class LineStopped:
    at: float
    line: str
    boot: str


@line.word
@dataclass(frozen=True, slots=True)
class CallArrived:
    """An INVITE reached us from outside or from a phone; nothing is answered yet (100 Trying was sent).

    `caller` is E.164 when the number allows it, else as received, empty when withheld. `called` is the user part of
    the Request-URI. `trunk` is the name of the trunk it came by, `phone` the agents' phone that placed it, whose call
    may go to any number. `replaces`: the leg whose place it takes (RFC 3891); the line has checked that it may.
    `diverted_from`: the number called first, by Diversion or History-Info.
    """

    at: float
    line: str
    leg: str
    caller: str
    called: str
    caller_name: str = ""
    raw_caller: str = ""
    withheld: bool = False
    trunk: str = ""
    phone: str = ""
    replaces: str = ""
    diverted_from: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class LegRinging:
    """`early`: the other side already sends audio (183 with SDP); then the leg can be bridged before it answers."""

    at: float
    line: str
    leg: str
    early: bool = False


@line.word
@dataclass(frozen=True, slots=True)
class LegAnswered:
    """Media can flow: 200 sent for an inbound leg, 200 received for an outbound one."""

    at: float
    line: str
    leg: str


@line.word
@dataclass(frozen=True, slots=True)
class LegEnded:
    """Exactly one per leg, the last.

    `outcome`: hung_up | busy | no_answer | refused | unreachable | cancelled | failed | lost.
    `by`: remote (the other side), us (a command), line (watchdog, restart, transport).
    `fault`: nobody | caller | called | network | us. `retry`: whether trying again later can help.
    `code`: SIP status of a final answer, 0 when there was none.
    """

    at: float
    line: str
    leg: str
    outcome: str
    by: str
    fault: str = "nobody"
    retry: bool = False
    code: int = 0
    reason: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class PromptFinished:
    at: float
    line: str
    leg: str
    play: str


@line.word
@dataclass(frozen=True, slots=True)
class DigitPressed:
    """One key, once, however often its end packets were repeated. `method`: rtp | info."""

    at: float
    line: str
    leg: str
    digit: str
    method: str = "rtp"


@line.word
@dataclass(frozen=True, slots=True)
class LegsBridged:
    at: float
    line: str
    leg: str
    other: str


@line.word
@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """`phone` is the user part of the address of record; `expires` the instant its last contact expires."""

    at: float
    line: str
    phone: str
    contact: str
    expires: float
    user_agent: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class PhoneUnregistered:
    """No contact left. `why`: removed | expired | lost (its connection broke)."""

    at: float
    line: str
    phone: str
    why: str


@line.word
@dataclass(frozen=True, slots=True)
class CommandRefused:
    """A command came too late, from an older conductor, or asks for what the driver lacks.

    `code`: no_such_leg | wrong_state | stale_epoch | not_supported | not_allowed | no_capacity | no_trunk |
    no_phone | failed.
    """

    at: float
    line: str
    command: str
    leg: str
    code: str


@line.word
@dataclass(frozen=True, slots=True)
class LegHeld:
    """The other side put us on hold, or took us back (re-INVITE or UPDATE with sendonly or inactive, RFC 3264)."""

    at: float
    line: str
    leg: str
    held: bool


@line.word
@dataclass(frozen=True, slots=True)
class TransferAsked:
    """The other side asks by REFER that its partner be connected to `target` (user part or SIP URI), and was told 202.

    `replaces`: a leg of this line whose partner is meant instead (attended transfer). `FinishReferral` answers it.
    """

    at: float
    line: str
    leg: str
    target: str
    replaces: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class LegTransferred:
    """What came of `TransferLeg`: `code` is the final status of the other side's call, 0 when it never told."""

    at: float
    line: str
    leg: str
    target: str
    code: int


@line.word
@dataclass(frozen=True, slots=True)
class RecordingStarted:
    at: float
    line: str
    recording: str
    leg: str
    other: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class RecordingStopped:
    """A segment lies in the line's spool as `path`, absolute, complete. `started`: its first sample.

    `channels`: 2 (left `leg`, right `other`) or 1. `paused`: seconds in which it was paused, silent in the file.
    `sound`: seconds of one channel in which somebody spoke, 0 for two channels.
    It may come behind the leg's end, and again for what still lies in the spool when a line starts.
    """

    at: float
    line: str
    recording: str
    leg: str
    path: str
    started: float
    seconds: float
    channels: int = 2
    paused: float = 0.0
    sound: float = 0.0


@line.word
@dataclass(frozen=True, slots=True)
class RecordingFailed:
    """Nothing can be written, or nothing more: then `RecordingStopped` follows for what was written before."""

    at: float
    line: str
    recording: str
    leg: str
    why: str


@line.word
@dataclass(frozen=True, slots=True)
class LegQuality:
    """How the other side's audio reached us, and ours it, at a leg's end just before `LegEnded`.

    `lost`: packets of `expected` (RFC 3550 section 6.4.1); `jitter` and `rtt` in milliseconds; `mos`: estimate by the
    E-model (ITU-T G.107), 1.0 to 4.5, 0 when nothing came. `far_lost`: share that the other side reported as lost.
    `call`: as in the leg's `DialLeg`, else the leg itself.
    """

    at: float
    line: str
    leg: str
    codec: str
    secure: bool
    expected: int
    lost: int
    jitter: float
    rtt: float
    mos: float
    far_lost: float = 0.0
    call: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class TrunkChanged:
    """A trunk can be used, or not: its registration or its OPTIONS keep-alive says so."""

    at: float
    line: str
    trunk: str
    up: bool
    why: str = ""


@line.word
@dataclass(frozen=True, slots=True)
class SourceBanned:
    """Nothing from this address is heard until `until`. `why`: scanner | flood | guessing | abuse."""

    at: float
    line: str
    source: str
    why: str
    until: float


@line.word
@dataclass(frozen=True, slots=True)
class LineDraining:
    at: float
    line: str
    draining: bool
    legs: int


@line.word
@dataclass(frozen=True, slots=True)
class LineAlarm:
    """Something needs a hand (`on`), or no more. `what`: disk | recording | audio | ports."""

    at: float
    line: str
    what: str
    on: bool
    detail: str = ""
