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
from callcenter.telephony.dialplan import EMERGENCY, Bounds
from callcenter.telephony.limits import Limits
from callcenter.telephony.line import (
    COMING,
    Ban,
    Command,
    LineConfig,
    Memory,
    Phone,
    Report,
    SipMessage,
    Sound,
    Trunk,
    lacking,
)
from callcenter.telephony.media import plane as media
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import Dialog, flow_of_uri, parse_address_uri, user_of, user_of_uri
from callcenter.telephony.sipua.digest import Challenger
from callcenter.telephony.sipua.expiry import Lasting
from callcenter.telephony.sipua.gate import Gate, is_uri
from callcenter.telephony.sipua.guard import Guard, Rules
from callcenter.telephony.sipua.identity import Caller, caller_of, diverted_from, e164
from callcenter.telephony.sipua.ladder import Ladder
from callcenter.telephony.sipua.lately import Lately
from callcenter.telephony.sipua.legs import Desk, InboundLeg, Leg, OutboundLeg
from callcenter.telephony.sipua.offers import NotAcceptable
from callcenter.telephony.sipua.outbound import Target
from callcenter.telephony.sipua.registrar import Registrar, caller_phone
from callcenter.telephony.sipua.reports import recording_event, sound
from callcenter.telephony.sipua.session import Session
from callcenter.telephony.sipua.tls import Tls
from callcenter.telephony.sipua.transactions import ServerTransaction, Timers
from callcenter.telephony.sipua.transfers import Transfers
from callcenter.telephony.sipua.transport import Drop, Flow, Listen
from callcenter.telephony.sipua.trunks import Trunks
from callcenter.telephony.sipua.verdicts import Verdict

log = logging.getLogger(__name__)

_REMEMBERED = 60.0
"""Seconds that we know the id of a leg that we placed, so that a command read twice dials once."""
_FAREWELL = 4
"""Times T1 that a stopping line waits for the answers to its BYEs: two repetitions."""
_LAG = 3.0
"""Seconds that the loop may be late before new calls get 503."""


@dataclass(frozen=True, slots=True)
class Options:
    """`host`, `port` to listen on (port 0: any), and `also` there; `advertised`: the host that we name, if another.

    `rtp_ports`: first and last. `silent_after`: seconds without RTP after which a peer counts as gone. `disk_limit`:
    free bytes under which the disk of recordings is an alarm. `most_legs`: calls beyond get 503. `lasting`: of session
    timers. `bounds`, `limits`: what this line allows whatever it is told. `guard`: who is not heard
    at all. `phone_keepalive`: seconds between two OPTIONS to a registered phone, 0 for none.
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
    lacks: frozenset[str] = COMING

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
        self._guard = Guard(options.guard, self._is_known, self._banned)
        self._config = LineConfig()
        self._memory = Memory()
        self._report: Report = lambda event: None
        self._legs: dict[str, Leg] = {}
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
        self._numbers = {number.lower(): number for number in config.numbers}
        for number in config.numbers:
            self._numbers.setdefault(e164(number, config.country) or number.lower(), number)

    def capacity(self) -> int:
        first, last = self._options.rtp_ports
        return min(self._options.most_legs, (last - first + 1) // 2)

    def legs(self) -> list[str]:
        return list(self._legs)

    async def stop(self, hang_up: bool = True) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
        self._trunks.stop()
        self._registrar.stop()
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
        rounds = self._rounds(command, kind)
        if isinstance(rounds, str):
            self._refuse(command, rounds)
            return
        self._calls[command.leg] = command.call or command.leg
        try:
            partner = self._legs.get(command.call)
            codec = partner.codec if partner is not None else None
            self._legs[command.leg] = OutboundLeg(
                self._desk, command.leg, rounds, command.timeout, partial(self._forwarded, command), codec
            )
        except media.NoPorts:
            del self._calls[command.leg]
            self._refuse(command, "no_capacity")
            return
        if not command.phone:
            self._gate.traffic.placed(command.leg, kind, rounds[0][0].trunk, time.monotonic())

    def _forwarded(self, command: commands.DialLeg, uri: str) -> list[Target]:
        """Whom to ring when a 3xx names this URI: a phone of ours, or what the same dial plan allows."""
        meant = self._transfers.meant(uri)
        phone = self._registrar.phone(meant)
        number = "" if phone is not None else e164(meant, self._config.country) or meant
        further = dataclasses.replace(
            command, phone=phone.user if phone is not None else "", number=number, trunk=""
        )
        kind = self._gate.class_of(number) if number else "internal"
        rounds = self._rounds(further, kind)
        if isinstance(rounds, str):
            log.info("leg %s is not forwarded to %s: %s", command.leg, uri, rounds)
            return []
        if number:
            self._gate.traffic.ended(command.leg)
            self._gate.traffic.placed(command.leg, kind, rounds[0][0].trunk, time.monotonic())
        return rounds[0]

    def _rounds(self, command: commands.DialLeg, kind: str) -> list[list[Target]] | str:
        """Whom to ring, together and then one after another, or the code of the refusal.

        No limit stands in the way of an emergency.
        """
        emergency = kind == EMERGENCY
        if len(self._legs) >= self.capacity() and not emergency:
            return "no_capacity"
        if command.phone:
            return self._phone_rounds(command) or "no_phone"
        trunks = self._trunks_for(command)
        free = [trunk for trunk in trunks if emergency or self._has_channel(trunk)]
        if refusal := self._gate.refusal(command, kind, next(iter(free or trunks), None)):
            return refusal
        if trunks:
            return [
                [target] for trunk in free for target in self._trunks.targets(trunk, command)
            ] or "no_capacity"
        if is_uri(command.number) and not command.trunk:
            return [[self._target(command.number, flow_of_uri(command.number), command)]]
        return "no_trunk"

    def _trunks_for(self, command: commands.DialLeg) -> list[Trunk]:
        """The trunks that carry the number, in the order in which they are tried; an emergency takes any."""
        if is_uri(command.number) and not command.trunk:
            trunk = self._gate.trunk_at(flow_of_uri(command.number))
            return [trunk] if trunk is not None else []
        carrying = self._trunks.carrying(command.number, command.trunk)
        if not carrying and self._gate.is_emergency(command.number):
            return list(self._config.trunks)
        return carrying

    def _has_channel(self, trunk: Trunk) -> bool:
        used = sum(leg.trunk == trunk.name for leg in self._legs.values())
        return not trunk.channels or used < trunk.channels

    def _phone_rounds(self, command: commands.DialLeg) -> list[list[Target]]:
        phone = self._registrar.phone(command.phone)
        if phone is None:
            return []
        known = self._registrar.rounds(phone.user)
        if not known and phone.address:
            known = [[(phone.address, flow_of_uri(phone.address))]]
        rounds = [
            [self._target(uri, flow, command) for uri, flow in together if self._gate.may_ring(uri, flow)]
            for together in known
        ]
        return [together for together in rounds if together]

    def _target(self, uri: str, flow: Flow, command: commands.DialLeg) -> Target:
        own = self._agent.address_towards(flow)
        name = "".join(
            letter for letter in command.caller_name if letter.isprintable() and letter not in '"\\<>'
        )
        shown = command.caller or "anonymous"
        sender = shown if shown.startswith(("sip:", "sips:")) else f"sip:{shown}@{own}"
        caller = f'"{name}" <{sender}>' if name else f"<{sender}>"
        headers = {}
        if command.auto_answer:
            headers = {
                "Call-Info": f"<sip:{own}>;answer-after=0",
                "Alert-Info": f"<sip:{own}>;info=alert-autoanswer",
            }
        return Target(uri, flow, caller, headers=headers, srtp=self._config.srtp)

    # ---- calls that come -----------------------------------------------------------------------------------------

    def _invited(self, server: ServerTransaction) -> None:
        trunk = self._trunks.of(server.inbound.flow)
        phone = None if trunk else self._calling_phone(server)
        if phone is not None and phone.ha1 and not self._registrar.authenticated(server, phone, proxy=True):
            return
        if self._agent.closed:
            server.reply(503, headers={"Retry-After": "5"})
            return
        if trunk is None and phone is None and not self._config.open_calls:
            server.reply(403)
            return
        replaced = self._transfers.replaced(server, trunk, phone)
        if isinstance(replaced, int):
            server.reply(replaced)
            return
        called = self._called(server, trunk.country if trunk else self._config.country) or (
            self._dialled(server) if phone is not None or replaced else ""
        )
        if not called:
            log.info("no such number: %s", server.request.uri)
            self._guard.strike(server.inbound.flow.host, "scanner", time.time())
            server.reply(404)
            return
        self._admit(server, called, trunk, phone, replaced)

    def _admit(
        self, server: ServerTransaction, called: str, trunk: Trunk | None, phone: Phone | None, replaced: str
    ) -> None:
        country = trunk.country if trunk else self._config.country
        trusted = trunk is not None and trunk.trusted
        caller = caller_of(server.request, country, trusted)
        leg = new_id()
        barred = phone is None and self._gate.is_barred(caller, time.time())
        code, wait = (603, 0) if barred else self._overload(server, called, trunk, phone)
        try:
            if not code:
                srtp = trunk.srtp if trunk else self._config.srtp
                self._legs[leg] = InboundLeg(self._desk, leg, server, srtp)
                self._legs[leg].trunk = trunk.name if trunk else ""
        except NotAcceptable:
            code = 488
        except media.NoPorts:
            code, wait = 503, 5
        diverted = diverted_from(server.request, country) if trusted else ""
        self._tell(self._arrival(leg, caller, called, trunk, phone, replaced, diverted))
        if code:
            server.reply(code, headers={"Retry-After": str(wait)} if wait else None)
            fault = "us" if code == 503 else "caller"
            why = "barred" if barred else "too many calls" if wait > 5 else ""
            words = Verdict("refused", "line", fault, bool(wait), code, why)
            self._tell(
                events.LegEnded(
                    time.time(), self._options.line, leg, words.outcome, words.by, fault, words.retry, code,
                    words.reason,
                )
            )  # fmt: skip
        elif trunk is None:
            user = phone.user if phone else ""
            self._gate.traffic.arrived(leg, user, self._stranger(server), time.monotonic())

    def _overload(
        self, server: ServerTransaction, called: str, trunk: Trunk | None, phone: Phone | None
    ) -> tuple[int, int]:
        """(status, Retry-After in seconds) that a call is refused with, zeros for none; an emergency never is."""
        if phone is not None and self._gate.is_emergency(called):
            return 0, 0
        if len(self._legs) >= self.capacity() or self._lag > _LAG:
            return 503, 5
        if trunk is not None and not self._has_channel(trunk):
            return 503, 5
        source = self._stranger(server)
        if trunk is not None or not (phone or source):
            return 0, 0
        wait = self._gate.traffic.retry_after(phone.user if phone else "", source, time.monotonic())
        return (503, max(6, wait)) if wait else (0, 0)

    def _stranger(self, server: ServerTransaction) -> str:
        """The address that a call's source is counted by; empty for one that we trust."""
        host = server.inbound.flow.host
        return "" if host in self._options.guard.trusted else host

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

    def _dialled(self, server: ServerTransaction) -> str:
        """What a phone of ours dialled: digits, or another phone's user part."""
        user = user_of_uri(server.request.uri)
        return user if 0 < len(user) <= 64 and user.isprintable() else ""

    def _arrival(
        self,
        leg: str,
        caller: Caller,
        called: str,
        trunk: Trunk | None,
        phone: Phone | None,
        replaced: str,
        diverted: str,
    ) -> events.CallArrived:
        return events.CallArrived(
            at=time.time(),
            line=self._options.line,
            leg=leg,
            caller=caller.number,
            called=called,
            caller_name=caller.name,
            raw_caller=caller.raw,
            withheld=caller.withheld,
            trunk=trunk.name if trunk else "",
            phone=phone.user if phone else "",
            replaces=replaced,
            diverted_from=diverted,
        )

    def _calling_phone(self, server: ServerTransaction) -> Phone | None:
        """The phone of ours that this INVITE claims to come from; a stranger's user of the same name is none."""
        phone = self._registrar.phone(caller_phone(server.request))
        if phone is None:
            return None
        domain = flow_of_uri(parse_address_uri(server.request.headers.get("from")[0])).host
        flow = server.inbound.flow
        if not phone.ha1:
            return phone if flow_of_uri(phone.address).host == flow.host else None
        ours = (
            self._config.realm,
            flow_of_uri(server.request.uri).host,
            self._agent.host_towards(flow.host),
        )
        return phone if domain in ours else None

    def _called(self, server: ServerTransaction, country: str) -> str | None:
        """The configured number that the Request-URI means; a registered trunk calls our contact and names it in To."""
        user = user_of_uri(server.request.uri)
        if user == self._agent.user:
            user = user_of(server.request.headers.get("to")[0])
        found = self._numbers.get(user.lower())
        return found or self._numbers.get(e164(user, country))

    # ---- events --------------------------------------------------------------------------------------------------

    def _heard(self, event: media.MediaEvent) -> None:
        now, line = time.time(), self._options.line
        match event:
            case media.Digit(leg=leg, digit=digit):
                self._tell(events.DigitPressed(now, line, leg, digit, "rtp"))
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
