"""Mutated packets at a line on loopback: SIP, SDP, RTP, RTCP, DTMF events and SRTP; `./run bench fuzz`.

Nothing may raise, no leg, transaction or port may be left over, and a good call must work behind it.
"""

import asyncio
import logging
import os
import random
import socket
import time
from pathlib import Path
from typing import Any

from callcenter import commands, events
from callcenter.bench import machine
from callcenter.settings import Settings
from callcenter.telephony.line import LineConfig, Memory
from callcenter.telephony.phone import Phone
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.transactions import Timers

PACKETS = 100_000
SEED = 3261
_TOGETHER = 20
"""Packets between two looks of the line at its other work."""
_SETTLED = 30.0
"""Seconds within which everything that the packets began must be over."""
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/{profile} 0 8 9 96\r\n"
    "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\na=ptime:20\r\na=sendrecv\r\n{keys}"
)
_KEYS = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
_SPICE = (
    b"\r\n",
    b"\0",
    b"%00",
    b";",
    b'"',
    b"<",
    b">",
    b",",
    b":",
    b"99999999999999999999",
    b"-1",
    b"\xff\xfe",
    b" ",
)


async def fuzz(packets: int, seed: int) -> dict[str, Any]:
    """Send so many; what was left over, and whether a good call works."""
    dice, log, reported = random.Random(seed), _Errors(), list[Any]()
    logging.getLogger().addHandler(log)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: log.said.append(str(context)))
    line = SipuaLine(Options(rtp_ports=(27000, 27999), timers=Timers(t1=0.1, t2=0.4, t4=0.5)))
    address = await line.start(reported.append, LineConfig(numbers=("hotline",), version=1), Memory())
    try:
        begun, before = time.monotonic(), _held()
        await _pelt(dice, address, packets, line)
        seconds = time.monotonic() - begun
        await _settle(line)
        figures = line.figures()
        left = {
            name: figures[name] for name in ("legs", "sip_transactions", "sip_sessions", "rtp_ports_used")
        }
        calls = sum(isinstance(event, events.CallArrived) for event in reported)
        good = await _good_call(line, address, reported)
        after = _held()
    finally:
        await line.stop()
        logging.getLogger().removeHandler(log)
    return {
        "packets": packets, "seed": seed, "seconds": round(seconds, 2), "errors": log.said[:5], "left_over": left,
        "calls": calls, "good_call": good, "before": before, "after": after, "machine": machine(),
    }  # fmt: skip


def _held() -> dict[str, float]:
    """Resident megabytes and open files of this process and of its audio processes; none where there is no /proc."""
    proc, own = Path("/proc"), str(os.getpid())
    if not (proc / own).exists():
        return {}
    here = [own, *(proc / own / "task" / own / "children").read_text().split()]
    pages = sum(int((proc / one / "statm").read_text().split()[1]) for one in here)
    files = sum(len(list((proc / one / "fd").iterdir())) for one in here)
    return {"megabytes": round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1), "files": files}


def main(settings: Settings) -> dict[str, Any]:
    """The benchmark."""
    return asyncio.run(fuzz(PACKETS, SEED))


class _Errors(logging.Handler):
    """What the line logged as an error."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


async def _pelt(dice: random.Random, address: str, packets: int, line: SipuaLine) -> None:
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        for number in range(packets):
            media = dice.random() < 0.3
            data = _media(dice) if media else _signalling(dice, number, sock.getsockname()[1])
            where = 27000 + dice.randrange(60) if media else int(port)
            try:
                sock.sendto(_mutated(dice, data)[:9000], (host, where))
            except BlockingIOError:
                await asyncio.sleep(0.01)
            if number % _TOGETHER == 0:
                for _ in range(_TOGETHER + 5):  # asyncio reads one datagram a round
                    await asyncio.sleep(0)
                for leg in line.legs()[50:]:
                    line.execute(commands.HangUpLeg(leg))
            if number % 500 == 0:
                for leg in line.legs()[:20]:
                    line.execute(commands.AnswerLeg(leg))


def _signalling(dice: random.Random, number: int, port: int) -> bytes:
    methods = (
        "INVITE",
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "INFO",
        "UPDATE",
        "REFER",
        "PRACK",
    )
    method, n = dice.choice(methods), dice.randrange(max(1, number // 4), number + 2)
    secure = dice.random() < 0.2
    sdp = _SDP.format(profile="SAVP" if secure else "AVP", keys=_KEYS if secure else "")
    body = (
        sdp if method in ("INVITE", "UPDATE") else "Signal=5\r\nDuration=160\r\n" if method == "INFO" else ""
    )
    kind = "application/dtmf-relay" if method == "INFO" else "application/sdp"
    first = f"{method} sip:hotline@127.0.0.1 SIP/2.0" if dice.random() < 0.9 else "SIP/2.0 200 OK"
    return (
        f"{first}\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKf{n};rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:f@127.0.0.1>;tag=f{n}\r\nTo: <sip:hotline@127.0.0.1>\r\nCall-ID: fuzz{n}\r\nCSeq: {n} {method}\r\n"
        f"Contact: <sip:f@127.0.0.1:{port}>\r\nRefer-To: <sip:1@127.0.0.1?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\n"
        f"Session-Expires: 1800;refresher=uac\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _media(dice: random.Random) -> bytes:
    """RTP, a DTMF event, RTCP sender report and BYE, or SRTP (to a relay without its key: noise)."""
    head = bytes((0x80, dice.choice((0, 8, 9, 96, 200, 201, 203)))) + dice.randbytes(10)
    return head + dice.randbytes(dice.choice((0, 4, 16, 28, 160, 170)))


def _mutated(dice: random.Random, data: bytes) -> bytes:
    """Bytes flipped, cut out, doubled, cut off; signs that mean something put in. One in ten stays as it is."""
    if dice.random() < 0.1 or not data:
        return data
    body = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(body) + 1)
        match dice.randrange(5):
            case 0 if at < len(body):
                body[at] = dice.randrange(256)
            case 1:
                del body[at : at + dice.randint(1, 40)]
            case 2:
                body[at:at] = body[at : at + dice.randint(1, 200)]
            case 3:
                body[at:at] = dice.choice(_SPICE)
            case _ if dice.random() < 0.2:
                del body[at:]
    return bytes(body)


async def _settle(line: SipuaLine) -> None:
    end = time.monotonic() + _SETTLED
    for _ in range(2000):
        await asyncio.sleep(0)
    while time.monotonic() < end:
        for leg in line.legs():
            line.execute(commands.HangUpLeg(leg))
        figures = line.figures()
        if not figures["legs"] and not figures["sip_transactions"] and not figures["sip_sessions"]:
            return
        await asyncio.sleep(0.1)


async def _good_call(line: SipuaLine, address: str, reported: list[Any]) -> bool:
    phone = Phone("1001", server=address)
    await phone.start()
    try:
        reported.clear()
        call = phone.call("hotline")
        end = time.monotonic() + _SETTLED
        while time.monotonic() < end and not call.up.is_set():
            for event in reported:
                if isinstance(event, events.CallArrived):
                    line.execute(commands.AnswerLeg(event.leg))
            await asyncio.sleep(0.05)
        return call.up.is_set()
    finally:
        await phone.stop()
