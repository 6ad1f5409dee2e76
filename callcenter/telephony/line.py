"""The `Line` Protocol: what every driver does, in one page.

A driver is given to `callcenter.line` (the door), which feeds it commands from the stream and appends its events. The
driver knows legs, prompts, phones and trunks; no queue, no customer, no SQL, no store.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from callcenter import commands
from callcenter.telephony.dialplan import PLANS, RolePlan

Event = Any
"""One of `callcenter.events.line`."""
Command = Any
"""One of `callcenter.commands.line`."""

Srtp = Literal["off", "may", "must"]
"""Policy towards one peer: `off` refuses SRTP, `may` takes it and offers it where signalling is encrypted, `must` has
nothing else. A key that travels in the clear protects nobody, so nothing less than `must` writes one there."""

Report = Callable[[Event], None]
"""Called by the driver on the line's event loop for each event; never blocks."""

CAPABILITIES = frozenset(
    {
        "receive",
        "place",
        "bridge",
        "prompts",
        "dtmf_rtp",
        "dtmf_info",
        "registrar",
        "trunks",
        "mute",
        "send_digits",
        "early_media",
        "hold",
        "mixing",
        "transfer_in",
        "transfer_out",
        "replaces",
        "recording",
        "quality",
        "drain",
        "ladder",
    }
)

NEEDS: dict[type, str] = {
    commands.ProgressLeg: "early_media",
    commands.HearLegs: "mixing",
    commands.MuteLeg: "mute",
    commands.SendDigits: "send_digits",
    commands.StartRecording: "recording",
    commands.PauseRecording: "recording",
    commands.StopRecording: "recording",
    commands.TransferLeg: "transfer_out",
    commands.FinishReferral: "transfer_in",
    commands.DrainLine: "drain",
}
"""What a driver must have to be told this; every other command each driver takes."""


def lacking(command: "Command", lacks: frozenset[str]) -> bool:
    """Whether the command asks for what a driver with these lacks has not: it answers `not_supported`."""
    return NEEDS.get(type(command), "") in lacks


@dataclass(frozen=True, slots=True)
class Phone:
    """An agent's phone. `user` is the user part of its address of record.

    `ha1` is MD5(user:realm:password) (RFC 2617), empty for a phone at a fixed `address` (a SIP URI) behind a PBX.
    `ha1_sha256`: the same by SHA-256 (RFC 8760), empty where the password was set before we kept it.
    """

    user: str
    ha1: str = ""
    address: str = ""
    ha1_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Trunk:
    """A way to the public network: `address` is host:port; calls from there are let in as this trunk's.

    With `register` we register there by digest as `username`. `country` (ISO 3166) turns its numbers into E.164.
    `prefixes`: the E.164 beginnings that it carries, empty for all. `transport`: udp | tcp | tls. `srtp`: off | may | must.
    `channels`: calls at once, both directions, 0 for any number. `keepalive`: seconds between two OPTIONS, 0 for none.
    `number_format`: how numbers are dialled there: `+e164`, `e164` (without +) or `national` (as dialled in `country`).
    `trusted`: whether we believe whom it asserts (RFC 3325). `release`: whether it takes a call back by REFER.
    """

    name: str
    address: str
    country: str = "CN"
    transport: str = "udp"
    username: str = ""
    password: str = ""
    register: bool = False
    caller: str = ""
    prefixes: tuple[str, ...] = ()
    srtp: Srtp = "may"
    channels: int = 0
    keepalive: float = 30.0
    number_format: str = "+e164"
    trusted: bool = True
    release: bool = False


@dataclass(frozen=True, slots=True)
class LineConfig:
    """Snapshot that the conductor sends; the line keeps the last one on disk.

    `numbers`: user parts that reach the hotline; any other gets 404. `destinations`: regular expressions, one of
    which a dialled number must match whole; none given means none allowed. `open_calls`: whether calls from a
    source that is neither trunk nor registered phone are let in (true for the embedded default: "ring it yourself"):
    they reach `numbers` only. `plans`: which classes of numbers each role may dial (`telephony.dialplan`).
    `barred`: callers who are refused; `refuse_withheld`: callers too who hide their number. `srtp`:
    off | may | must, for phones and for strangers. `prompts`: digests of the uploaded sounds that a line fetches from the
    store and plays as `file:prompt-DIGEST.wav`.
    """

    version: int = 0
    realm: str = "callcenter"
    numbers: tuple[str, ...] = ("hotline",)
    phones: tuple[Phone, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    destinations: tuple[str, ...] = ()
    open_calls: bool = True
    country: str = "CN"
    plans: tuple[RolePlan, ...] = PLANS
    barred: "tuple[Barred, ...]" = ()
    refuse_withheld: bool = False
    srtp: Srtp = "may"
    prompts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Binding:
    """A registered contact, stored so that a restarted line keeps its phones. `expires`: seconds since 1970.

    `q`: its preference, 0 to 1 (RFC 3261 section 20.10). `instance`: which device it is (RFC 5626), empty when unsaid.
    """

    phone: str
    contact: str
    expires: float
    received: str
    call_id: str
    cseq: int
    user_agent: str = ""
    q: float = 1.0
    instance: str = ""


@dataclass(frozen=True, slots=True)
class SavedDialog:
    """What a restarted line needs to send BYE into a dialog that the crash lost."""

    leg: str
    call_id: str
    local_uri: str
    local_tag: str
    remote_uri: str
    remote_tag: str
    remote_target: str
    route_set: tuple[str, ...]
    local_cseq: int
    transport: str
    address: str


@dataclass(frozen=True, slots=True)
class SipMessage:
    """A message of a call as it passed the wire, without secrets. `at`: seconds since 1970; `way`: in | out; `peer`:
    transport:host:port of the other side."""

    call: str
    leg: str
    at: float
    way: str
    peer: str
    text: str


@dataclass(frozen=True, slots=True)
class Ban:
    """Nothing from this address is heard until `until` (seconds since 1970). `why`: as in `SourceBanned`."""

    source: str
    why: str
    until: float


@dataclass(frozen=True, slots=True)
class Barred:
    """A caller whose calls are refused until `until`; 0.0 for good."""

    number: str
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Sound:
    """How a leg sounds now. `loss`: share of the packets that did not reach us; `jitter` and `rtt` in milliseconds;
    `mos` by the E-model (ITU-T G.107), 0.0 as long as nothing came."""

    leg: str
    call: str
    codec: str
    secure: bool
    loss: float
    jitter: float
    rtt: float
    mos: float


@dataclass(slots=True)
class Memory:
    """What outlives a line process. The door loads it before `start` and saves each change.

    `save` callbacks must return at once; the door writes to the store behind them.
    """

    bindings: list[Binding] = field(default_factory=list)
    dialogs: list[SavedDialog] = field(default_factory=list)
    save_bindings: Callable[[str, list[Binding]], None] = lambda phone, bindings: None
    save_dialog: Callable[[SavedDialog], None] = lambda dialog: None
    drop_dialog: Callable[[str], None] = lambda leg: None
    bans: list[Ban] = field(default_factory=list)
    save_ban: Callable[[str, Ban | None], None] = lambda source, ban: None


class Line(Protocol):
    """A driver. All methods run on the line's event loop."""

    name: str
    """`sipua`, `pjsua2`, `pyvoip` or `fake`."""
    lacks: frozenset[str]
    """The CAPABILITIES that this driver does not have."""

    async def start(self, report: Report, config: LineConfig, memory: Memory) -> str:
        """Open sockets, keep phones, BYE what was lost; return the address `host:port` that it listens on."""
        ...

    async def configure(self, config: LineConfig) -> None:
        """Take a newer config without touching calls."""
        ...

    def execute(self, command: Command) -> None:
        """Begin a command; its result arrives as events. Never raises for a late command: reports CommandRefused."""
        ...

    def capacity(self) -> int:
        """Legs that this line can carry at once."""
        ...

    def legs(self) -> list[str]:
        """Ids of the legs that are up or being set up now."""
        ...

    def figures(self) -> dict[str, float]:
        """What stands now, as `/metrics` names it behind `callcenter_line_`: legs, capacity, draining (0 or 1) ..."""
        ...

    def sounds(self) -> list[Sound]:
        """Every leg that has audio now; [] without `quality`."""
        ...

    async def ladder(self, call: str) -> list[SipMessage]:
        """The SIP messages of a call of the last day, in order; [] when none is kept."""
        ...

    async def stop(self, hang_up: bool = True) -> None:
        """Close. With `hang_up`, BYE / CANCEL every leg and report their ends first."""
        ...
