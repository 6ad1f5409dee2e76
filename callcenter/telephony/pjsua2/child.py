"""One PJSIP process: `python -m callcenter.telephony.pjsua2.child FD`, started by `pool` alone.

It carries one conversation, four legs at most: PJSIP's wheel has room for no more. Everything of PJSIP runs in this one
thread (another that touches or frees an object of its aborts the process). It listens on loopback, answers whoever the
line sends, and ends when the line's end of the control channel closes.
"""

import contextlib
import ctypes
import gc
import signal
import socket
import sys
import time
from collections import deque
from typing import Any

import pjsua2 as pj

from callcenter.telephony.media.wire import Message, Wire, WireClosed

_PR_SET_PDEATHSIG = 1
_RATE = 8000
_MOST_LEGS = 4
_TURN_MS = 10
_GRAVE = 2.0
"""Seconds for which a player that ended is kept: word of its end may still be on its way through PJSIP."""


class Seat:
    """One leg: what it shall hear is known before, while and after its call stands. `hears`: keys of other seats."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.hears: tuple[str, ...] = ()
        self.order: tuple[str, tuple[str, ...], bool] | None = None
        self.call: Any = None
        self.media: Any = None
        self.player: Any = None
        self.linked: set[str] = set()


class Player(pj.AudioMediaPlayer):  # type: ignore[misc]
    """A list of WAV files to one seat."""

    def __init__(self, switchboard: "Switchboard", seat: Seat, play: str) -> None:
        super().__init__()
        self.switchboard, self.seat, self.play = switchboard, seat, play

    def onEof2(self) -> None:  # noqa: N802 - PJSIP's name
        self.switchboard.played(self)


class Call(pj.Call):  # type: ignore[misc]
    """A leg's call from the line."""

    def __init__(self, account: "Account", number: int) -> None:
        super().__init__(account, number)
        self.number = number
        self.switchboard = account.switchboard
        self.key = ""

    def onCallState(self, prm: Any) -> None:  # noqa: N802
        # PJSIP frees what `getInfo` refers to with the variable.
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            # The last reference goes here: one freed later would hang up whoever has the slot by then.
            self.switchboard.gone(self)

    def onCallMediaState(self, prm: Any) -> None:  # noqa: N802
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.switchboard.audible(self, self.getAudioMedia(index))

    def onDtmfDigit(self, prm: Any) -> None:  # noqa: N802
        self.switchboard.pressed(self.key, prm.digit)

    def onCallTransferRequest(self, prm: Any) -> None:  # noqa: N802
        prm.statusCode = pj.PJSIP_SC_DECLINE

    def onCallReplaceRequest(self, prm: Any) -> None:  # noqa: N802
        prm.statusCode = pj.PJSIP_SC_DECLINE


class Account(pj.Account):  # type: ignore[misc]
    def __init__(self, switchboard: "Switchboard") -> None:
        super().__init__()
        self.switchboard = switchboard

    def onIncomingCall(self, prm: Any) -> None:  # noqa: N802
        call = Call(self, prm.callId)
        info = call.getInfo()
        self.switchboard.arrived(call, info.localUri.partition("sip:")[2].partition("@")[0])


class Switchboard:
    """Who hears whom, and the orders of the line."""

    def __init__(self, control: socket.socket) -> None:
        self._wire = Wire(control)
        self._seats: dict[str, Seat] = {}
        self._calls: dict[int, Call] = {}
        self._graves: deque[tuple[float, Any]] = deque()

    def run(self) -> None:
        endpoint = pj.Endpoint()
        endpoint.libCreate()
        endpoint.libInit(_settings())
        where = pj.TransportConfig()
        where.boundAddress = "127.0.0.1"
        transport = endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, where)
        endpoint.libStart()
        endpoint.audDevManager().setNullDev()
        for codec in endpoint.codecEnum2():
            endpoint.codecSetPriority(codec.codecId, 128 if codec.codecId.startswith("PCM") else 0)
        address = endpoint.transportGetInfo(transport).localName
        config = pj.AccountConfig()
        config.idUri = f"sip:{address}"
        config.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        config.mediaConfig.transportConfig.port = 0
        account = Account(self)
        account.create(config, True)
        self._wire.send(("ready", address))
        with contextlib.suppress(WireClosed):
            while True:
                endpoint.libHandleEvents(_TURN_MS)
                self._obey()
        self._seats.clear()
        self._calls.clear()
        self._graves.clear()
        account.shutdown()
        del account
        gc.collect()
        endpoint.libDestroy()

    # ---- told by PJSIP -------------------------------------------------------------------------------------------

    def arrived(self, call: Call, key: str) -> None:
        """Nobody but our line knows a seat's key. The fifth call gets PJSIP's own 486."""
        with contextlib.suppress(WireClosed):
            self._obey()
        self._calls[call.number] = call
        answer = pj.CallOpParam()
        seat = self._seats.get(key)
        if seat is None or seat.call is not None:
            answer.statusCode = pj.PJSIP_SC_NOT_FOUND
            call.hangup(answer)
            return
        call.key, seat.call = key, call
        answer.statusCode = pj.PJSIP_SC_OK
        call.answer(answer)

    def audible(self, call: Call, media: Any) -> None:
        seat = self._seats.get(call.key)
        if seat is not None and seat.media is None:
            seat.media = media
            if seat.order is not None:
                self._start(seat)
            self._link()

    def gone(self, call: Call) -> None:
        self._calls.pop(call.number, None)
        seat = self._seats.get(call.key)
        if seat is not None and seat.call is call:
            self._bury(seat)
            # A player in its grave still knows the seat; the call must not live on in it.
            seat.call = seat.media = None
            del self._seats[call.key]
            for each in self._seats.values():
                each.linked.discard(call.key)

    def pressed(self, key: str, digit: str) -> None:
        """Keys reach whoever hears the one that pressed them."""
        for seat in list(self._seats.values()):
            if key in seat.linked:
                with contextlib.suppress(pj.Error):
                    seat.call.dialDtmf(digit)

    def played(self, player: Player) -> None:
        seat = player.seat
        if seat.player is player:
            self._bury(seat)
            seat.order = None
            self._wire.send(("finished", seat.key, player.play))
            self._link()

    # ---- told by the line ----------------------------------------------------------------------------------------

    def _obey(self) -> None:
        now = time.monotonic()
        while self._graves and now - self._graves[0][0] > _GRAVE:
            self._graves.popleft()
        while (received := self._wire.receive()) is not None:
            self._order(received[0])
        self._wire.flush()

    def _order(self, message: Message) -> None:
        if message[0] == "sit":
            self._seats[message[1]] = Seat(message[1])
            return
        seat = self._seats.get(message[1])
        if seat is None:
            return
        match message:
            case ("hear", _, others):
                seat.hears = others
            case ("play", _, play, paths, loop):
                seat.order = (play, paths, loop)
                if seat.media is not None:
                    self._start(seat)
            case ("silence", _):
                self._bury(seat)
                seat.order = None
            case ("leave", _) if seat.call is None:
                # The BYE of a call that stands comes by SIP.
                del self._seats[seat.key]
        self._link()

    def _start(self, seat: Seat) -> None:
        assert seat.order is not None
        play, paths, loop = seat.order
        self._bury(seat)
        files = pj.StringVector()
        for path in paths:
            files.append(path)
        player = Player(self, seat, play)
        try:
            player.createPlaylist(files, "", 0 if loop else pj.PJMEDIA_FILE_NO_LOOP)
            player.startTransmit(seat.media)
        except pj.Error:
            seat.order = None
            self._wire.send(("finished", seat.key, play))
            return
        seat.player = player

    def _bury(self, seat: Seat) -> None:
        player, seat.player = seat.player, None
        if player is not None:
            with contextlib.suppress(pj.Error):
                player.stopTransmit(seat.media)
            self._graves.append((time.monotonic(), player))

    def _link(self) -> None:
        """Make what is connected what shall be: a leg with a play hears nobody else until it ends."""
        for seat in self._seats.values():
            if seat.media is None:
                continue
            wanted = {
                key
                for key in (seat.hears if seat.player is None else ())
                if key in self._seats and self._seats[key].media is not None
            }
            for key in seat.linked - wanted:
                if key in self._seats:
                    self._seats[key].media.stopTransmit(seat.media)
            for key in wanted - seat.linked:
                self._seats[key].media.startTransmit(seat.media)
            seat.linked = wanted


def _settings() -> Any:
    settings = pj.EpConfig()
    settings.uaConfig.threadCnt = 0
    settings.uaConfig.mainThreadOnly = True
    settings.uaConfig.maxCalls = _MOST_LEGS
    settings.logConfig.level = settings.logConfig.consoleLevel = 0
    settings.medConfig.clockRate = settings.medConfig.sndClockRate = _RATE
    settings.medConfig.ecTailLen = 0
    settings.medConfig.noVad = True
    return settings


def main() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    Switchboard(socket.socket(fileno=int(sys.argv[1]))).run()


if __name__ == "__main__":
    main()
