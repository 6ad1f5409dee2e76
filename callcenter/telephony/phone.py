"""A scripted SIP phone: the callers and agents of the demo, the benchmarks and the tests.

It speaks real SIP and RTP by the same layers as the line, and can be a registered agents' phone, a customer who rings
the hotline, or the far end of a trunk::

    agent = Phone("anna", "secret", server="127.0.0.1:5060", tone=700)
    await agent.start()                 # binds a port of its own; registers when there is a password
    agent.answer_after = 1.5            # seconds; None ignores the call
    agent.forward_to = ""               # a SIP URI: sends every call there with 302
    agent.refuse_with = 0               # 486 busy, 603 decline ... answers every call with it at once

    customer = Phone("+8613800138000", server="127.0.0.1:5060", tone=440)
    await customer.start()
    call = customer.call("hotline")     # or a whole SIP URI
    await call.up.wait()                # `ringing`, `up`, `over` are asyncio.Event
    call.press("1")                     # RFC 4733; method="info" | "info_plain" by SIP INFO
    call.voice.loudest()                # Hz of what it hears now
    call.hold()                         # and call.resume(): re-INVITE with sendonly, sendrecv
    call.refer("sip:bert@127.0.0.1")    # blind; refer(uri, replaces=other_call) attended; then call.transfer
    call.hang_up()
    await call.over.wait()              # call.ending: how, by, code
    await customer.stop()

`incoming` holds calls that came; `on_call` is told of each. An incoming call can also `progress` (183 with audio)
before it is answered or refused. What the other side asks by REFER is done when `follows_referrals`. Without a `tone`
it sends silence, `samples` plays a sound of your own at 8 kHz.
"""

import asyncio
from collections.abc import Callable

from callcenter.telephony.line import Srtp, Trunk
from callcenter.telephony.media.pcm import Samples
from callcenter.telephony.phone_audio import Voice
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import flow_of_uri, user_of, user_of_uri
from callcenter.telephony.sipua.expiry import Lasting
from callcenter.telephony.sipua.inbound import InboundSession
from callcenter.telephony.sipua.offers import DTMF, PCMA, PCMU, Local, NotAcceptable, Remote
from callcenter.telephony.sipua.outbound import Target
from callcenter.telephony.sipua.referral import Asked
from callcenter.telephony.sipua.registration import Registration
from callcenter.telephony.sipua.replaces import Replaces
from callcenter.telephony.sipua.session import Ending, Session
from callcenter.telephony.sipua.tls import Tls
from callcenter.telephony.sipua.transactions import ServerTransaction, Timers
from callcenter.telephony.sipua.transport import Drop, Listen, join_host, split_host


class PhoneCall:
    """One call of a phone, either way.

    Of a call that came: `caller` is the user part of who rings us, `called` of whom they mean, and `asked_to_answer`
    whether the phone is asked to answer by itself (Call-Info with answer-after).
    """

    def __init__(self, phone: "Phone", voice: Voice) -> None:
        self.phone = phone
        self.voice = voice
        self.caller = self.called = ""
        self.asked_to_answer = False
        self.ringing = asyncio.Event()
        self.up = asyncio.Event()
        self.over = asyncio.Event()
        self.ending: Ending | None = None
        self.info_keys = ""
        self.held = False
        self.in_early_media = asyncio.Event()
        self.transfer: int | None = None
        self._said = b""
        self._session: Session | None = None
        self._referrer: Session | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._local = Local(
            phone.host,
            voice.port,
            payloads=phone.payloads,
            dtmf=DTMF if phone.dtmf else None,
            srtp=phone.srtp,
            private=phone.transport == "tls",
        )

    def hang_up(self) -> None:
        """BYE, CANCEL or 480, as the call's state asks."""
        if self._session is not None:
            self._session.hang_up()

    def answer(self) -> None:
        """Take an incoming call now."""
        session = self._session
        if not isinstance(session, InboundSession) or session.over or session.up:
            return
        session.answer(self._answer_to(session.offer) if session.offer else self._local.offer())
        self.up.set()

    def progress(self) -> None:
        """183 with our audio to an incoming call, before it is answered."""
        session = self._session
        if isinstance(session, InboundSession) and session.offer:
            session.progress(self._answer_to(session.offer))

    def hold(self) -> None:
        """Put the other side on hold by re-INVITE."""
        if self._session is not None:
            self._session.reinvite(self._local.offer("sendonly"))

    def resume(self) -> None:
        """Take the other side back."""
        if self._session is not None:
            self._session.reinvite(self._local.offer())

    def refer(self, uri: str, replaces: "PhoneCall | None" = None) -> None:
        """Ask the other side to call `uri`, in place of our `replaces` call with it; `transfer` says what came of it."""
        session, other = self._session, replaces._session if replaces is not None else None
        if session is None or session.dialog is None:
            return
        if other is not None and other.dialog is not None:
            dialog = other.dialog
            told = Replaces(dialog.call_id, dialog.remote_tag, dialog.local_tag)
            uri = f"{dialog.remote_target}?Replaces={told.escaped()}"
        session.refer(f"<{uri}>", session.dialog.local_uri)

    def refuse(self, code: int) -> None:
        """Final answer to an incoming call."""
        if isinstance(self._session, InboundSession):
            self._session.refuse(code)

    def press(self, keys: str, method: str = "rtp") -> None:
        """Press keys. `method`: rtp (RFC 4733), info (application/dtmf-relay) or info_plain (application/dtmf)."""
        if method == "rtp":
            self.voice.press(keys)
            return
        for key in keys:
            if self._session is not None and method == "info":
                self._session.send_info(
                    "application/dtmf-relay", f"Signal={key}\r\nDuration=160\r\n".encode()
                )
            elif self._session is not None:
                self._session.send_info("application/dtmf", key.encode())

    # ---- told by the layers below --------------------------------------------------------------------------------

    def place(self, target: Target) -> None:
        self._session = self.phone.agent.call(self, target, self._local.offer())

    def take(self, server: ServerTransaction) -> None:
        """An INVITE came; ring, and answer, refuse or wait as the phone was told."""
        phone = self.phone
        session = phone.agent.accept(self, server)
        self._session, self.caller = session, user_of(server.request.headers.get("from")[0])
        self.called = user_of_uri(server.request.uri)
        self.asked_to_answer = "answer-after=0" in "".join(server.request.headers.get("call-info"))
        if phone.forward_to:
            session.forward(phone.forward_to)
            return
        if phone.refuse_with:
            session.refuse(phone.refuse_with)
            return
        session.ring()
        self.ringing.set()
        if phone.answer_after is not None:
            self._timer = asyncio.get_running_loop().call_later(phone.answer_after, self.answer)

    def rang(self, session: Session) -> None:
        self.ringing.set()

    def early(self, session: Session, body: bytes) -> None:
        self._listen(self._local.read_answer(body))
        self.ringing.set()
        self.in_early_media.set()

    def answered(self, session: Session, body: bytes) -> None:
        try:
            self._listen(self._local.read_answer(body))
        except NotAcceptable:
            session.hang_up()
            return
        self.up.set()
        self._tell_referrer(200)

    def referred(self, session: Session, asked: Asked) -> int:
        """Call whom we are asked to, and tell how it went."""
        if not self.phone.follows_referrals:
            return 603
        headers = {"Referred-By": session.dialog.remote_uri} if session.dialog is not None else {}
        if asked.replaces is not None:
            headers["Replaces"] = asked.replaces.value()
        call = self.phone.call(asked.uri, headers)
        call._referrer = session
        return 202

    def transferred(self, session: Session, code: int) -> None:
        self.transfer = code

    def info(self, session: Session, content_type: str, body: bytes) -> int:
        text = body.decode("ascii", "replace")
        self.info_keys += (text.partition("=")[2].strip() or text)[:1]
        return 200

    def offered(self, session: Session, body: bytes) -> bytes | None:
        try:
            offer = self._local.read_offer(body)
        except NotAcceptable:
            return None
        self._listen(offer.remote)
        return self._local.answer(offer)

    def reoffer(self, session: Session) -> bytes:
        return self._local.offer()

    def ended(self, session: Session, ending: Ending) -> None:
        self.ending = ending
        if self._timer is not None:
            self._timer.cancel()
        self._tell_referrer(ending.code or 487)
        self.voice.close()
        self.over.set()
        self.phone.calls.discard(self)

    def _tell_referrer(self, code: int) -> None:
        referrer, self._referrer = self._referrer, None
        if referrer is not None:
            referrer.finish_referral(code)

    def _answer_to(self, body: bytes) -> bytes:
        if not self._said:
            offer = self._local.read_offer(body)
            self._listen(offer.remote)
            self._said = self._local.answer(offer)
        return self._said

    def _listen(self, remote: Remote) -> None:
        self.held = remote.direction in ("sendonly", "inactive")
        self.voice.connect(remote.host, remote.port, remote.payload, remote.dtmf_payload, not self.held)


class Phone:
    """See the module. `server`: where it registers and sends calls. `payloads`: codecs it offers, best first.

    A phone that is not `audible` has signalling alone; a call's `voice.wake` gives that one its audio. One that is
    `patient` listens only when it is asked what it heard.
    """

    def __init__(
        self,
        user: str,
        password: str = "",
        *,
        server: str = "127.0.0.1:5060",
        transport: str = "udp",
        host: str = "127.0.0.1",
        name: str = "",
        tone: float = 0.0,
        samples: Samples | None = None,
        payloads: tuple[int, ...] = (PCMA, PCMU),
        dtmf: bool = True,
        srtp: Srtp = "off",
        tls: Tls | None = None,
        timers: Timers | None = None,
        drop: Drop | None = None,
        lasting: Lasting | None = None,
        audible: bool = True,
        patient: bool = False,
    ) -> None:
        self.audible, self.patient = audible, patient
        self.user, self.password, self.server, self.transport = user, password, server, transport
        self.host, self.name, self.tone, self.samples = host, name, tone, samples
        self.payloads, self.dtmf, self.srtp, self.tls = payloads, dtmf, srtp, tls
        self.answer_after: float | None = 0.0
        self.refuse_with = 0
        self.forward_to = ""
        self.follows_referrals = True
        self.on_call: Callable[[PhoneCall], None] = lambda call: None
        self.incoming: list[PhoneCall] = []
        self.calls: set[PhoneCall] = set()
        self.agent = UserAgent(timers, drop, user, lasting)
        self.agent.on_invite = self._invited
        self.address = ""
        self._registration: Registration | None = None

    async def start(self, port: int = 0) -> str:
        """Bind; with a password register and wait until that is settled. Returns `host:port` of the phone.

        Raises ConnectionRefusedError when the registration was refused or nobody answered.
        """
        self.address = await self.agent.start([Listen(self.host, port)], tls=self.tls)
        if self.password:
            await self.register()
        return self.address

    async def register(self, period: int = 600) -> None:
        """Register by digest and keep registered. Raises ConnectionRefusedError."""
        account = Trunk(
            self.user, self.server, transport=self.transport, username=self.user, password=self.password
        )
        self._registration = Registration(self.agent, account, period)
        await self._registration.changed.wait()
        if not self._registration.standing:
            code = self._registration.code
            await self.stop()
            raise ConnectionRefusedError(f"{self.user} could not register: {code}")

    async def unregister(self) -> None:
        """Take the binding back and wait for the answer."""
        if self._registration is not None:
            self._registration.changed.clear()
            self._registration.stop()
            await self._registration.changed.wait()
            self._registration = None

    def call(self, to: str, headers: dict[str, str] | None = None) -> PhoneCall:
        """Ring `to`, a user part at our server or a SIP URI; raises ValueError for a broken URI."""
        host, port = split_host(self.server)
        server = join_host(host, port)
        suffix = "" if self.transport == "udp" else f";transport={self.transport}"
        uri = to if to.startswith(("sip:", "sips:")) else f"sip:{to}@{server}{suffix}"
        name = f'"{self.name}" ' if self.name else ""
        caller = f"{name}<sip:{self.user}@{server}>"
        account = self.user if self.password else ""
        call = self._new_call()
        call.place(
            Target(uri, flow_of_uri(uri, self.transport), caller, account, self.password, headers or {})
        )
        return call

    def hang_up_all(self) -> None:
        for call in list(self.calls):
            call.hang_up()

    async def stop(self) -> None:
        """Hang up, unregister, close; answers are awaited for half a second."""
        self.hang_up_all()
        if self._registration is not None:
            self._registration.stop()
            self._registration = None
        await self.agent.settle(0.5)
        await self.agent.stop()

    def _new_call(self) -> PhoneCall:
        voice = Voice(self.host, self.audible, self.patient)
        if self.samples is not None:
            voice.say(self.samples)
        else:
            voice.tone(self.tone)
        call = PhoneCall(self, voice)
        self.calls.add(call)
        return call

    def _invited(self, server: ServerTransaction) -> None:
        call = self._new_call()
        self.incoming.append(call)
        call.take(server)
        self.on_call(call)


async def registered(make: Callable[[], Phone], patience: float = 30.0) -> Phone:
    """A started phone, made anew for each try: a line that has just come up does not know its phones yet.

    Raises ConnectionRefusedError when it is still refused after `patience` seconds.
    """
    end = asyncio.get_running_loop().time() + patience
    while True:
        phone = make()
        try:
            await phone.start()
            return phone
        except ConnectionRefusedError:
            if asyncio.get_running_loop().time() > end:
                raise
        await asyncio.sleep(0.2)
