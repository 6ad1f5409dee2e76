"""Recording without a network: the clock of a track, the file's header, the room on the disk."""

import os
import random
import struct
from pathlib import Path

import pytest

from callcenter.telephony.media import space, wav
from callcenter.telephony.media.recorder import Track
from callcenter.telephony.media.reel import Reel, left_over
from callcenter.telephony.media.writer import Writer

CLICK = b"\x00" * 160
HUSH = wav.SILENCE * 160
MB = 1024 * 1024


def clicks(track: Track, ppm: float, seconds: int, seed: int) -> list[float]:
    """How far from its moment each click lies, in seconds. The sender makes one every ten seconds; its clock is off,
    its way takes a millisecond and up to fifteen more."""
    chance, moments, sound = random.Random(seed), [], bytearray()
    packet, due = 0, 0.0
    while due < seconds:
        body = HUSH
        if due >= 10.0 * (len(moments) + 1):
            body = CLICK
            moments.append(due)
        arrival = due + 0.001 + (chance.random() * 0.015 if packet % 7 else 0.0)
        track.inbox.append((arrival, 0, (packet * 160 + 2**32 - 8000) & 0xFFFFFFFF, 7, body))
        packet += 1
        due = packet * 0.020 * (1 + ppm / 1e6)
        if packet % 50 == 0:
            sound += track.take(int(max(0.0, due - 1.0) * wav.RATE))
    sound += track.take(seconds * wav.RATE)
    assert len(sound) == seconds * wav.RATE
    found, at = [], sound.find(b"\x00")
    while at >= 0:
        found.append(at)
        at = sound.find(b"\x00", at + 800)
    assert len(found) == len(moments)
    return [at / wav.RATE - moment for at, moment in zip(found, moments, strict=True)]


def test_two_voices_stay_in_step_for_an_hour() -> None:
    """Clocks 200 millionths apart would part by 0.7 s."""
    slow = clicks(Track(0.0, 0), 100, 3600, 1)
    fast = clicks(Track(0.0, 0), -100, 3600, 2)
    assert min(slow + fast) > -0.010
    assert max(slow + fast) < 0.010


def test_a_jittering_stream_has_no_holes() -> None:
    track = Track(0.0, 0)
    chance = random.Random(3)
    for packet in range(500):
        body = struct.pack("<H", packet) * 80
        arrival = packet * 0.020 + 0.030 + (chance.random() * 0.030 if packet else 0.0)
        track.inbox.append((arrival, 0, packet * 160, 1, body))
    sound = track.take(8000 * 11)
    assert sound[240 : 240 + 80_000] == b"".join(struct.pack("<H", packet) * 80 for packet in range(500))


def test_what_is_lost_is_silence_and_what_is_late_finds_its_place() -> None:
    track = Track(0.0, 0)
    for packet in (0, 1, 4, 3, 6):
        track.inbox.append((0.1 + packet * 0.02, 0, 1000 + packet * 160, 1, bytes([packet]) * 160))
    sound = track.take(8000)
    assert [sound[800 + 160 * n] for n in range(7)] == [0, 1, 0xFF, 3, 4, 0xFF, 6]
    assert sound[:800] == wav.SILENCE * 800


def test_a_law_becomes_mu_law_and_a_new_source_is_laid_where_it_arrives() -> None:
    track = Track(0.0, 0)
    track.inbox.append((0.0, 8, 5, 1, b"\xd5" * 160))
    track.inbox.append((0.5, 0, 123456, 2, b"\x10" * 160))
    sound = track.take(8000)
    assert sound[0] in (0xFF, 0x7F)
    assert sound[3999:4001] == b"\xff\x10"


def test_the_header_says_mu_law() -> None:
    header = wav.header(2, 8000)
    assert len(header) == wav.HEADER_BYTES
    assert struct.unpack_from("<HHIIHH", header, 20) == (7, 2, 8000, 16000, 2, 8)
    assert struct.unpack_from("<I", header, 4)[0] == len(header) - 8 + 16000
    assert wav.frames_in(wav.HEADER_BYTES + 3, 2) == 1
    assert wav.frames_in(7, 2) == 0


def test_what_a_crash_left_is_completed(tmp_path: Path) -> None:
    reel = Reel(tmp_path, "rec", "a", "b", 1000.0, [(0.5, None)])
    fd = reel.create()
    os.write(fd, b"\xff" * 16001)
    os.close(fd)
    (tmp_path / "stale.json").write_text('{"leg": "a", "other": "", "started": 1, "pauses": []}')
    (found,) = left_over(tmp_path)
    assert found == reel
    assert found.complete() == found.complete() == 1.0
    assert found.paused(1.0) == 0.5
    assert found.path.read_bytes()[: wav.HEADER_BYTES] == wav.header(2, 8000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["rec.json", "rec.wav"]


def test_a_recording_is_a_file_of_its_folder(tmp_path: Path) -> None:
    for name in ("../rec", "", ".rec", "a/b"):
        with pytest.raises(ValueError, match="no name"):
            Reel(tmp_path / "spool", name, "a").create()
    assert not (tmp_path / "spool").exists()


def test_a_writer_tells_what_it_could_not_write(tmp_path: Path) -> None:
    writer = Writer(lambda: None)
    good = os.open(tmp_path / "good", os.O_CREAT | os.O_WRONLY)
    writer.write("full", os.open("/dev/full", os.O_WRONLY), 0, b"x" * 10)
    writer.write("good", good, 3, b"abc")
    writer.close("good", good)
    writer.finish()
    assert writer.results() == [("full", "No space left on device", False), ("good", "", True)]
    assert (tmp_path / "good").read_bytes() == b"\0\0\0abc"


def test_the_alarm_comes_before_the_disk_is_full() -> None:
    size, limit = 100_000 * MB, 2048 * MB
    assert space.alarm(space.Room(3000 * MB, size), limit, False) == ""
    assert space.alarm(space.Room(2000 * MB, size), limit, False) == "2000 MB free"
    # a small disk has a smaller limit, but never less than where recording ends
    assert space.alarm(space.Room(600 * MB, 10_000 * MB), limit, False) == ""
    assert space.alarm(space.Room(400 * MB, 10_000 * MB), limit, False)
    assert space.alarm(space.Room(190 * MB, 1000 * MB), limit, False)
    # and it does not flicker
    assert space.alarm(space.Room(2100 * MB, size), limit, True)
    assert space.alarm(space.Room(2300 * MB, size), limit, True) == ""
    assert space.alarm(space.Room(0, 0, "read-only"), limit, False) == "read-only"
    assert space.Room(190 * MB, size).full
    assert not space.Room(210 * MB, size).full
