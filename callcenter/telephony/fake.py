"""The shipped fake: a line without a network, for tests and dry runs. `outside` plays the world.

It keeps to the same contract as the real drivers (tests/contract/test_line.py).
"""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from callcenter import commands, events
from callcenter.ids import new_id
from callcenter.telephony import dialplan
from callcenter.telephony.line import (
    CAPABILITIES,
    Binding,
    Command,
    LineConfig,
    Memory,
    Report,
    SipMessage,
    Sound,
    lacking,
)
from callcenter.telephony.media import wav
from callcenter.telephony.media.reel import Reel, left_over

_REFUSALS = {
    486: ("busy", True),
    603: ("refused", False),
    480: ("unreachable", True),
    404: ("unreachable", False),
}

_AUDIO = (
    commands.PlayPrompts,
    commands.StopPrompts,
    commands.BridgeLegs,
    commands.UnbridgeLegs,
    commands.HearLegs,
    commands.MuteLeg,
    commands.SendDigits,
)
"""What can be done to a leg with early media."""


@dataclass(slots=True)
class FakeLeg:
    """One party. `state`: arriving | ringing | up. `played` lists every prompt it heard, `digits` what was sent.

    `spoke`: seconds of sound that a recording of it alone holds.
    `hears`: the legs that it hears; `other`: the one that it is bridged with. `early`: it has audio before the answer.
    `asking`: it asked for a transfer and waits; `told`: the statuses that such transfers ended with.
    """

    id: str
    inbound: bool
    party: str
    state: str
    other: str = ""
    muted: bool = False
    playing: str = ""
    played: list[str] = field(default_factory=list)
    digits: str = ""
    hears: frozenset[str] = frozenset()
    early: bool = False
    held: bool = False
    asking: bool = False
    told: list[int] = field(default_factory=list)
    spoke: float = 0.0

    @property
    def audible(self) -> bool:
        return self.state == "up" or self.early


@dataclass(slots=True)
class FakeRecording:
    """A recording without sound: its file has the true length."""

    reel: Reel
    fd: int
    speaker: FakeLeg
    silence: float = 0.0

    def ended(self) -> float:
        """Complete the file; its seconds."""
        count = int((time.time() - self.reel.started) * wav.RATE) + 1
        os.write(self.fd, wav.SILENCE * count * self.reel.channels)
        os.close(self.fd)
        return self.reel.complete()


class FakeLine:
    """See `callcenter.telephony.line.Line`. `most_legs`: its capacity. `spool`: where its recordings go."""

    name = "fake"
    lacks = CAPABILITIES & {"trunks", "ladder"}

    def __init__(self, line: str = "line1", most_legs: int = 100, spool: Path | None = None) -> None:
        self.line = line
        self.recordings: dict[str, FakeRecording] = {}
        self._spool = spool
        self.outside = Outside(self)
        self.config = LineConfig()
        self.all: dict[str, FakeLeg] = {}
        self._placed: set[str] = set()
        self._draining = False
        self._most = most_legs
        self._report: Report = lambda event: None
        self._memory = Memory()

    async def start(self, report: Report, config: LineConfig, memory: Memory) -> str:
        self._report, self._memory = report, memory
        await self.configure(config)
        for saved in memory.dialogs:
            memory.drop_dialog(saved.leg)
        for reel in left_over(self._spool) if self._spool else []:
            self._recorded(reel, reel.complete())
        for binding in memory.bindings:
            self.outside.phones[binding.phone] = "answer"
            self.tell(
                events.PhoneRegistered, phone=binding.phone, contact=binding.contact, expires=binding.expires
            )
        return "127.0.0.1:0"

    async def configure(self, config: LineConfig) -> None:
        self.config = config

    def capacity(self) -> int:
        return self._most

    def legs(self) -> list[str]:
        return list(self.all)

    def figures(self) -> dict[str, float]:
        return {"legs": len(self.all), "draining": self._draining}

    def sounds(self) -> list[Sound]:
        return []

    async def ladder(self, call: str) -> list[SipMessage]:
        return []

    async def stop(self, hang_up: bool = True) -> None:
        for leg in list(self.all) if hang_up else []:
            self.end(leg, "hung_up" if self.all[leg].state == "up" else "cancelled", "us")

    def execute(self, command: Command) -> None:
        if lacking(command, self.lacks):
            self._refuse(command, "not_supported")
            return
        if isinstance(command, commands.DialLeg):
            self._dial(command)
            return
        if isinstance(command, commands.DrainLine):
            self._draining = command.draining
            self.tell(events.LineDraining, draining=self._draining, legs=len(self.all))
            return
        if isinstance(command, commands.LoadConfig | commands.LiftBan):
            return
        leg = self.all.get(command.leg)
        if leg is None:
            self._refuse(command, "no_such_leg")
        elif leg.inbound and leg.state != "up" and not (leg.early and isinstance(command, _AUDIO)):
            self._arriving(command, leg)
        elif isinstance(command, commands.HangUpLeg):
            self.end(leg.id, "hung_up" if leg.state == "up" else "cancelled", "us")
        elif not leg.audible:
            self._refuse(command, "wrong_state")
        else:
            self._up(command, leg)

    # ---- for `Outside` -------------------------------------------------------------------------------------------

    def tell(self, kind: type, **fields: Any) -> None:
        self._report(kind(at=time.time(), line=self.line, **fields))

    def arrive(self, leg: FakeLeg, **fields: Any) -> None:
        self.all[leg.id] = leg
        self.tell(events.CallArrived, leg=leg.id, **fields)

    def answered(self, leg: FakeLeg) -> None:
        leg.state = "up"
        self.tell(events.LegAnswered, leg=leg.id)

    def end(self, leg: str, outcome: str, by: str, **more: Any) -> None:
        if self.all.pop(leg).state == "up":
            self.tell(
                events.LegQuality, leg=leg, codec="PCMU", secure=False, expected=50, lost=0, jitter=0.0, rtt=0.0, mos=4.4
            )  # fmt: skip
        for one in self.all.values():
            one.hears -= {leg}
            one.other = "" if one.other == leg else one.other
        for recording in list(self.recordings.values()):
            if leg in (recording.reel.leg, recording.reel.other):
                self.stop_recording(recording)
        self.tell(events.LegEnded, leg=leg, outcome=outcome, by=by, **more)
        if self._draining and not self.all:
            self.tell(events.LineDraining, draining=True, legs=0)

    def register(self, phone: str, contact: str, expires: float) -> None:
        self._memory.save_bindings(phone, [Binding(phone, contact, expires, "udp:127.0.0.1:0", "fake", 1)])
        self.tell(events.PhoneRegistered, phone=phone, contact=contact, expires=expires)

    def unregister(self, phone: str) -> None:
        self._memory.save_bindings(phone, [])
        self.tell(events.PhoneUnregistered, phone=phone, why="removed")

    # ---- commands ------------------------------------------------------------------------------------------------

    def _arriving(self, command: Command, leg: FakeLeg) -> None:
        match command:
            case commands.AnswerLeg():
                self.answered(leg)
            case commands.RingLeg():
                leg.state = "ringing"
            case commands.ProgressLeg():
                leg.early = True
            case commands.RefuseLeg(code=code, reason=reason):
                self.end(leg.id, "refused", "us", code=code, reason=reason)
            case commands.HangUpLeg():
                self.end(leg.id, "refused", "us", code=480)
            case _:
                self._refuse(command, "wrong_state")

    def _up(self, command: Command, leg: FakeLeg) -> None:
        match command:
            case commands.AnswerLeg() | commands.RingLeg() | commands.ProgressLeg() if leg.inbound:
                return
            case commands.PlayPrompts(play=play, prompts=prompts, loop=loop):
                leg.playing = play
                leg.played += prompts
                if not loop:
                    leg.playing = ""
                    self.tell(events.PromptFinished, leg=leg.id, play=play)
            case commands.StopPrompts():
                leg.playing = ""
            case commands.BridgeLegs(other=other):
                self._bridge(command, leg, other)
            case commands.UnbridgeLegs():
                self._part(leg)
            case commands.HearLegs(others=others):
                self._hear(command, leg, others)
            case commands.MuteLeg(muted=muted):
                leg.muted = muted
            case commands.SendDigits(digits=digits):
                leg.digits += digits
            case commands.StartRecording():
                self._record(command)
            case commands.PauseRecording(recording=name, paused=paused) if name in self.recordings:
                self.recordings[name].reel.pause(time.time() - self.recordings[name].reel.started, paused)
            case commands.StopRecording(recording=name) if name in self.recordings:
                self.stop_recording(self.recordings[name])
            case commands.TransferLeg(target=target, replaces=replaces) if leg.state == "up":
                self._transfer(command, leg, target, replaces)
            case commands.FinishReferral(code=code) if leg.asking:
                leg.asking = False
                leg.told.append(code)
            case _:
                self._refuse(command, "wrong_state")

    def _bridge(self, command: Command, leg: FakeLeg, other: str) -> None:
        peer = self.all.get(other)
        if peer is None or peer is leg:
            self._refuse(command, "no_such_leg")
        elif not peer.audible:
            self._refuse(command, "wrong_state")
        else:
            for each in (leg, peer):
                self._part(each)
                each.playing = ""
            leg.other, peer.other = peer.id, leg.id
            leg.hears, peer.hears = frozenset({peer.id}), frozenset({leg.id})
            self.tell(events.LegsBridged, leg=leg.id, other=peer.id)

    def _part(self, leg: FakeLeg) -> None:
        if leg.other in self.all:
            self.all[leg.other].other, self.all[leg.other].hears = "", frozenset()
        leg.other, leg.hears = "", frozenset()

    def _hear(self, command: Command, leg: FakeLeg, others: tuple[str, ...]) -> None:
        there = [self.all[one] for one in others if one in self.all and one != leg.id]
        if len(there) < len(others):
            self._refuse(command, "no_such_leg")
        elif not all(one.audible for one in there):
            self._refuse(command, "wrong_state")
        else:
            leg.hears = frozenset(others)

    def _record(self, command: commands.StartRecording) -> None:
        name, other = command.recording, self.all.get(command.other)
        if command.other and (other is None or command.other == command.leg):
            self._refuse(command, "no_such_leg")
        elif other is not None and other.state != "up":
            self._refuse(command, "wrong_state")
        elif self._spool is None:
            self.tell(events.RecordingFailed, recording=name, leg=command.leg, why="no folder")
        elif name not in self.recordings:
            reel = Reel(self._spool, name, command.leg, command.other, time.time())
            self.recordings[name] = FakeRecording(reel, reel.create(), self.all[command.leg], command.silence)
            self.tell(events.RecordingStarted, recording=name, leg=command.leg, other=command.other)

    def stop_recording(self, recording: FakeRecording) -> None:
        del self.recordings[recording.reel.recording]
        self._recorded(recording.reel, recording.ended(), recording.speaker.spoke)

    def _recorded(self, reel: Reel, seconds: float, spoke: float = 0.0) -> None:
        self.tell(
            events.RecordingStopped, recording=reel.recording, leg=reel.leg, path=str(reel.path),
            started=reel.started, seconds=seconds, channels=reel.channels, paused=reel.paused(seconds),
            sound=0.0 if reel.other else spoke,
        )  # fmt: skip

    def _transfer(self, command: Command, leg: FakeLeg, target: str, replaces: str) -> None:
        """The party does it at once, as `Outside.transfers` says; else it declines."""
        if replaces and replaces not in self.all:
            self._refuse(command, "no_such_leg")
            return
        code = self.outside.transfers.get(target, 603)
        self.tell(events.LegTransferred, leg=leg.id, target=target, code=code)

    def _dial(self, command: commands.DialLeg) -> None:
        if command.leg in self._placed:
            return
        self._placed.add(command.leg)
        party = command.phone or command.number
        behaviour = self.outside.phones.get(party)
        if len(self.all) >= self._most:
            self._refuse(command, "no_capacity")
        elif command.number and not self._allows(command):
            self._refuse(command, "not_allowed")
        elif behaviour is None:
            self._refuse(command, "no_phone" if command.phone else "no_trunk")
        else:
            leg = self.all[command.leg] = FakeLeg(command.leg, False, party, "arriving")
            self.outside.rung(leg, behaviour)

    def _allows(self, command: commands.DialLeg) -> bool:
        config, number = self.config, command.number
        kind = dialplan.class_of(number, config.country)
        if kind == dialplan.EMERGENCY:
            return True
        return dialplan.may_dial(config.plans, command.role, kind) and dialplan.matches(
            config.destinations, number
        )

    def _refuse(self, command: Command, code: str) -> None:
        self.tell(
            events.CommandRefused, command=type(command).__name__, leg=getattr(command, "leg", ""), code=code
        )


class Outside:
    """The world around a fake line: callers, phones, and what they do.

    `phones` maps a phone or number to what it does when rung: `answer`, `ring` (until told otherwise), `early`
    (the same with audio already) or the SIP status that it refuses with. `transfers`: the status that a transfer to
    this target ends with.
    """

    def __init__(self, line: FakeLine) -> None:
        self.phones: dict[str, str | int] = {}
        self.transfers: dict[str, int] = {}
        self._line = line

    def register(self, phone: str, behaviour: str | int = "answer") -> None:
        self.phones[phone] = behaviour
        self._line.register(phone, f"sip:{phone}@fake", time.time() + 3600)

    def unregister(self, phone: str) -> None:
        self.phones.pop(phone, None)
        self._line.unregister(phone)

    def ring(self, caller: str, called: str = "hotline", **fields: Any) -> str | None:
        """A caller rings; the leg, or None when the number is unknown (404). One of our phones dials any number."""
        if called not in self._line.config.numbers and not fields.get("phone"):
            return None
        leg = FakeLeg(new_id(), True, caller, "arriving")
        self._line.arrive(leg, caller=caller, called=called, raw_caller=caller, withheld=not caller, **fields)
        return leg.id

    def rung(self, leg: FakeLeg, behaviour: str | int) -> None:
        """We ring a phone of the world."""
        if isinstance(behaviour, int):
            outcome, retry = _REFUSALS.get(behaviour, ("failed", True))
            self._line.end(leg.id, outcome, "remote", fault="called", retry=retry, code=behaviour)
            return
        leg.state, leg.early = "ringing", behaviour == "early"
        self._line.tell(events.LegRinging, leg=leg.id, early=leg.early)
        if behaviour == "answer":
            self._line.answered(leg)

    def answer(self, leg: str) -> None:
        """The rung party takes the call."""
        self._line.answered(self._line.all[leg])

    def press(self, leg: str, digit: str, method: str = "rtp") -> None:
        self._line.tell(events.DigitPressed, leg=leg, digit=digit, method=method)

    def speak(self, leg: str, seconds: float) -> None:
        """The party says something so long."""
        self._line.all[leg].spoke += seconds

    def fall_silent(self, leg: str) -> None:
        """The party says nothing more, until recordings that end by silence have ended."""
        for recording in list(self._line.recordings.values()):
            if recording.reel.leg == leg and recording.silence:
                self._line.stop_recording(recording)

    def hold(self, leg: str, held: bool = True) -> None:
        """The party puts us on hold, or takes us back."""
        if self._line.all[leg].held != held:
            self._line.all[leg].held = held
            self._line.tell(events.LegHeld, leg=leg, held=held)

    def refer(self, leg: str, target: str, replaces: str = "") -> bool:
        """The party asks that its partner be connected to `target`; False when it asked already and waits."""
        if self._line.all[leg].asking:
            return False
        self._line.all[leg].asking = True
        self._line.tell(events.TransferAsked, leg=leg, target=target, replaces=replaces)
        return True

    def no_answer(self, leg: str) -> None:
        """The time to answer is over (a fake has no clock)."""
        self._line.end(leg, "no_answer", "line", fault="called", retry=True)

    def hang_up(self, leg: str) -> None:
        """The party on this leg ends or cancels it."""
        up = self._line.all[leg].state == "up"
        self._line.end(leg, "hung_up" if up else "cancelled", "remote", **({} if up else {"fault": "caller"}))
