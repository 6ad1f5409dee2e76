"""What the audio process writes: files read back, each voice on its side, gaps and crashes included."""

import asyncio
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest

from callcenter.telephony.media import recordings, wav
from callcenter.telephony.media.pcm import Samples, from_ulaw
from callcenter.telephony.media.plane import (
    DISK_LIMIT,
    ChildDied,
    DiskAlarm,
    MediaPlane,
    NotRecorded,
    Recorded,
    Recording,
)
from callcenter.telephony.media.reel import Reel
from tests.integration.test_media import Hall, started
from tests.party import Party, running, until
from tests.tones import tone_snr


async def opened(folder: Path) -> Hall:
    return await started(MediaPlane(folder, 30.0, folder / "spool", DISK_LIMIT))


async def recorded(hall: Hall) -> Recorded:
    """The first recording that is complete; taken out of the reports."""
    await until(lambda: any(isinstance(event, Recorded) for event in hall.events), f"{hall.events}")
    found = next(event for event in hall.events if isinstance(event, Recorded))
    hall.events.remove(found)
    return found


def sides(path: str, channels: int = 2) -> list[Samples]:
    body = Path(path).read_bytes()
    frames = wav.frames_in(len(body), channels)
    assert body[: wav.HEADER_BYTES] == wav.header(channels, frames)
    return [from_ulaw(body[wav.HEADER_BYTES + channel :: channels]) for channel in range(channels)]


def lengthens(folder: Path, name: str, by: int = 16_000) -> "asyncio.Future[None]":
    """Wait until the file grew by so many bytes."""
    path = folder / "spool" / f"{name}.part"
    target = path.stat().st_size + by
    return asyncio.ensure_future(until(lambda: path.stat().st_size >= target, f"{path} to grow"))


def loud(samples: Samples) -> Samples:
    """0.7 s before the last sound: at its beginning a voice still finds its place."""
    where = np.flatnonzero(np.abs(samples) > 0.05)
    return samples[where[-1] - 6400 : where[-1] - 800]


async def test_each_voice_has_its_side(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    caller, agent = Party(), Party(payload=8, ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        await caller.hears(5)
        hall.plane.recordings.record("rec", "a", "b")
        await hall.reported(Recording("rec", "a", "b"))
        await lengthens(tmp_path, "rec")
        assert hall.plane.recordings.runs("rec")
        hall.plane.recordings.end("rec")
        told = await recorded(hall)
        assert not hall.plane.recordings.runs("rec")
    left, right = sides(told.path)
    assert tone_snr(loud(left), 440) > 25
    assert tone_snr(loud(right), 1000) > 25
    assert told.seconds == len(left) / 8000 == len(right) / 8000
    assert (told.channels, told.paused, told.leg) == (2, 0.0, "a")
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "spool").iterdir()} == {0o600}
    facts = json.loads(Path(told.path).with_suffix(".json").read_text())
    assert facts["started"] == told.started
    assert (facts["recording"], facts["leg"], facts["other"], facts["channels"]) == ("rec", "a", "b", 2)
    assert facts["seconds"] == told.seconds
    await hall.plane.stop()


async def test_the_pause_and_the_mute_are_silence_and_the_clock_goes_on(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        agent.speak(1000)
        await hall.bridge("a", "b")
        hall.plane.mute("b", True)
        hall.plane.recordings.record("rec", "a", "b")
        await hall.reported(Recording("rec", "a", "b"))
        await lengthens(tmp_path, "rec")
        hall.plane.recordings.pause("rec", True)
        await lengthens(tmp_path, "rec", 32_000)
        hall.plane.recordings.pause("rec", False)
        await lengthens(tmp_path, "rec", 24_000)
        hall.plane.recordings.end("rec")
        told = await recorded(hall)
    left, right = sides(told.path)
    assert np.abs(right).max() < 0.001
    ((begin, end),) = json.loads(Path(told.path).with_suffix(".json").read_text())["pauses"]
    assert told.paused == pytest.approx(end - begin)
    at = int(begin * 8000) + 4000
    assert np.abs(left[at : int(end * 8000) - 400]).max() < 0.001
    assert np.abs(left[: int(begin * 8000)]).max() > 0.05
    assert np.abs(left[int(end * 8000) :]).max() > 0.05
    await hall.plane.stop()


async def test_one_voice_alone_and_nothing_of_what_it_hears(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    caller = Party()
    async with running(caller):
        hall.enter("a", caller)
        hall.plane.play("a", "p", ("music:default",), True)
        caller.speak(440)
        await caller.hears(5)
        hall.plane.recordings.record("rec", "a", "")
        await hall.reported(Recording("rec", "a", ""))
        await lengthens(tmp_path, "rec")
        hall.plane.close("a")
        told = await recorded(hall)
    (voice,) = sides(told.path, 1)
    assert told.channels == 1
    assert tone_snr(loud(voice), 440) > 25
    await hall.plane.stop()


async def test_a_recording_goes_on_when_the_audio_process_dies(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    caller, agent = Party(), Party(ssrc=7)
    async with running(caller, agent):
        hall.enter("a", caller)
        hall.enter("b", agent)
        caller.speak(440)
        await hall.bridge("a", "b")
        hall.plane.recordings.record("rec", "a", "b")
        await hall.reported(Recording("rec", "a", "b"))
        await lengthens(tmp_path, "rec")
        os.kill(hall.plane.pid, signal.SIGKILL)
        await hall.reported(ChildDied(True))
        await lengthens(tmp_path, "rec", 48_000)
        hall.plane.recordings.end("rec")
        told = await recorded(hall)
    left, right = sides(told.path)
    voiced = np.abs(left[: len(left) // 160 * 160].reshape(-1, 160)).max(axis=1) > 0.05
    assert voiced[:100].any()
    assert voiced[-50:].all()
    assert np.abs(right).max() < 0.001
    await hall.plane.stop()
    assert not [event for event in hall.events if isinstance(event, NotRecorded)]


async def test_what_a_dead_line_left_is_told_at_the_next_start(tmp_path: Path) -> None:
    reel = Reel(tmp_path / "spool", "rec", "a", "", 1000.0)
    os.close(reel.create())
    with (tmp_path / "spool" / "rec.part").open("ab") as file:
        file.write(b"\xff" * 4000)
    hall = await opened(tmp_path)
    told = await recorded(hall)
    assert told == Recorded("rec", "a", str(reel.path), 1000.0, 0.5, 1, 0.0, 0.0)
    await hall.plane.stop()


async def test_stopping_the_plane_completes_what_runs(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    caller = Party()
    async with running(caller):
        hall.enter("a", caller)
        caller.speak(440)
        await hall.plane_is_up()
        hall.plane.recordings.record("rec", "a", "")
        await hall.reported(Recording("rec", "a", ""))
        await lengthens(tmp_path, "rec", 800)
        await hall.plane.stop()
    assert (await recorded(hall)).seconds > 0.1


async def test_a_disk_that_cannot_be_written_is_an_alarm_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "LOOK_EVERY", 0.05)
    (tmp_path / "spool").write_text("in the way")
    hall = await opened(tmp_path)
    alarms = [event for event in hall.events if isinstance(event, DiskAlarm)]
    assert [alarm.on for alarm in alarms] == [True]
    hall.plane.open("a")
    hall.plane.recordings.record("rec", "a", "")
    (failed,) = (event for event in hall.events if isinstance(event, NotRecorded))
    assert failed.why
    (tmp_path / "spool").unlink()
    await hall.reported(DiskAlarm(False, ""))
    hall.plane.recordings.record("rec", "a", "")
    await hall.reported(Recording("rec", "a", ""))
    await hall.plane.stop()


async def test_no_descriptor_is_left_over(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    await hall.plane_is_up()

    def descriptors() -> tuple[int, int]:
        return tuple(len(os.listdir(f"/proc/{pid}/fd")) for pid in (hall.plane.pid, os.getpid()))  # type: ignore[return-value]

    hall.plane.open("a")
    hall.plane.recordings.record("first", "a", "")
    await lengthens_from_nothing(tmp_path, "first")
    hall.plane.recordings.end("first")
    await recorded(hall)
    before = descriptors()
    for number in range(20):
        hall.plane.recordings.record(f"rec{number}", "a", "")
    for number in range(20):
        await lengthens_from_nothing(tmp_path, f"rec{number}")
    assert descriptors()[0] == before[0] + 20
    for number in range(20):
        hall.plane.recordings.end(f"rec{number}")
    for _ in range(20):
        await recorded(hall)
    await until(lambda: descriptors() == before, f"{descriptors()} {before}")
    await hall.plane.stop()


async def test_a_recording_without_a_sound_leaves_no_file(tmp_path: Path) -> None:
    hall = await opened(tmp_path)
    hall.plane.open("a")
    hall.plane.recordings.record("none", "a", "")
    hall.plane.recordings.end("none")
    await until(lambda: any(isinstance(event, NotRecorded) for event in hall.events), f"{hall.events}")
    assert list((tmp_path / "spool").iterdir()) == []
    await hall.plane.stop()


async def lengthens_from_nothing(folder: Path, name: str) -> None:
    path = folder / "spool" / f"{name}.part"
    await until(lambda: path.exists() and path.stat().st_size > wav.HEADER_BYTES, f"{path}")
