"""The default driver: SIP and RTP of our own, behind the `Line` Protocol."""

import asyncio
import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from callcenter import commands, events
from callcenter.ids import new_id
from callcenter.telephony.dialplan import Bounds
from callcenter.telephony.limits import Limits
from callcenter.telephony.line import (
    Ban,
    Command,
    LineConfig,
    Memory,
    Report,
    SipMessage,
    Sound,
    lacking,
)
from callcenter.telephony.media import plane as media
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.arrivals import Arrival, Arrivals
from callcenter.telephony.sipua.dialling import Dialling
from callcenter.telephony.sipua.dialogs import Dialog
from callcenter.telephony.sipua.digest import Challenger
from callcenter.telephony.sipua.expiry import Lasting
from callcenter.telephony.sipua.farewell import Farewells
from callcenter.telephony.sipua.gate import Gate
from callcenter.telephony.sipua.guard import Guard, Rules
from callcenter.telephony.sipua.ladder import Ladder
from callcenter.telephony.sipua.lately import Lately
from callcenter.telephony.sipua.legs import Desk, InboundLeg, Leg
from callcenter.telephony.sipua.offers import NotAcceptable
from callcenter.telephony.sipua.outbound_leg import OutboundLeg
from callcenter.telephony.sipua.registrar import Registrar
from callcenter.telephony.sipua.reports import recording_event, sound
from callcenter.telephony.sipua.session import Session
from callcenter.telephony.sipua.tls import Tls
from callcenter.telephony.sipua.transactions import ServerTransaction, Timers
from callcenter.telephony.sipua.transfers import Transfers
from callcenter.telephony.sipua.transport import Drop, Listen
from callcenter.telephony.sipua.trunks import Trunks

log = logging.getLogger(__name__)

_REMEMBERED = 60.0
"""Seconds that we know the id of a leg that we placed, so that a command read twice dials once."""
_FAREWELL = 4
"""Times T1 that a stopping line waits for the answers to its BYEs: two repetitions."""
_FOR_HELP = 4
"""Legs, two calls of a phone to an emergency number, that ports are kept for; fewer where there are few."""
_LAG = 3.0
"""Seconds that the loop may be late before new calls get 503."""


@dataclass(frozen=True, slots=True)
class Options:
    """`host`, `port` to listen on (port 0: any), and `also` there; `advertised`: the host that we name, if another.

    `rtp_ports`: first and last. `silent_after`: seconds without RTP after which a peer counts as gone. `disk_limit`:
    free bytes under which the disk of recordings is an alarm. `most_legs`: calls beyond get 503. `lasting`: of session
    timers. `bounds`, `limits`: what this line allows whatever it is told. `guard`: who is not heard
    at all. `phone_keepalive`: seconds between two OPTIONS to a registered phone, 0 for none. `farewell`: the languages in
    which barred callers hear why they are refused, () for none.
    """

    line: str = "line1"
    host: str = "127.0.0.1"
    port: int = 0
    also: tuple[Listen, ...] = ()
    tls: Tls | None = None
    advertised: str = ""
    rtp_ports: tuple[int, int] = (20000, 29999)
    data_dir: Path | None = None
    silent_after: float = media.SILENT_AFTER
    disk_limit: int = media.DISK_LIMIT
    most_legs: int = 1000
    timers: Timers = field(default_factory=Timers)
    lasting: Lasting = field(default_factory=Lasting)
    nonce_life: float = 300.0
    phone_keepalive: float = 20.0
    drop: Drop | None = None
    bounds: Bounds = field(default_factory=Bounds)
    limits: Limits = field(default_factory=Limits)
    guard: Rules = field(default_factory=Rules)
    farewell: tuple[str, ...] = ()

    @property
    def addresses(self) -> tuple[Listen, ...]:
        """Where it listens; the first is what it announces."""
        return Listen(self.host, self.port), *self.also

    @property
    def spool(self) -> Path | None:
        """Where recordings lie until a worker takes them; None without a folder of data."""
        return self.data_dir / "line" / self.line / "recordings" if self.data_dir else None


class SipuaLine:
    """See `callcenter.telephony.line.Line`."""

    name = "sipua"
    lacks: frozenset[str] = frozenset()

    def __init__(self, options: Options, plane: media.MediaPlane | None = None) -> None:
        self._options = options
        self._agent = UserAgent(options.timers, options.drop, lasting=options.lasting)
        self._media = plane or media.MediaPlane(
            options.data_dir, options.silent_after, options.spool, options.disk_limit
        )
        self._challenger = Challenger(options.nonce_life)
        self._registrar = Registrar(
            options.line, self._agent, self._challenger, self._tell, options.phone_keepalive
        )
        self._trunks = Trunks(self._agent, options.line, self._tell)
        self._transfers = Transfers(self._agent, self._trunks, self._registrar)
        self._gate = Gate(options.bounds, options.limits)
        self._farewells = Farewells(options.farewell, self._media.play)
        self._guard = Guard(options.guard, self._is_known, self._banned)
        self._config = LineConfig()
        self._memory = Memory()
        self._report: Report = lambda event: None
        self._legs: dict[str, Leg] = {}
        between = self._agent, self._registrar, self._trunks, self._transfers
        self._dialling = Dialling(*between, self._gate, self._legs, self.capacity)
        self._arrivals = Arrivals(*between, lambda host: self._guard.strike(host, "scanner", time.time()))
        self._placed: Lately[str] = Lately(_REMEMBERED)
        self._calls: dict[str, str] = {}
        self._lag = 0.0
        self._pulse: asyncio.Task[None] | None = None
        self._ladder = _ladder(options)

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(self, report: Report, config: LineConfig, memory: Memory) -> str:
        options = self._options
        self._report, self._memory = report, memory
        self._agent.on_invite = self._invited
        self._agent.on_register = self._registrar.register
        self._agent.on_flow_lost = self._registrar.flow_lost
        if self._ladder is not None:
            self._agent.on_message = self._ladder.note
            self._agent.on_session = self._belongs
            await self._ladder.start()
        self._desk = Desk(
            options.line, self._agent, self._media, memory, self._tell, self._gone, self._transfers.meant
        )
        await self._media.start(options.host, options.rtp_ports, self._heard)
        address = await self._agent.start(options.addresses, options.advertised, options.tls)
        await self.configure(config)
        self._registrar.start(memory)
        self._guard.keep(memory.bans, time.time())
        self._agent.guard(lambda data, host: self._guard.admits(data, host, time.time()))
        self._agent.on_malformed = lambda host: self._guard.strike(host, "scanner", time.time())
        self._registrar.on_guess = lambda host: self._guard.strike(host, "guessing", time.time())
        for saved in memory.dialogs:
            self._end_lost(Dialog.restored(saved))
            memory.drop_dialog(saved.leg)
        self._pulse = asyncio.get_running_loop().create_task(self._measure())
        return address

    async def configure(self, config: LineConfig) -> None:
        config = self._config = self._gate.bound(config)
        self._registrar.configure(config)
        self._trunks.configure(config)
        self._transfers.configure(config)
        self._dialling.configure(config)
        self._arrivals.configure(config)

    def capacity(self) -> int:
        first, last = self._options.rtp_ports
        pairs = (last - first + 1) // 2
        return min(self._options.most_legs, pairs - min(_FOR_HELP, pairs // 8))

    def legs(self) -> list[str]:
        return list(self._legs)

    async def stop(self, hang_up: bool = True) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
        self._trunks.stop()
        self._registrar.stop()
        self._farewells.stop()
        if hang_up:
            for leg in list(self._legs.values()):
                leg.hang_up("normal")
            await self._agent.settle(_FAREWELL * self._options.timers.t1)
        await self._agent.stop()
        await self._media.stop()
        if self._ladder is not None:
            await self._ladder.stop()

    def figures(self) -> dict[str, float]:
        return {
            "legs": len(self._legs),
            "capacity": self.capacity(),
            "draining": self._agent.closed,
            "loop_lag_seconds": round(self._lag, 4),
            "sip_transactions": self._agent.pending,
            "sip_sessions": self._agent.sessions,
            "phones_registered": self._registrar.registered(),
            "rtp_ports_used": self._media.ports_used,
            "sources_banned": self._guard.bans,
            "messages_dropped": self._guard.dropped,
            "audio_process_up": self._media.pid > 0,
        }

    def sounds(self) -> list[Sound]:
        heard = self._media.monitor.all()
        return [sound(leg, self._calls.get(leg, leg), quality) for leg, quality in heard.items()]

    async def ladder(self, call: str) -> list[SipMessage]:
        return await self._ladder.find(call) if self._ladder is not None else []

    # ---- commands ------------------------------------------------------------------------------------------------

    def execute(self, command: Command) -> None:
        if lacking(command, self.lacks):
            self._refuse(command, "not_supported")
        elif isinstance(command, commands.DialLeg):
            self._dial(command)
        elif isinstance(command, commands.DrainLine):
            self._drain(command.draining)
        elif isinstance(command, commands.LiftBan):
            self._guard.lift(command.source)
        elif isinstance(command, commands.LoadConfig):
            return
        else:
            leg = self._legs.get(command.leg)
            if leg is None:
                self._refuse(command, "no_such_leg")
            else:
                self._apply(command, leg)

    def _apply(self, command: Command, leg: Leg) -> None:
        match command:
            case commands.AnswerLeg() if isinstance(leg, InboundLeg):
                leg.answer()
            case commands.RingLeg() if isinstance(leg, InboundLeg):
                leg.ring()
            case commands.ProgressLeg() if isinstance(leg, InboundLeg) and leg.progress():
                return
            case commands.RefuseLeg(code=code, reason=reason) if isinstance(leg, InboundLeg) and not leg.up:
                leg.refuse(code if 300 <= code <= 699 else 480, reason)
            case commands.HangUpLeg(cause=cause):
                leg.hang_up(cause)
            case _ if not leg.audible:
                self._refuse(command, "wrong_state")
            case commands.PlayPrompts():
                self._media.play(leg.id, command.play, command.prompts, command.loop)
            case commands.StopPrompts():
                self._media.silence(leg.id)
            case commands.BridgeLegs(other=other):
                self._bridge(command, leg, other)
            case commands.HearLegs(others=others):
                self._hear(command, leg, others)
            case commands.UnbridgeLegs():
                self._media.part(leg.id)
            case commands.MuteLeg(muted=muted):
                self._media.mute(leg.id, muted)
            case commands.SendDigits(digits=digits):
                leg.send_digits(digits)
            case commands.StartRecording():
                self._record(command)
            case commands.PauseRecording(recording=name, paused=paused) if self._media.recordings.runs(name):
                self._media.recordings.pause(name, paused)
            case commands.StopRecording(recording=name) if self._media.recordings.runs(name):
                self._media.recordings.end(name)
            case commands.TransferLeg():
                self._transfer(command, leg)
            case commands.FinishReferral(code=code) if leg.finish_referral(code):
                return
            case _:
                self._refuse(command, "wrong_state")

    def _bridge(self, command: Command, leg: Leg, other: str) -> None:
        peer = self._legs.get(other)
        if peer is None or peer is leg:
            self._refuse(command, "no_such_leg")
        elif not peer.audible:
            self._refuse(command, "wrong_state")
        else:
            self._media.bridge(leg.id, other)

    def _hear(self, command: Command, leg: Leg, others: tuple[str, ...]) -> None:
        heard = [self._legs.get(other) for other in others]
        if leg in heard or None in heard:
            self._refuse(command, "no_such_leg")
        elif not all(each.audible for each in heard if each is not None):
            self._refuse(command, "wrong_state")
        else:
            self._media.hear(leg.id, others)

    def _record(self, command: commands.StartRecording) -> None:
        peer = self._legs.get(command.other) if command.other else None
        if command.other and (peer is None or command.other == command.leg):
            self._refuse(command, "no_such_leg")
        elif peer is not None and not peer.up:
            self._refuse(command, "wrong_state")
        else:
            self._media.recordings.record(command.recording, command.leg, command.other, command.silence)

    def _transfer(self, command: commands.TransferLeg, leg: Leg) -> None:
        replaced = self._legs.get(command.replaces)
        if command.replaces and replaced is None:
            self._refuse(command, "no_such_leg")
            return
        if not leg.transfer(command.target, self._transfers.refer_to(command.target, leg), replaced):
            self._refuse(command, "wrong_state")

    def _dial(self, command: commands.DialLeg) -> None:
        if self._placed.seen(command.leg) or command.leg in self._legs:
            return
        self._placed.add(command.leg)
        kind = "internal" if command.phone else self._gate.class_of(command.number)
        rounds = self._dialling.rounds(command, kind)
        if isinstance(rounds, str):
            self._refuse(command, rounds)
            return
        self._calls[command.leg] = command.call or command.leg
        try:
            partner = self._legs.get(command.call)
            codec = partner.codec if partner is not None else None
            self._legs[command.leg] = OutboundLeg(
                self._desk,
                command.leg,
                rounds,
                command.timeout,
                partial(self._dialling.forwarded, command),
                codec,
            )
        except media.NoPorts:
            del self._calls[command.leg]
            self._refuse(command, "no_capacity")
            return
        if not command.phone:
            self._gate.traffic.placed(command.leg, kind, rounds[0][0].trunk, time.monotonic())

    # ---- calls that come -----------------------------------------------------------------------------------------

    def _invited(self, server: ServerTransaction) -> None:
        arrival = self._arrivals.read(server)
        if arrival is not None:
            self._admit(server, arrival)

    def _admit(self, server: ServerTransaction, arrival: Arrival) -> None:
        trunk, leg = arrival.trunk, new_id()
        barred = arrival.phone is None and self._gate.is_barred(arrival.caller, time.time())
        code, wait = (603, 0) if barred else self._overload(arrival)
        try:
            if not code:
                srtp = trunk.srtp if trunk else self._config.srtp
                self._legs[leg] = InboundLeg(self._desk, leg, server, srtp)
                self._legs[leg].trunk = trunk.name if trunk else ""
        except NotAcceptable:
            code = 488
        except media.NoPorts:
            code, wait = 503, 5
        self._tell(arrival.event(self._options.line, leg))
        if code:
            why = "barred" if barred else "too many calls" if wait > 5 else ""
            if barred and self._says_why(server, leg, arrival):
                self._tell_refused(leg, code, wait, why)
            else:
                self._turn_away(server, leg, code, wait, why)
        elif trunk is None:
            self._gate.traffic.arrived(leg, arrival.user, self._stranger(arrival), time.monotonic())

    def _turn_away(self, server: ServerTransaction, leg: str, code: int, wait: int, why: str) -> None:
        """`wait`: seconds for Retry-After, 0 for none."""
        server.reply(code, headers={"Retry-After": str(wait)} if wait else None)
        self._tell_refused(leg, code, wait, why)

    def _says_why(self, server: ServerTransaction, leg: str, arrival: Arrival) -> bool:
        """Whether a barred caller hears a sentence first, while there is room."""
        if len(self._legs) >= self.capacity() or "early_media" in self.lacks:
            return False
        srtp = arrival.trunk.srtp if arrival.trunk else self._config.srtp
        return self._farewells.say(self._desk, leg, server, arrival.caller.withheld, srtp)

    def _tell_refused(self, leg: str, code: int, wait: int, why: str) -> None:
        fault = "us" if code == 503 else "caller"
        now, line = time.time(), self._options.line
        self._tell(events.LegEnded(now, line, leg, "refused", "line", fault, bool(wait), code, why))

    def _overload(self, arrival: Arrival) -> tuple[int, int]:
        """(status, Retry-After in seconds) that a call is refused with, zeros for none; an emergency never is."""
        trunk = arrival.trunk
        if arrival.phone is not None and self._gate.is_emergency(arrival.called):
            return 0, 0
        if len(self._legs) >= self.capacity() or self._lag > _LAG:
            return 503, 5
        if trunk is not None and not self._dialling.has_channel(trunk):
            return 503, 5
        source = self._stranger(arrival)
        if trunk is not None or not (arrival.phone or source):
            return 0, 0
        wait = self._gate.traffic.retry_after(arrival.user, source, time.monotonic())
        return (503, max(6, wait)) if wait else (0, 0)

    def _stranger(self, arrival: Arrival) -> str:
        """The address that a call's source is counted by; empty for one that we trust."""
        return "" if arrival.source in self._options.guard.trusted else arrival.source

    def _is_known(self, host: str) -> bool:
        return self._trunks.at(host) or self._registrar.at(host)

    def _banned(self, news: Ban | str) -> None:
        """The guard banned an address, or a ban of it is over."""
        if isinstance(news, str):
            self._memory.save_ban(news, None)
            return
        log.warning("nothing from %s is heard any more: %s", news.source, news.why)
        self._memory.save_ban(news.source, news)
        self._tell(events.SourceBanned(time.time(), self._options.line, news.source, news.why, news.until))

    # ---- events --------------------------------------------------------------------------------------------------

    def _heard(self, event: media.MediaEvent) -> None:
        now, line = time.time(), self._options.line
        match event:
            case media.Digit(leg=leg, digit=digit):
                self._tell(events.DigitPressed(now, line, leg, digit, "rtp"))
            case media.PlayFinished(leg=leg) if self._farewells.heard(leg):
                return
            case media.PlayFinished(leg=leg, play=play):
                self._tell(events.PromptFinished(now, line, leg, play))
            case media.Bridged(leg=leg, other=other):
                self._tell(events.LegsBridged(now, line, leg, other))
            case media.Silent(leg=leg, seconds=seconds):
                if leg in self._legs:
                    self._legs[leg].fell_silent(seconds)
            case media.ChildDied(restarted=restarted):
                if not restarted:
                    for each in list(self._legs.values()):
                        each.lost("the audio process died")
            case media.Recording() | media.Recorded() | media.NotRecorded() | media.DiskAlarm():
                self._tell(recording_event(event, now, line))
            case _:
                log.warning("media: %s", event)

    def _tell(self, event: object) -> None:
        if isinstance(event, events.LegQuality):
            event = dataclasses.replace(event, call=self._calls.get(event.leg, event.leg))
        self._report(event)

    def _refuse(self, command: Command, code: str) -> None:
        name = type(command).__name__
        self._tell(
            events.CommandRefused(time.time(), self._options.line, name, getattr(command, "leg", ""), code)
        )

    def _drain(self, draining: bool) -> None:
        """Calls that are up go on, and so do registrations; new calls get 503."""
        self._agent.closed = draining
        self._tell_draining()

    def _tell_draining(self) -> None:
        now, line = time.time(), self._options.line
        self._tell(events.LineDraining(now, line, self._agent.closed, len(self._legs)))

    def _belongs(self, session: Session, call_id: str) -> None:
        """A dialog is that leg's: its messages are the call's."""
        if self._ladder is not None and isinstance(session.owner, Leg):
            leg = session.owner.id
            self._ladder.bind(call_id, leg, self._calls.get(leg, leg))

    def _gone(self, leg: str) -> None:
        self._legs.pop(leg, None)
        self._calls.pop(leg, None)
        if self._ladder is not None:
            self._ladder.close(leg)
        if self._agent.closed and not self._legs:
            self._tell_draining()
        self._gate.traffic.ended(leg)

    def _end_lost(self, dialog: Dialog) -> None:
        """BYE into what a crash left standing."""
        request = dialog.request("BYE")
        request.headers.set_single("Reason", 'SIP;cause=500;text="restarted"')
        nothing: Callable[..., None] = lambda *_: None  # noqa: E731
        self._agent.send(request, dialog.next_hop(), nothing, nothing)

    async def _measure(self) -> None:
        """How late the loop runs: the sign of overload."""
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.1)
            self._lag = loop.time() - before - 0.1


def _ladder(options: Options) -> Ladder | None:
    return Ladder(options.data_dir / "line" / options.line / "sip") if options.data_dir else None
