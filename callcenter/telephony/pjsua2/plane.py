"""A media plane whose sounds and conversations are made by PJSIP.

Each leg's RTP ends in the relay, as with `sipua`; behind it stands a second, inner leg: a call on loopback from us to
the PJSIP process in which the leg's conversation sits. The relay passes packets between the two, and PJSIP plays, mixes
and smooths. The inner call is placed when the leg first hears something.
"""

import asyncio
import copy
import logging
import secrets
from collections.abc import Callable, Iterator

from callcenter.telephony.media import plane as media
from callcenter.telephony.media.hearing import Hearing
from callcenter.telephony.media.wire import Message
from callcenter.telephony.pjsua2.pool import MOST_LEGS, Engine, Pool
from callcenter.telephony.pjsua2.sounds import Sounds
from callcenter.telephony.prompts import Rendered
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.offers import PCMA, PCMU, Local, NotAcceptable
from callcenter.telephony.sipua.outbound import OutboundSession, Target
from callcenter.telephony.sipua.referral import Asked
from callcenter.telephony.sipua.session import Ending, Session
from callcenter.telephony.sipua.transport import Flow, Listen

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_FAREWELL = 2.0


class ConversationFull(Exception):
    """More legs would hear each other than one PJSIP process has room for, or no process is free for another."""


class Seat:
    """A leg's place in an engine, and its inner call."""

    def __init__(self, plane: "PjsuaPlane", leg: str, engine: Engine) -> None:
        self.plane, self.leg = plane, leg
        self.session: OutboundSession | None = None
        self.calling: asyncio.Task[None] | None = None
        self.local: Local | None = None
        self.sit(engine)

    def sit(self, engine: Engine) -> None:
        self.engine, self.key = engine, secrets.token_hex(8)
        engine.seats.add(self.key)

    @property
    def called(self) -> bool:
        """Whether there is an inner call, or one on its way."""
        return self.calling is not None

    # ---- Owner of the inner session ------------------------------------------------------------------------------

    def rang(self, session: Session) -> None:
        """PJSIP answers without ringing."""

    def early(self, session: Session, body: bytes) -> None:
        """Nor does it send early media."""

    def answered(self, session: Session, body: bytes) -> None:
        try:
            assert self.local is not None
            remote = self.local.read_answer(body)
        except NotAcceptable as error:
            self.plane.broken(self, str(error))
            return
        self.plane.seated(self, remote.port, remote.payload, remote.dtmf_payload)

    def offered(self, session: Session, body: bytes) -> bytes | None:
        """PJSIP narrows the codecs down by a re-INVITE when it finds several in our answer; we gave it one."""
        assert self.local is not None
        return self.local.answer(self.local.read_offer(body))

    def reoffer(self, session: Session) -> bytes:
        assert self.local is not None
        return self.local.offer()

    def info(self, session: Session, content_type: str, body: bytes) -> int:
        return 415

    def referred(self, session: Session, asked: Asked) -> int:
        return 603

    def transferred(self, session: Session, code: int) -> None:
        """We never ask PJSIP for one."""

    def ended(self, session: Session, ending: Ending) -> None:
        if session is self.session and ending.by != "us":
            self.plane.broken(self, f"PJSIP ended the call: {ending.how} {ending.code}")


class PjsuaPlane(media.MediaPlane):
    """See the module and `MediaPlane`. `on_broken(leg, why)`: the leg's audio is gone for good."""

    def __init__(self, size: int, on_broken: Callable[[str, str], None], *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._size, self._on_broken = size, on_broken
        self._agent = UserAgent(user="edge")
        self._seats: dict[str, Seat] = {}
        self._who = Hearing()

    # ---- life ----------------------------------------------------------------------------------------------------

    async def start(
        self, host: str, port_range: tuple[int, int], report: Callable[[media.MediaEvent], None]
    ) -> None:
        await super().start(host, port_range, lambda event: self._filter(event, report))
        self._told_above = report
        self._sounds = Sounds()
        await self._agent.start([Listen(LOOPBACK, 0)])
        self._pool = Pool(self._size, self._told, self._died)
        await self._pool.start()

    async def stop(self) -> None:
        for leg in list(self._seats):
            self._unseat(leg)
        await self._agent.settle(_FAREWELL)
        await self._agent.stop()
        await self._pool.stop()
        await super().stop()
        self._sounds.close()

    @property
    def engines(self) -> list[int]:
        """Process ids of the PJSIP processes."""
        return [engine.pid for engine in self._pool.engines]

    # ---- legs ----------------------------------------------------------------------------------------------------

    def open(self, leg: str, host: str = "") -> int:
        """As `MediaPlane.open`; NoPorts too when no process has room for another conversation."""
        if leg in self._seats:
            return super().open(leg)
        engine = self._pool.free()
        if engine is None:
            raise media.NoPorts("every PJSIP process has a conversation")
        port = super().open(leg, host)
        self._seats[leg] = Seat(self, leg, engine)
        return port

    def close(self, leg: str) -> None:
        if leg in self._seats:
            for listener, _ in list(self._who.close(leg)):
                self._say_hears(listener)
            self._unseat(leg)
        super().close(leg)

    def hear(self, leg: str, others: tuple[str, ...]) -> None:
        """As `MediaPlane.hear`. Raises ConversationFull, and then nothing has changed."""
        if leg in self._seats:
            heard = tuple(other for other in others if other in self._seats)
            self._change(lambda who: who.hear(leg, heard))

    def bridge(self, leg: str, other: str) -> None:
        """As `MediaPlane.bridge`. Raises ConversationFull, and then nothing has changed."""
        if leg == other or leg not in self._seats or other not in self._seats:
            return
        self._change(lambda who: who.bridge(leg, other))
        self.silence(leg)
        self.silence(other)
        self._told_above(media.Bridged(leg, other))

    def part(self, leg: str) -> None:
        self._change(lambda who: who.part(leg))

    def silence(self, leg: str) -> None:
        self._forget_play(leg)
        self._say(leg, "silence")

    # ---- the relay's side ----------------------------------------------------------------------------------------

    def seated(self, seat: Seat, port: int, payload: int, dtmf_payload: int | None) -> None:
        """The inner call stands: the relay passes the leg's packets to it and back."""
        self.connect(seat.key, LOOPBACK, port, payload, dtmf_payload)
        playing = self._legs[seat.leg].playing
        super().bridge(seat.leg, seat.key)
        # To the relay that is the end of a play; here it has only begun.
        self._legs[seat.leg].playing = playing

    def broken(self, seat: Seat, why: str) -> None:
        if self._seats.get(seat.leg) is seat:
            self._on_broken(seat.leg, why)

    def _filter(self, event: media.MediaEvent, report: Callable[[media.MediaEvent], None]) -> None:
        """What the relay says of inner legs is nobody's news; that it joined a leg with its inner one neither."""
        inner = {seat.key: seat for seat in self._seats.values()}
        match event:
            case media.Bridged():
                return
            case media.Silent(leg=leg) if leg in inner:
                inner[leg].engine.kill()
            case media.Digit(leg=leg) if leg in inner:
                return
            case _:
                report(event)

    def _send_play(self, leg: str, play: "media._Play", sounds: list[Rendered]) -> None:
        self._call(self._seats[leg])
        paths = tuple(self._sounds.path(sound) for sound in sounds)
        self._say(leg, "play", play.play, paths, play.loop)

    # ---- seats ---------------------------------------------------------------------------------------------------

    def _change(self, rule: Callable[[Hearing], Iterator[tuple[str, tuple[str, ...]]]]) -> None:
        """Who hears whom becomes another; all who hear each other then come into one process first."""
        who = copy.deepcopy(self._who)
        changes = [(leg, heard) for leg, heard in rule(who) if leg in self._seats]
        for leg, heard in changes:
            if heard:
                self._gather(self._together(leg, who))
        self._who = who
        for leg, heard in changes:
            for each in (leg, *heard) if heard else ():
                self._call(self._seats[each])
            self._say_hears(leg)

    def _together(self, leg: str, who: Hearing) -> set[str]:
        """The leg and everybody who is joined to it by hearing or being heard, through others too."""
        together = {leg}
        while True:
            more = {each for each in self._seats if together & {each, *who.of(each)}}
            more |= {heard for each in more for heard in who.of(each)}
            if more <= together:
                return together
            together |= more

    def _gather(self, together: set[str]) -> None:
        """Bring these legs into the process that most of them are in; whoever else is in the way goes elsewhere."""
        if len(together) > MOST_LEGS:
            raise ConversationFull
        # Among equals the process of one that hears already: it is the one whose sound would break off.
        order = sorted(together, key=lambda leg: not self._seats[leg].called)
        engines = [self._seats[leg].engine for leg in order]
        engine = max(engines, key=engines.count)
        strangers = [
            seat for leg, seat in self._seats.items() if seat.engine is engine and leg not in together
        ]
        if len(strangers) + len(together) > MOST_LEGS:
            for seat in strangers:
                self._move(seat, self._pool.free())
        for leg in order:
            if self._seats[leg].engine is not engine:
                self._move(self._seats[leg], engine)

    def _move(self, seat: Seat, engine: Engine | None) -> None:
        if engine is None:
            raise ConversationFull
        called = seat.called
        self._leave(seat)
        seat.sit(engine)
        if called:
            self._recall(seat)

    def _call(self, seat: Seat) -> None:
        """Place the inner call, unless there is one."""
        if not seat.called:
            seat.engine.send(("sit", seat.key))
            seat.calling = self._loop.create_task(self._place(seat))

    async def _place(self, seat: Seat) -> None:
        engine = seat.engine
        await asyncio.sleep(engine.wait_for_turn())
        await engine.ready.wait()
        try:
            seat.local = Local(LOOPBACK, super().open(seat.key, LOOPBACK), payloads=(PCMU, PCMA), srtp="off")
        except media.NoPorts as error:
            self.broken(seat, str(error))
            return
        host, _, port = engine.address.partition(":")
        target = Target(
            f"sip:{seat.key}@{engine.address}", Flow("udp", host, int(port)), f"<sip:edge@{LOOPBACK}>"
        )
        seat.session = self._agent.call(seat, target, seat.local.offer())

    def _recall(self, seat: Seat) -> None:
        """A new inner call for a leg that had one: it is told again what it hears."""
        self._call(seat)
        for leg in self._seats:
            if leg == seat.leg or seat.leg in self._who.of(leg):
                self._say_hears(leg)
        state = self._legs.get(seat.leg)
        if state is not None and state.playing is not None:
            self._start_play(seat.leg, state.playing)

    def _leave(self, seat: Seat) -> None:
        session, seat.session = seat.session, None
        if seat.calling is not None:
            seat.calling.cancel()
            seat.calling = None
        seat.engine.seats.discard(seat.key)
        seat.engine.send(("leave", seat.key))
        if session is not None:
            session.hang_up()
        super().close(seat.key)

    def _unseat(self, leg: str) -> None:
        self._leave(self._seats.pop(leg))

    # ---- the processes -------------------------------------------------------------------------------------------

    def _say(self, leg: str, order: str, *values: object) -> None:
        seat = self._seats.get(leg)
        if seat is not None and seat.called:
            seat.engine.send((order, seat.key, *values))

    def _say_hears(self, leg: str) -> None:
        self._say(leg, "hear", tuple(self._seats[other].key for other in self._who.of(leg)))

    def _told(self, engine: Engine, message: Message) -> None:
        match message:
            case ("finished", key, play):
                for leg, seat in self._seats.items():
                    if seat.key == key:
                        self._tell(("finished", leg, play))
                        return

    def _died(self, engine: Engine) -> None:
        """Its replacement goes on with the conversation; legs whose process dies again and again are lost."""
        for seat in [seat for seat in self._seats.values() if seat.engine is engine and seat.called]:
            if engine.failing:
                self.broken(seat, "the PJSIP process died")
            else:
                self._leave(seat)
                seat.sit(engine)
                self._recall(seat)
