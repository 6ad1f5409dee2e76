"""The line as extensions of a PBX, by pyVoIP: it receives, places, plays, joins two, takes and sends keys.

pyVoIP lives in threads; what they tell is posted to the event loop, where all of this runs. Sound is copied in Python:
some ten conversations, at a low rate.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiosipua import SipMessage, SipRequest
from pyVoIP.VoIP import CallState, PhoneStatus

from callcenter import commands, events
from callcenter.ids import new_id
from callcenter.telephony.line import CAPABILITIES, Command, LineConfig, Memory, Report, Sound, lacking
from callcenter.telephony.line import SipMessage as MessageOfCall
from callcenter.telephony.media.ports import NoPorts, Ports
from callcenter.telephony.prompts import Renderer
from callcenter.telephony.pyvoip.audio import Audio, Play
from callcenter.telephony.pyvoip.client import REGISTER_TIMEOUT, Call, Extension
from callcenter.telephony.sipua.dialogs import user_of_uri
from callcenter.telephony.sipua.driver import Options
from callcenter.telephony.sipua.gate import Gate
from callcenter.telephony.sipua.identity import Caller, caller_of
from callcenter.telephony.sipua.session import Ending
from callcenter.telephony.sipua.transport import join_host
from callcenter.telephony.sipua.verdicts import NO_ANSWER, Verdict, verdict

log = logging.getLogger(__name__)

MOST_LEGS = 20
_REMEMBERED = 20_000
_AGAIN = 30.0
"""Seconds after which a registration that failed for good is begun anew."""
_STOP = 3 * REGISTER_TIMEOUT


@dataclass(slots=True)
class Leg:
    """One call of an extension. `rang`: the other side was heard to ring."""

    id: str
    call: Call
    phone: Extension
    inbound: bool
    called: str = ""
    rang: bool = False
    play: str = ""
    other: str = ""
    timer: asyncio.TimerHandle | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def up(self) -> bool:
        return bool(self.call.state == CallState.ANSWERED)

    @property
    def audio(self) -> Audio:
        audio = self.call.audio
        assert audio is not None
        return audio


class PyvoipLine:
    """See `callcenter.telephony.line.Line`. `pbx`: host and port; `accounts`: user and password of each extension.

    The first extension listens on the port of `options`, each further one on the next; with port 0 on any.
    """

    name = "pyvoip"
    lacks = CAPABILITIES - {"receive", "place", "bridge", "prompts", "dtmf_rtp", "mute", "send_digits"}

    def __init__(self, options: Options, pbx: tuple[str, int], accounts: tuple[tuple[str, str], ...]) -> None:
        self._options, self._pbx, self._accounts = options, pbx, accounts
        self._gate = Gate(options.bounds, options.limits)
        self._config = LineConfig()
        self._report: Report = lambda event: None
        self._phones: list[Extension] = []
        self._legs: dict[str, Leg] = {}
        self._by_call: dict[str, str] = {}
        self._placed: dict[str, None] = {}
        self._next = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(self, report: Report, config: LineConfig, memory: Memory) -> str:
        """Register every extension. Raises OSError when the PBX takes one of them not."""
        self._loop = asyncio.get_running_loop()
        self._report = report
        self._renderer = Renderer(self._options.data_dir)
        self._renderer.warm()
        await self.configure(config)
        for saved in memory.dialogs:
            # A PBX ends by itself what was up when we fell; nothing here could send its BYE.
            memory.drop_dialog(saved.leg)
        ports = Ports(self._options.host, *self._options.rtp_ports)
        for number, (user, password) in enumerate(self._accounts):
            port = self._options.port + number if self._options.port else 0
            own = (self._options.host, port)
            phone = Extension(self._pbx, user, password, own, ports, _Posting(self._loop, self))
            self._phones.append(phone)
            await _in_thread(phone.start, f"start {user}")
            if phone.get_status() != PhoneStatus.REGISTERED:
                await self.stop()
                where = join_host(*self._pbx)
                raise OSError(f"the PBX at {where} (CALLCENTER_PBX) did not register the extension {user}")
        self._keep(self._watch())
        return join_host(self._options.host, self._phones[0].sip.myPort)

    async def configure(self, config: LineConfig) -> None:
        self._config = self._gate.bound(config)

    def capacity(self) -> int:
        return min(self._options.most_legs, MOST_LEGS)

    def legs(self) -> list[str]:
        return list(self._legs)

    def figures(self) -> dict[str, float]:
        return {"legs": len(self._legs), "capacity": self.capacity(), "draining": 0}

    def sounds(self) -> list[Sound]:
        return []

    async def ladder(self, call: str) -> list[MessageOfCall]:
        return []

    async def stop(self, hang_up: bool = True) -> None:
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        for leg in list(self._legs.values()):
            if hang_up:
                self._hang_up(leg)
            else:
                leg.call.close()
        for phone in self._phones:
            phone.calls.clear()
        stops = [_in_thread(phone.stop, f"stop {phone.username}") for phone in self._phones]
        if stops:
            await asyncio.wait([asyncio.ensure_future(stop) for stop in stops], timeout=_STOP)
        self._phones.clear()
        self._renderer.close()

    # ---- commands ------------------------------------------------------------------------------------------------

    def execute(self, command: Command) -> None:
        if isinstance(command, commands.LoadConfig | commands.LiftBan):
            return
        if lacking(command, self.lacks):
            self._refuse(command, "not_supported")
        elif isinstance(command, commands.DialLeg):
            self._dial(command)
        elif (leg := self._legs.get(command.leg)) is None:
            self._refuse(command, "no_such_leg")
        elif leg.inbound and not leg.up:
            self._arriving(command, leg)
        elif isinstance(command, commands.HangUpLeg):
            self._hang_up(leg)
        elif not leg.up:
            self._refuse(command, "wrong_state")
        else:
            self._up(command, leg)

    def _arriving(self, command: Command, leg: Leg) -> None:
        match command:
            case commands.RingLeg():
                leg.phone.ring(leg.call)
            case commands.AnswerLeg():
                leg.phone.answer(leg.call)
                self._tell(events.LegAnswered, leg=leg.id)
            case commands.RefuseLeg(code=code, reason=reason):
                self._give_back(leg, code if 400 <= code <= 699 else 480, reason)
            case commands.HangUpLeg():
                self._hang_up(leg)
            case _:
                self._refuse(command, "wrong_state")

    def _up(self, command: Command, leg: Leg) -> None:
        match command:
            case commands.AnswerLeg() | commands.RingLeg() if leg.inbound:
                return
            case commands.PlayPrompts():
                self._keep(self._play(leg, command))
            case commands.StopPrompts():
                self._silence(leg)
            case commands.BridgeLegs(other=other):
                self._bridge(command, leg, other)
            case commands.UnbridgeLegs():
                self._part(leg)
            case commands.MuteLeg(muted=muted):
                leg.audio.muted = muted
            case commands.SendDigits(digits=digits):
                if not leg.audio.press(digits):
                    self._refuse(command, "failed")
            case _:
                self._refuse(command, "wrong_state")

    def _dial(self, command: commands.DialLeg) -> None:
        if command.leg in self._placed or command.leg in self._legs:
            return
        self._placed[command.leg] = None
        if len(self._placed) > _REMEMBERED:
            del self._placed[next(iter(self._placed))]
        kind = "internal" if command.phone else self._gate.class_of(command.number)
        refusal = self._refusal(command, kind)
        if refusal:
            self._refuse(command, refusal)
            return
        self._next += 1
        phone = self._phones[self._next % len(self._phones)]
        try:
            call = phone.place(self._extension(command.phone) or command.number)
        except NoPorts:
            self._refuse(command, "no_capacity")
            return
        leg = self._take(Leg(command.leg, call, phone, inbound=False))
        leg.timer = self._loop.call_later(command.timeout, self._no_answer, leg)
        if not command.phone:
            self._gate.traffic.placed(command.leg, kind, "", time.monotonic())

    def _refusal(self, command: commands.DialLeg, kind: str) -> str:
        """The PBX carries every number; a phone is one of its extensions."""
        if len(self._legs) >= self.capacity():
            return "no_capacity"
        if command.phone:
            return "" if self._extension(command.phone) else "no_phone"
        return self._gate.refusal(command, kind, None)

    def _extension(self, user: str) -> str:
        """Where the PBX rings an agent's phone: the user part of its address there, else its own; empty for none."""
        phone = next((phone for phone in self._config.phones if phone.user == user), None)
        if phone is None:
            return ""
        return user_of_uri(phone.address) if phone.address else phone.user

    def _bridge(self, command: Command, leg: Leg, other: str) -> None:
        peer = self._legs.get(other)
        if peer is None or peer is leg:
            self._refuse(command, "no_such_leg")
        elif not peer.up:
            self._refuse(command, "wrong_state")
        else:
            for each in (leg, peer):
                self._part(each)
                self._silence(each)
            leg.other, peer.other = peer.id, leg.id
            leg.audio.partner, peer.audio.partner = peer.audio, leg.audio
            self._tell(events.LegsBridged, leg=leg.id, other=peer.id)

    def _part(self, leg: Leg) -> None:
        for each in (leg, self._legs.get(leg.other)):
            if each is not None:
                each.other = ""
                if each.call.audio is not None:
                    each.call.audio.partner = None

    async def _play(self, leg: Leg, command: commands.PlayPrompts) -> None:
        leg.play = command.play
        sounds = [await self._renderer.render(prompt) for prompt in command.prompts]
        if leg.play != command.play or leg.id not in self._legs:
            return
        over: Callable[[], None] = lambda: self._post(self._played, leg, command.play)  # noqa: E731
        leg.audio.play = Play(b"".join(sound.ulaw for sound in sounds), command.loop, over)

    def _silence(self, leg: Leg) -> None:
        leg.play, leg.audio.play = "", None

    def _hang_up(self, leg: Leg) -> None:
        if leg.inbound and not leg.up:
            self._give_back(leg, 480, "")
            return
        ending = Ending("bye" if leg.up else "cancel", "us")
        leg.phone.hang_up(leg.call)
        self._end(leg, verdict(ending, leg.inbound, leg.rang))

    def _give_back(self, leg: Leg, code: int, reason: str) -> None:
        leg.phone.refuse(leg.call, code, reason)
        self._end(leg, verdict(Ending("answer", "us", code, reason), True))

    def _no_answer(self, leg: Leg) -> None:
        if leg.id in self._legs and not leg.up:
            leg.phone.hang_up(leg.call)
            self._end(leg, verdict(NO_ANSWER, False, leg.rang))

    # ---- told by pyVoIP, on the loop -----------------------------------------------------------------------------

    def invited(self, call: Call) -> None:
        phone: Extension = call.phone
        request = SipMessage.parse(call.request.raw.decode("utf-8", "replace"))
        assert isinstance(request, SipRequest)
        called = self._called(call)
        if self._stopping or not called or len(self._legs) >= self.capacity():
            phone.refuse(call, 404 if not called else 503, "")
            return
        caller = caller_of(request, self._config.country, trusted=True)
        leg = self._take(Leg(new_id(), call, phone, inbound=True, called=called))
        self._tell_arrival(leg, caller)

    def rang(self, call: Call) -> None:
        leg = self._leg(call)
        if leg is not None and not leg.rang:
            leg.rang = True
            self._tell(events.LegRinging, leg=leg.id)

    def answered(self, call: Call) -> None:
        leg = self._leg(call)
        if leg is not None:
            if leg.timer is not None:
                leg.timer.cancel()
            self._tell(events.LegAnswered, leg=leg.id)

    def refused(self, call: Call, code: int, reason: str) -> None:
        self._gone(call, Ending("answer", "remote", code, reason))

    def cancelled(self, call: Call) -> None:
        self._gone(call, Ending("cancel", "remote", 487))

    def hung_up(self, call: Call) -> None:
        self._gone(call, Ending("bye", "remote"))

    def pressed(self, call: Call, key: str) -> None:
        leg = self._leg(call)
        if leg is None:
            return
        self._tell(events.DigitPressed, leg=leg.id, digit=key, method="rtp")
        if leg.other in self._legs:
            self._legs[leg.other].audio.press(key)

    def failed(self, phone: Extension) -> None:
        """The PBX does not know us any more: calls go on, the registration is begun anew."""
        if not self._stopping and phone in self._phones:
            log.error("the PBX no longer registers %s; again in %.0f s", phone.username, _AGAIN)
            self._loop.call_later(_AGAIN, self._again, phone)

    def _played(self, leg: Leg, play: str) -> None:
        if leg.id in self._legs and leg.play == play:
            leg.play = ""
            self._tell(events.PromptFinished, leg=leg.id, play=play)

    # ---- shared --------------------------------------------------------------------------------------------------

    def _called(self, call: Call) -> str:
        """The configured number that this call is for: whom To names, else the extension that it rang."""
        wanted = (call.request.headers["To"]["number"], call.phone.username)
        known = {number.lower(): number for number in self._config.numbers}
        return next((known[one.lower()] for one in wanted if one and one.lower() in known), "")

    def _take(self, leg: Leg) -> Leg:
        self._legs[leg.id] = leg
        self._by_call[leg.call.call_id] = leg.id
        return leg

    def _leg(self, call: Call) -> Leg | None:
        return self._legs.get(self._by_call.get(call.call_id, ""))

    def _gone(self, call: Call, ending: Ending) -> None:
        leg = self._leg(call)
        if leg is not None:
            self._end(leg, verdict(ending, leg.inbound, leg.rang))

    def _end(self, leg: Leg, words: Verdict) -> None:
        if leg.timer is not None:
            leg.timer.cancel()
        self._part(leg)
        del self._legs[leg.id], self._by_call[leg.call.call_id]
        self._gate.traffic.ended(leg.id)
        self._tell(
            events.LegEnded,
            leg=leg.id,
            outcome=words.outcome,
            by=words.by,
            fault=words.fault,
            retry=words.retry,
            code=words.code,
            reason=words.reason,
        )

    async def _watch(self) -> None:
        """End calls whose other side sends nothing any more."""
        while True:
            await asyncio.sleep(1.0)
            for leg in list(self._legs.values()):
                silent = time.monotonic() - leg.audio.last if leg.up else 0.0
                if silent > self._options.silent_after:
                    leg.phone.hang_up(leg.call)
                    self._end(
                        leg, verdict(Ending("silence", "line", reason=f"no audio for {silent:.0f} s"), True)
                    )

    def _again(self, phone: Extension) -> None:
        if phone not in self._phones:
            return
        self._keep(self._restart(phone))

    async def _restart(self, phone: Extension) -> None:
        await _in_thread(phone.start, f"start {phone.username}")

    def _keep(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _post(self, function: Callable[..., None], *arguments: object) -> None:
        _post(self._loop, function, *arguments)

    def _tell_arrival(self, leg: Leg, caller: Caller) -> None:
        self._tell(
            events.CallArrived,
            leg=leg.id,
            caller=caller.number,
            called=leg.called,
            caller_name=caller.name,
            raw_caller=caller.raw,
            withheld=caller.withheld,
        )

    def _tell(self, kind: type, **fields: object) -> None:
        self._report(kind(at=time.time(), line=self._options.line, **fields))

    def _refuse(self, command: Command, code: str) -> None:
        leg = getattr(command, "leg", "")
        self._tell(events.CommandRefused, command=type(command).__name__, leg=leg, code=code)


class _Posting:
    """Brings what pyVoIP's threads tell to the line's event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, line: PyvoipLine) -> None:
        self._loop, self._line = loop, line

    def invited(self, call: Call) -> None:
        _post(self._loop, self._line.invited, call)

    def rang(self, call: Call) -> None:
        _post(self._loop, self._line.rang, call)

    def answered(self, call: Call) -> None:
        _post(self._loop, self._line.answered, call)

    def refused(self, call: Call, code: int, reason: str) -> None:
        _post(self._loop, self._line.refused, call, code, reason)

    def cancelled(self, call: Call) -> None:
        _post(self._loop, self._line.cancelled, call)

    def hung_up(self, call: Call) -> None:
        _post(self._loop, self._line.hung_up, call)

    def pressed(self, call: Call, key: str) -> None:
        _post(self._loop, self._line.pressed, call, key)

    def failed(self, phone: Extension) -> None:
        _post(self._loop, self._line.failed, phone)


def _post(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    """Nothing once the loop is closed: a thread may outlive it by a tenth of a second."""
    try:
        loop.call_soon_threadsafe(function, *arguments)
    except RuntimeError:
        return


def _in_thread(work: Callable[[], object], name: str) -> "asyncio.Future[None]":
    """Run what may block in a thread that no exit waits for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish() -> None:
        if not done.done():
            done.set_result(None)

    def run() -> None:
        try:
            work()
        except Exception as error:
            log.warning("pyVoIP: %s: %r", name, error)
        _post(loop, finish)

    threading.Thread(target=run, daemon=True, name=name).start()
    return done
