"""Loss and round trip as the audio process tells them of live legs, and what its reports tell the parties."""

import struct
import time
from pathlib import Path

from callcenter.telephony.media.plane import MediaPlane
from callcenter.telephony.media.rtp import NTP
from tests.integration.test_media import started
from tests.party import Party, running, until


def block_about(party: Party) -> tuple[int, ...]:
    """The report block about the party's stream in the next report that has one."""
    try:
        data = party.rtcp.recv(2048)
    except BlockingIOError:
        return ()
    start = 28 if data[1] == 200 else 8
    if not data[0] & 0x1F:
        return ()
    return struct.unpack_from("!IIIIII", data, start)


async def test_what_is_lost_is_told_to_the_line_and_to_the_party(tmp_path: Path) -> None:
    hall = await started(MediaPlane(tmp_path))
    caller = Party(payload=8)
    blocks: list[tuple[int, ...]] = []

    def reported() -> bool:
        blocks.append(block_about(caller))
        return bool(blocks[-1]) and blocks[-1][1] & 0xFFFFFF == 5

    async with running(caller):
        hall.enter("a", caller)
        caller.speak(440)
        await caller.hears(20)
        caller.seq += 5
        report = struct.pack("!BBHIIIIII", 0x80, 200, 6, caller.ssrc, 1, 2, 3, 4, 5)
        await until(lambda: caller.rtcp.sendto(report, ("127.0.0.1", caller.to + 1)) and reported())
        assert blocks[-1][0] == caller.ssrc

        def quality() -> object:
            heard = hall.plane.monitor.quality("a")
            return heard is not None and heard.lost == 5 and heard.mos > 1.0 and heard.codec == "PCMA"

        await until(quality, f"{hall.plane.monitor.all()}")
        ours = caller.packets[-1].ssrc
        last = int((time.time() + NTP - 0.5) * 65536) & 0xFFFFFFFF
        answer = struct.pack("!BBHIIIIIII", 0x81, 201, 7, caller.ssrc, ours, 10, 0, 0, last, 0)
        caller.rtcp.sendto(answer, ("127.0.0.1", caller.to + 1))
        await until(lambda: hall.plane.monitor.all()["a"].rtt >= 500, f"{hall.plane.monitor.all()}")
        assert hall.plane.monitor.all()["a"].far_lost > 0
    hall.plane.close("a")
    assert hall.plane.monitor.all() == {}
    await hall.plane.stop()
