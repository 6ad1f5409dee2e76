"""The audio process over real UDP: who hears what, by frequency and by the headers of each packet."""

import asyncio
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uvloop

from callcenter.telephony.media import plane
from callcenter.telephony.media.dtmf import KeyDetector, press
from callcenter.telephony.media.plane import (
    Bridged,
    ChildDied,
    Digit,
    MediaPlane,
    NoPorts,
    PlayFinished,
    PromptFailed,
    Silent,
)
from tests.hall import Hall, started
from tests.party import Party, assert_continuous, running, until
from tests.ports import free_range
from tests.tones import loudest, tone_snr

ROOT = Path(__file__).parents[2]


async def test_both_hear_each_other(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await until(lambda: caller.packets and agent.packets)
        await asyncio.gather(caller.hears(10), agent.hears(10))
        to_caller, to_agent = await asyncio.gather(caller.hears(), agent.hears())
    assert tone_snr(to_caller, 1000) > 25
    assert tone_snr(to_agent, 440) > 25


async def test_one_way_when_one_is_silent(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(600)
        await hall.bridge("a", "b")
        await agent.hears(10)
        assert tone_snr(await agent.hears(), 600) > 25
        # nobody speaks to the caller: silence keeps the path open
        assert float(np.abs(await caller.hears(20)).max()) < 0.001


async def test_relayed_packets_are_untouched_but_for_the_header(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        await hall.bridge("a", "b")
        bodies = [random.Random(n).randbytes(160) for n in range(30)]
        for body in bodies:
            caller.send(body, 0)
            caller.ts += 160
        await until(lambda: len([p for p in agent.packets if p.body in bodies]) == len(bodies))
        assert [p.body for p in agent.packets if p.body in bodies] == bodies


async def test_prompt_music_and_agent_are_one_stream(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        agent.speak(1000)
        hall.plane.play("a", "p", ("tone:500:400", "silence:100", "tone:800:400"), False)
        await hall.reported(PlayFinished("a", "p"))
        hall.plane.play("a", "m", ("music:default",), True)
        await until(lambda: np.abs(caller.heard()[-1600:]).max(initial=0) > 0.05)
        await until(lambda: len(caller.packets) > 100)
        await hall.bridge("a", "b")
        await until(lambda: len(caller.packets) > 100 and tone_snr(caller.heard()[-8000:], 1000) > 25)
        hall.plane.part("a")
        await until(lambda: np.abs(caller.heard()[-1600:]).max() < 0.001)
        hall.plane.play("a", "q", ("tone:700:200",), False)
        await hall.reported(PlayFinished("a", "q"))
        assert_continuous(caller.packets)
        assert any(packet.marker for packet in caller.packets)
        assert PlayFinished("a", "m") not in hall.events


async def test_a_prompt_is_heard_as_it_is(hall: Hall) -> None:
    caller = Party(payload=8)
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.play("a", "p", ("tone:620:1000",), False)
        await hall.reported(PlayFinished("a", "p"))
        sound = caller.heard()
        loud = np.flatnonzero(np.abs(sound) > 0.05)
        assert loud[-1] - loud[0] == pytest.approx(8000, abs=100)
        assert tone_snr(sound[loud[0] : loud[-1]], 620) > 25


async def test_a_play_over_a_bridge_gives_way_to_it_again(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await caller.hears(10)
        hall.plane.play("a", "p", ("tone:2000:900",), False)
        await until(lambda: loudest(caller.heard()[-4000:]) == pytest.approx(2000, abs=20))
        await hall.reported(PlayFinished("a", "p"))
        await caller.hears(5)
        assert tone_snr(await caller.hears(), 1000) > 25
        assert tone_snr(await agent.hears(), 440) > 25


async def test_only_the_last_play_is_told(hall: Hall) -> None:
    caller = Party()
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.play("a", "one", ("say:en:This is replaced before it can be made", "silence:2000"), False)
        hall.plane.play("a", "two", ("tone:500:100",), False)
        await hall.reported(PlayFinished("a", "two"))
        hall.plane.play("a", "three", ("tone:500:60000",), False)
        hall.plane.silence("a")
        hall.plane.play("a", "four", ("tone:500:100",), False)
        await hall.reported(PlayFinished("a", "four"))
    assert [event for event in hall.events if isinstance(event, PlayFinished)] == [
        PlayFinished("a", "two"),
        PlayFinished("a", "four"),
    ]


async def test_a_prompt_that_fails_is_told_and_the_play_still_ends(hall: Hall) -> None:
    caller = Party()
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.play("a", "p", ("file:nothing", "tone:500:100"), False)
        await hall.reported(PlayFinished("a", "p"))
    (failed,) = (event for event in hall.events if isinstance(event, PromptFailed))
    assert (failed.leg, failed.play, failed.prompt) == ("a", "p", "file:nothing")


async def test_a_long_prompt_is_heard_whole_and_its_end_is_told(hall: Hall) -> None:
    """Longer than one message of the control channel, in the law that is made on demand."""
    caller = Party(payload=8)
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.play("a", "p", ("silence:9000", "tone:500:600"), False)
        hall.plane.play("a", "q", ("tone:900:4500", "say:yue:多謝，再見", "tone:500:600"), False)
        await hall.reported(PlayFinished("a", "q"))
        sound = caller.heard()
        loud = np.flatnonzero(np.abs(sound) > 0.05)
        assert loudest(sound[loud[0] : loud[0] + 36_000]) == pytest.approx(900, abs=2)
        assert loudest(sound[loud[-1] - 4000 : loud[-1]]) == pytest.approx(500, abs=3)
        assert_continuous(caller.packets)


async def test_an_empty_play_ends_even_in_a_loop(hall: Hall) -> None:
    caller = Party()
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.play("a", "p", (), True)
        await hall.reported(PlayFinished("a", "p"))


@pytest.mark.parametrize(("left", "right"), [(0, 8), (8, 0), (8, 8), (9, 9), (9, 0), (8, 9)])
async def test_codecs_are_converted(hall: Hall, left: int, right: int) -> None:
    caller, agent = Party(payload=left), Party(payload=right, ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await asyncio.gather(caller.hears(10), agent.hears(10))
        to_caller, to_agent = await asyncio.gather(caller.hears(), agent.hears())
    assert tone_snr(to_caller, 1000) > 25
    assert tone_snr(to_agent, 440) > 25


async def test_the_other_law_is_understood_without_being_agreed(hall: Hall) -> None:
    caller, agent = Party(payload=8), Party(payload=0, ssrc=7)
    async with running(caller, agent):
        caller.to = hall.plane.open("a")
        hall.plane.connect("a", "127.0.0.1", caller.port, 0, 101)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        await agent.hears(10)
        assert tone_snr(await agent.hears(), 440) > 25


async def test_reports_and_comfort_noise_among_the_audio_leave_no_gap(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        await agent.hears(10)
        for _ in range(5):
            caller.rtp.sendto(struct.pack("!BBHIQ", 0x80, 201, 1, 9, 0), ("127.0.0.1", caller.to))
            caller.send(b"\x40", 13)
            before = len(agent.packets)
            await until(lambda: len(agent.packets) > before + 3)  # noqa: B023
        assert {packet.kind for packet in agent.packets} == {0}
        assert_continuous(agent.packets)


async def test_conversion_leaves_out_extensions_and_padding(hall: Hall) -> None:
    caller, agent = Party(payload=0), Party(payload=8, ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        await hall.bridge("a", "b")
        header = struct.pack("!BBHII", 0x80 | 0x20 | 0x10 | 1, 0, 5, 160, 9)
        packet = header + bytes(4) + struct.pack("!HHI", 1, 1, 0) + b"\x80" * 160 + b"\0\0\0\x04"
        caller.rtp.sendto(packet, ("127.0.0.1", caller.to))
        await until(lambda: any(p.body == b"\xaa" * 160 for p in agent.packets))


async def test_nobody_can_speak_into_a_locked_stream(hall: Hall) -> None:
    caller, agent, stranger = Party(), Party(ssrc=7), Party(ssrc=666)
    async with running(caller, agent, stranger):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await agent.hears(10)
        stranger.to = caller.to
        stranger.speak(2500)
        assert tone_snr(await agent.hears(), 440) > 25
        assert tone_snr(await caller.hears(), 1000) > 25
        assert not stranger.packets


async def test_the_true_source_is_learnt(hall: Hall) -> None:
    """Behind a NAT: packets come from elsewhere than the SDP said, and ours must go there."""
    caller, announced, stranger = Party(), Party(), Party(ssrc=666)
    async with running(caller, announced, stranger):
        hall.enter("a", caller, announced=announced.port)
        await until(lambda: announced.packets)
        caller.speak(440)
        await until(lambda: len(caller.packets) > 20)
        stranger.to = caller.to
        stranger.speak(2500)
        announced.packets.clear()
        assert_continuous(caller.packets)
        await caller.hears(20)
        assert not announced.packets
        assert not stranger.packets


async def test_a_new_address_in_the_sdp_is_followed(hall: Hall) -> None:
    first, second, agent = Party(), Party(ssrc=3), Party(ssrc=7)
    async with running(first, second, agent):
        hall.enter("a", first)
        hall.enter("b", agent)
        await hall.bridge("a", "b")
        first.speak(440)
        agent.speak(1000)
        await agent.hears(10)
        hall.plane.connect("a", "127.0.0.1", second.port, 0, 101)
        second.to = first.to
        second.speak(700)
        await until(lambda: second.packets)
        await agent.hears(5)
        assert tone_snr(await second.hears(), 1000) > 25
        assert tone_snr(await agent.hears(), 700) > 25
        assert_continuous(agent.packets)


async def test_mute_is_silence_of_the_same_length(hall: Hall) -> None:
    caller, agent = Party(), Party(payload=8, ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await caller.hears(10)
        hall.plane.mute("b", True)
        await until(lambda: np.abs(caller.heard()[-1600:]).max() < 0.001)
        assert float(np.abs(await caller.hears(20)).max()) < 0.001
        assert tone_snr(await agent.hears(), 440) > 25
        hall.plane.mute("b", False)
        await until(lambda: tone_snr(caller.heard()[-4000:], 1000) > 25)
        assert_continuous(caller.packets)


async def test_a_held_party_gets_nothing_and_its_prompts_still_end(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await caller.hears(10)
        hall.plane.connect("a", "127.0.0.1", caller.port, 0, 101, "inactive")
        hall.plane.play("a", "p", ("tone:500:200",), False)
        await hall.reported(PlayFinished("a", "p"))
        caller.packets.clear()
        await agent.hears(20)
        assert not caller.packets
        hall.plane.connect("a", "127.0.0.1", caller.port, 0, 101, "sendrecv")
        await caller.hears(5)
        assert tone_snr(await caller.hears(), 1000) > 25


async def test_keys_are_told_once_and_relayed_under_the_others_type(hall: Hall) -> None:
    caller, agent = Party(dtmf=101), Party(dtmf=96, ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await agent.hears(10)
        for number, key in enumerate("5*5", 1):
            caller.press(key)
            await until(lambda: sum(isinstance(event, Digit) for event in hall.events) == number)  # noqa: B023
            await until(lambda: not caller.pressing)
            await asyncio.sleep(0.06)  # a person's pause between two keys
        caller.press("#")
        await hall.reported(Digit("a", "#"))
        await until(lambda: sum(packet.kind == 96 for packet in agent.packets) == 32)
        assert_continuous(agent.packets)
    assert [event for event in hall.events if isinstance(event, Digit)] == [Digit("a", key) for key in "5*5#"]
    assert hear(agent, 96) == "5*5#"


async def test_keys_under_the_type_that_we_offered(hall: Hall) -> None:
    """The answer named 96 for what it wants to get, and its keys come under the 101 of our offer (RFC 3264, 5.1)."""
    phone = Party(dtmf=101)
    async with running(phone):
        phone.to = hall.plane.open("a")
        hall.plane.connect("a", "127.0.0.1", phone.port, 0, 96)
        phone.press("8")
        await hall.reported(Digit("a", "8"))


async def test_of_early_media_only_the_keys_are_heard(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        agent.to = hall.plane.open("b")
        for _ in range(150):
            agent.send(b"\x22" * 160, 0)
            agent.ts += 160
        for body in press("6"):
            agent.send(body, 101)
        hall.enter("a", caller)
        await caller.hears(5)
        hall.plane.connect("b", "127.0.0.1", agent.port, 0, 101)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await until(lambda: len(caller.heard()) > 8000 and tone_snr(caller.heard()[-8000:], 1000) > 25)
        assert not any(packet.body == b"\x22" * 160 for packet in caller.packets)
        assert hall.events == [Digit("b", "6"), Bridged("a", "b")]


async def test_keys_towards_one_without_events_are_left_out_without_a_gap(hall: Hall) -> None:
    caller, agent = Party(dtmf=101), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        agent.to = hall.plane.open("b")
        hall.plane.connect("b", "127.0.0.1", agent.port, 0, None)
        caller.speak(440)
        await hall.bridge("a", "b")
        await agent.hears(10)
        caller.press("3")
        await hall.reported(Digit("a", "3"))
        await until(lambda: tone_snr(agent.heard()[-4000:], 440) > 25)
        assert {packet.kind for packet in agent.packets} == {0}
        assert_continuous(agent.packets)


def hear(party: Party, kind: int) -> str:
    """The keys in what a party heard."""
    detector = KeyDetector()
    digits = [detector.hear(p.ssrc, p.ts, p.marker, p.body) for p in party.packets if p.kind == kind]
    return "".join(digit for digit in digits if digit)


async def test_digits_are_sent(hall: Hall) -> None:
    caller, agent = Party(dtmf=96), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await caller.hears(10)
        hall.plane.send_digits("a", "12")
        hall.plane.send_digits("a", "2#")
        await until(lambda: hear(caller, 96) == "122#", "keys")
        await until(lambda: tone_snr(caller.heard()[-4000:], 1000) > 25)
        assert_continuous(caller.packets)
        assert len([packet for packet in caller.packets if packet.kind == 96 and packet.marker]) == 4


async def test_silence_is_told_once_until_something_comes(tmp_path: Path) -> None:
    hall = await started(MediaPlane(tmp_path, silent_after=0.3))
    caller, held = Party(), Party(ssrc=7)

    def told() -> list[Silent]:
        return [event for event in hall.events if isinstance(event, Silent)]

    async with running(caller, held):
        hall.enter("held", held, direction="sendonly")
        hall.enter("a", caller)
        await until(lambda: len(told()) == 1)
        assert told()[0].leg == "a"
        assert told()[0].seconds >= 0.3
        caller.speak(440)
        await caller.hears(50)
        assert len(told()) == 1
        caller.speak(0)
        await until(lambda: len(told()) == 2)
    await hall.plane.stop()


async def test_reports_are_sent_and_taken(tmp_path: Path) -> None:
    hall = await started(MediaPlane(tmp_path, silent_after=2.5))
    caller, quiet = Party(), Party(ssrc=7)
    async with running(caller, quiet):
        hall.enter("a", caller)
        hall.enter("b", quiet)
        await caller.hears(10)
        report = b""

        def arrived() -> bool:
            nonlocal report
            # a party that sends reports but no audio is not gone
            caller.rtcp.sendto(struct.pack("!BBHI", 0x80, 201, 1, 9), ("127.0.0.1", caller.to + 1))
            caller.rtcp.sendto(b"\x80", ("127.0.0.1", caller.to + 1))
            try:
                report = caller.rtcp.recv(2048)
            except BlockingIOError:
                return False
            return True

        await until(arrived)
        await until(lambda: arrived() or any(isinstance(event, Silent) for event in hall.events))
    first, kind, words, ssrc = struct.unpack_from("!BBHI", report)
    assert (first, kind, words) == (0x80, 200, 6)
    assert ssrc == caller.packets[0].ssrc
    assert struct.unpack_from("!BB", report, 28) == (0x81, 202)
    assert len(report) % 4 == 0
    assert {event.leg for event in hall.events if isinstance(event, Silent)} <= {"b"}
    await hall.plane.stop()


async def test_garbage_disturbs_nobody(hall: Hall) -> None:
    caller, agent = Party(), Party(ssrc=7)
    noise = random.Random(4733)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        for _ in range(300):
            body = noise.randbytes(noise.choice([0, 1, 3, 11, 12, 13, 16, 172, 1400]))
            if noise.random() < 0.6:
                body = bytes((0x80 | noise.randrange(64), noise.choice([0, 8, 13, 101, 229]))) + body
            caller.rtp.sendto(body, ("127.0.0.1", caller.to))
            caller.rtcp.sendto(body, ("127.0.0.1", caller.to + 1))
        await until(lambda: agent.packets and tone_snr(agent.heard()[-6400:], 440) > 25)
    assert not any(isinstance(event, ChildDied) for event in hall.events)


async def test_late_orders_are_nothing(hall: Hall) -> None:
    caller = Party()
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.close("a")
        hall.plane.play("a", "p", ("tone:500:100",), False)
        hall.plane.connect("a", "127.0.0.1", caller.port, 0, 101)
        hall.plane.bridge("a", "nobody")
        hall.plane.bridge("a", "a")
        hall.plane.part("a")
        hall.plane.mute("a", True)
        hall.plane.send_digits("a", "1")
        hall.plane.silence("a")
        hall.plane.close("a")
        hall.enter("b", caller)
        hall.plane.play("b", "p", ("tone:500:100",), False)
        await hall.reported(PlayFinished("b", "p"))
    assert hall.events == [PlayFinished("b", "p")]


async def test_ports_are_even_skip_what_others_hold_and_come_back(tmp_path: Path) -> None:
    first, last = free_range(8)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("127.0.0.1", first + 3))
        hall = await started(MediaPlane(tmp_path), (first, last))
        ports: list[int] = []

        def take_all() -> None:
            while True:
                ports.append(hall.plane.open(f"leg{len(ports)}"))

        with pytest.raises(NoPorts):
            take_all()
        assert first + 2 not in ports
        assert 1 <= len(ports) <= 3
        assert all(port % 2 == 0 for port in ports)
        assert hall.plane.open("leg0") == ports[0]
        hall.plane.close("leg0")

        def again() -> bool:
            try:
                return hall.plane.open("again") == ports[0]
            except NoPorts:
                return False

        await until(again)
        await hall.plane.stop()
    with pytest.raises(NoPorts):
        hall.plane.open("late")


async def test_a_killed_child_is_replaced_and_calls_go_on(hall: Hall) -> None:
    caller, agent, waiting = Party(), Party(ssrc=7), Party(ssrc=8)
    async with running(caller, agent, waiting):
        hall.enter("a", caller)
        hall.enter("b", agent)
        hall.enter("w", waiting)
        caller.speak(440)
        agent.speak(1000)
        hall.plane.play("w", "m", ("tone:700:500",), True)
        await hall.bridge("a", "b")
        await asyncio.gather(caller.hears(10), waiting.hears(10))
        os.kill(hall.plane.pid, signal.SIGKILL)
        await hall.reported(ChildDied(restarted=True))
        await asyncio.gather(caller.hears(20), agent.hears(20))
        assert tone_snr(await caller.hears(), 1000) > 25
        assert tone_snr(await agent.hears(), 440) > 25
        assert loudest(await waiting.hears(20)) == pytest.approx(700, abs=10)


async def killed_too_often(hall: Hall) -> None:
    for death in range(1, 7):
        os.kill(hall.plane.pid, signal.SIGKILL)
        await until(lambda: sum(isinstance(event, ChildDied) for event in hall.events) == death)  # noqa: B023
    assert hall.events[-1] == ChildDied(restarted=False)


async def test_a_child_that_keeps_dying_is_given_up(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "AGAIN_AFTER", 3600.0)
    await killed_too_often(hall)
    with pytest.raises(NoPorts):
        hall.plane.open("a")


async def test_a_line_is_not_without_audio_for_ever(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plane, "AGAIN_AFTER", 0.05)
    await killed_too_often(hall)
    await until(lambda: hall.plane.pid > 0)
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        assert tone_snr(await agent.hears(20), 440) > 25


async def test_the_child_dies_with_the_line() -> None:
    program = (
        "import asyncio, sys\n"
        "from callcenter.telephony.media.plane import MediaPlane\n"
        "async def main():\n"
        "    plane = MediaPlane()\n"
        "    await plane.start('127.0.0.1', (30000, 60000), print)\n"
        "    plane.open('a')\n"
        "    print('up', flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    line = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=ROOT)
    assert line.stdout is not None
    assert line.stdout.readline() == b"up\n"
    child = child_of(line.pid)
    line.kill()
    line.wait()
    line.stdout.close()
    await until(lambda: not alive(child))


def test_the_plane_runs_on_uvloop(tmp_path: Path) -> None:
    async def call() -> None:
        hall = await started(MediaPlane(tmp_path))
        caller = Party()
        async with running(caller):
            hall.enter("a", caller)
            hall.plane.play("a", "p", ("tone:500:300",), False)
            await hall.reported(PlayFinished("a", "p"))
            os.kill(hall.plane.pid, signal.SIGKILL)
            await hall.reported(ChildDied(restarted=True))
            await caller.hears(10)
        await hall.plane.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())


async def test_the_child_has_the_limit_that_ends_one_run_wild(hall: Hall) -> None:
    await hall.plane_is_up()
    limits = Path(f"/proc/{hall.plane.pid}/limits").read_text()
    assert re.search(r"Max realtime timeout\s+2000000\s+2000000", limits)


def test_the_child_stays_small() -> None:
    program = (
        "import sys, callcenter.telephony.media.child; print({'numpy', 'asyncio', 'ssl'} & set(sys.modules))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert run.stdout == "set()\n"


def child_of(pid: int) -> int:
    """The process id of a process's audio process."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            stat = (process / "stat").read_text().rsplit(")", 1)[1].split()
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if int(stat[1]) == pid and stat[0] != "Z" and b"telephony.media.child" in command:
            return int(process.name)
    raise AssertionError("no audio process")


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
