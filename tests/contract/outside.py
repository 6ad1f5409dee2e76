"""The world outside a line, the same words for every driver; for `sipua` it is real SIP and RTP on loopback."""

import dataclasses
from pathlib import Path
from typing import Any, Protocol

from callcenter.telephony.fake import FakeLine
from callcenter.telephony.line import Line, LineConfig, Memory, Phone
from callcenter.telephony.phone import Phone as SipPhone
from callcenter.telephony.phone import PhoneCall
from callcenter.telephony.pjsua2.driver import PjsuaLine
from callcenter.telephony.sipua.digest import ha1
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.transactions import Timers
from tests.events import Reported, until
from tests.kamailio import Kamailio
from tests.ports import free_port

QUICK = Timers(t1=0.1, t2=0.4, t4=0.5)
CONFIG = LineConfig(
    numbers=("hotline",),
    phones=(Phone("anna", ha1("anna", "callcenter", "secret")),),
    destinations=(r"\+86\d{11}",),
)


class Caller(Protocol):
    """Somebody who rang us."""

    async def is_ringing(self) -> None: ...
    async def is_up(self) -> None: ...
    async def is_over(self, code: int = 0) -> None: ...
    async def press(self, key: str) -> None: ...
    async def hang_up(self) -> None: ...
    async def is_early(self) -> None: ...
    async def hold(self, held: bool) -> None: ...


class Outside(Protocol):
    """`phone` makes anna's phone appear; `behaviour`: answer | ring | early | a SIP status.

    `phone_refers` asks for a transfer in anna's first call, by her second one when `attended`; `phone_takes` asks for
    the place of a leg. `transfers_end` is what becomes of the callers' transfers to `target`.
    """

    line: Line
    reported: Reported

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def ring(self, caller: str, called: str = "hotline") -> Caller: ...
    async def phone(self, behaviour: str | int) -> None: ...
    async def phone_leaves(self) -> None: ...
    async def phone_hangs_up(self) -> None: ...
    async def phone_is_over(self) -> None: ...
    async def phone_answers(self) -> None: ...
    async def phone_refers(self, target: str, attended: bool = False) -> None: ...
    async def phone_was_told(self, code: int) -> None: ...
    async def phone_takes(self, leg: str) -> None: ...
    def transfers_end(self, target: str, code: int) -> None: ...


class SipuaOutside:
    line: Line

    def __init__(self, memory: Memory, folder: Path) -> None:
        self.line = self.make(folder)
        self.reported, self.memory = Reported(), memory
        self._phones: list[SipPhone] = []
        self._anna: SipPhone | None = None
        self._follows = True

    def make(self, folder: Path) -> Line:
        return SipuaLine(Options(rtp_ports=(22000, 22999), timers=QUICK, data_dir=folder))

    async def start(self) -> None:
        self.address = await self.line.start(self.reported, CONFIG, self.memory)

    async def stop(self) -> None:
        for phone in self._phones:
            await phone.stop()
        await self.line.stop()

    async def ring(self, caller: str, called: str = "hotline") -> Caller:
        phone = await self._new(caller or "anonymous")
        return SipCaller(phone.call(called))

    async def phone(self, behaviour: str | int) -> None:
        self._anna = await self._new("anna", "secret")
        self._anna.answer_after = 0.0 if behaviour == "answer" else None
        if behaviour == "early":
            self._anna.on_call = lambda call: call.progress()
        self._anna.refuse_with = behaviour if isinstance(behaviour, int) else 0

    async def phone_leaves(self) -> None:
        assert self._anna
        await self._anna.unregister()

    async def phone_hangs_up(self) -> None:
        assert self._anna
        self._anna.incoming[-1].hang_up()

    async def phone_is_over(self) -> None:
        anna = self._anna
        assert anna
        await until(lambda: anna.incoming and anna.incoming[-1].over.is_set())

    async def phone_answers(self) -> None:
        assert self._anna
        self._anna.incoming[-1].answer()

    async def phone_refers(self, target: str, attended: bool = False) -> None:
        assert self._anna
        calls = self._anna.incoming
        calls[0].refer(f"sip:{target}@{self.address}", calls[1] if attended else None)

    async def phone_was_told(self, code: int) -> None:
        assert self._anna
        first = self._anna.incoming[0]
        await until(lambda: first.transfer == code)

    async def phone_takes(self, leg: str) -> None:
        assert self._anna
        session = self.line._legs[leg].session
        assert session
        dialog = session.dialog
        assert dialog
        wanted = f"{dialog.call_id};from-tag={dialog.remote_tag};to-tag={dialog.local_tag}"
        self._anna.call("hotline", {"Replaces": wanted, "Require": "replaces"})

    def transfers_end(self, target: str, code: int) -> None:
        """404 comes by itself; a phone that declines answers 603."""
        self._follows = code != 603

    async def _new(self, user: str, password: str = "") -> SipPhone:
        phone = SipPhone(user, password, server=self.address, timers=QUICK)
        phone.follows_referrals = self._follows
        self._phones.append(phone)
        await phone.start()
        return phone


@dataclasses.dataclass
class SipCaller:
    call: PhoneCall

    async def is_ringing(self) -> None:
        await until(self.call.ringing.is_set)

    async def is_up(self) -> None:
        await until(self.call.up.is_set)

    async def is_over(self, code: int = 0) -> None:
        await until(self.call.over.is_set)
        assert not code or (self.call.ending and self.call.ending.code == code)

    async def press(self, key: str) -> None:
        self.call.press(key)

    async def hang_up(self) -> None:
        self.call.hang_up()

    async def is_early(self) -> None:
        await until(self.call.in_early_media.is_set)

    async def hold(self, held: bool) -> None:
        if held:
            self.call.hold()
        else:
            self.call.resume()


class PjsuaOutside(SipuaOutside):
    def make(self, folder: Path) -> Line:
        return PjsuaLine(Options(rtp_ports=(27000, 27999), timers=QUICK, data_dir=folder), conversations=3)


class FakeOutside:
    def __init__(self, memory: Memory, folder: Path) -> None:
        self.line = FakeLine(spool=folder / "recordings")
        self.reported, self.memory = Reported(), memory

    async def start(self) -> None:
        await self.line.start(self.reported, CONFIG, self.memory)

    async def stop(self) -> None:
        await self.line.stop()

    async def ring(self, caller: str, called: str = "hotline") -> Caller:
        return FakeCaller(self.line, self.line.outside.ring(caller, called))

    async def phone(self, behaviour: str | int) -> None:
        self.line.outside.register("anna", behaviour)

    async def phone_leaves(self) -> None:
        self.line.outside.unregister("anna")

    async def phone_hangs_up(self) -> None:
        self.line.outside.hang_up(self._anna_leg())

    async def phone_is_over(self) -> None:
        assert not [leg for leg in self.line.all.values() if leg.party == "anna"]

    async def phone_answers(self) -> None:
        self.line.outside.answer(self._anna_leg())

    async def phone_refers(self, target: str, attended: bool = False) -> None:
        legs = [leg.id for leg in self.line.all.values() if leg.party == "anna"]
        self.line.outside.refer(legs[0], target, legs[1] if attended else "")

    async def phone_was_told(self, code: int) -> None:
        assert self.line.all[self._anna_leg()].told == [code]

    async def phone_takes(self, leg: str) -> None:
        self.line.outside.ring("anna", phone="anna", replaces=leg)

    def transfers_end(self, target: str, code: int) -> None:
        self.line.outside.transfers[target] = code

    def _anna_leg(self) -> str:
        return next(leg.id for leg in self.line.all.values() if leg.party == "anna")


@dataclasses.dataclass
class FakeCaller:
    line: FakeLine
    leg: str | None

    async def is_ringing(self) -> None:
        assert self.leg
        assert self.line.all[self.leg].state == "ringing"

    async def is_up(self) -> None:
        assert self.leg
        assert self.line.all[self.leg].state == "up"

    async def is_over(self, code: int = 0) -> None:
        assert self.leg not in self.line.all

    async def press(self, key: str) -> None:
        assert self.leg
        self.line.outside.press(self.leg, key)

    async def hang_up(self) -> None:
        assert self.leg
        self.line.outside.hang_up(self.leg)

    async def is_early(self) -> None:
        assert self.leg
        assert self.line.all[self.leg].early

    async def hold(self, held: bool) -> None:
        assert self.leg
        self.line.outside.hold(self.leg, held)


class PyvoipOutside(SipuaOutside):
    """The line is an extension of an office whose PBX is Kamailio; everybody else registers there too."""

    def make(self, folder: Path) -> Line:
        from callcenter.telephony.pyvoip.driver import PyvoipLine

        self._pbx = Kamailio(folder, free_port())
        self._options = Options(rtp_ports=(31000, 31999), data_dir=folder)
        return PyvoipLine(self._options, ("127.0.0.1", self._pbx.port), (("hotline", "secret"),))

    async def start(self) -> None:
        await self._pbx.start()
        await super().start()
        self.address = self._pbx.address

    async def stop(self) -> None:
        await super().stop()
        await self._pbx.stop()


OUTSIDES: dict[str, Any] = {
    "fake": FakeOutside,
    "sipua": SipuaOutside,
    "pjsua2": PjsuaOutside,
    "pyvoip": PyvoipOutside,
}
