"""What a packet from a banned address costs a line that drops it, and what one costs that is read; `./run bench guard`."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

from callcenter.bench import machine
from callcenter.settings import Settings
from callcenter.telephony.line import Ban, LineConfig, Memory
from callcenter.telephony.sipua.driver import Options, SipuaLine

PACKETS = 20_000
_TOGETHER = 400
"""Packets that wait in the socket before the line runs: its own work is measured, not that of who sends."""
_WITHIN = 10.0
_BANNED, _TRUSTED = "127.0.0.2", "127.0.0.1"


async def guard(packets: int) -> dict[str, Any]:
    """CPU microseconds of the line for each packet of this many, from the socket on."""
    line = SipuaLine(Options(rtp_ports=(27000, 27099)))
    memory = Memory(bans=[Ban(_BANNED, "flood", time.time() + 3600)])
    address = await line.start(lambda event: None, LineConfig(numbers=("hotline",), version=1), memory)
    try:
        dropped = await _cost(
            address, _BANNED, packets, lambda sent: line.figures()["messages_dropped"] >= sent
        )
        read = await _cost(address, _TRUSTED, packets // 10, None)
    finally:
        await line.stop()
    return {"packets": packets, "dropped_us": dropped, "answered_us": read, "machine": machine()}


def main(settings: Settings) -> dict[str, Any]:
    """The benchmark."""
    return asyncio.run(guard(PACKETS))


async def _cost(address: str, source: str, packets: int, done: Callable[[int], bool] | None) -> float:
    """`done` says whether so many were dealt with; without it each is answered, and its answer is waited for."""
    host, _, port = address.rpartition(":")
    cpu = 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.setblocking(False)
        for first in range(0, packets, _TOGETHER):
            for number in range(first, first + _TOGETHER):
                sock.sendto(_options(source, sock.getsockname()[1], number), (host, int(port)))
            end, begun, heard = time.monotonic() + _WITHIN, time.process_time(), 0
            while time.monotonic() < end:
                await asyncio.sleep(0)
                heard += _TOGETHER if done is not None and done(first + _TOGETHER) else _answers(sock)
                if heard >= _TOGETHER:
                    break
            cpu += time.process_time() - begun
    return round(cpu / packets * 1e6, 2)


def _answers(sock: socket.socket) -> int:
    count = 0
    try:
        while sock.recv(2048):
            count += 1
    except BlockingIOError:
        return count
    return count


def _options(source: str, port: int, number: int) -> bytes:
    return (
        f"OPTIONS sip:hotline@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP {source}:{port};branch=z9hG4bKg{number}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:g@{source}>;tag=g{number}\r\nTo: <sip:hotline@127.0.0.1>\r\n"
        f"Call-ID: guard{number}@{source}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    ).encode()
