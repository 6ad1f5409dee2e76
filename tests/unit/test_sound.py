"""Resampling, WAV reading, music and prompts that cannot be made."""

import asyncio
import gc
import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony.media import music
from callcenter.telephony.media.pcm import NotSound, Samples, from_ulaw, read_wav, resample
from callcenter.telephony.prompts import Renderer
from tests.tones import loudest, sine, tone_snr

RATES = [11_025, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]


def wav(samples: Samples, rate: int, channels: int = 1, width: int = 2) -> bytes:
    """A PCM WAV; the samples go to every channel."""
    body = io.BytesIO()
    with wave.open(body, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        flat = np.repeat(samples.astype(np.float64), channels)
        if width == 1:
            file.writeframes((np.rint(flat * 127) + 128).astype(np.uint8).tobytes())
        else:
            whole = np.rint(flat * (2 ** (8 * width - 1) - 1)).astype("<i8")
            file.writeframes(whole.view(np.uint8).reshape(-1, 8)[:, :width].tobytes())
    return body.getvalue()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [300, 1000, 3300])
def test_a_tone_keeps_its_pitch_and_level(rate: int, hertz: int) -> None:
    result = resample(sine(hertz, 1.0, rate), rate)
    middle = result[1000:-1000]
    assert len(result) == 8000
    assert tone_snr(middle, hertz) > 50
    assert float(np.abs(middle).max()) == pytest.approx(0.3, rel=0.03)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("hertz", [4600, 5000, 6500, 7700])
def test_what_is_above_the_band_does_not_fold_into_it(rate: int, hertz: int) -> None:
    assert float(np.abs(resample(sine(hertz, 0.5, rate), rate)[500:-500]).max()) < 0.3 * 10 ** (-55 / 20)


@given(st.integers(4000, 96_000), st.integers(0, 3000))
def test_any_rate_and_length_is_resampled(rate: int, length: int) -> None:
    result = resample(np.ones(length, np.float32), rate)
    assert len(result) == -(-length * 8000 // rate)
    assert not len(result) or float(np.abs(result).max()) < 1.3


@pytest.mark.parametrize("width", [1, 2, 3, 4])
@pytest.mark.parametrize(
    ("rate", "channels"), [(8000, 1), (16_000, 2), (22_050, 1), (44_100, 2), (48_000, 1)]
)
def test_wav_of_each_kind_is_read(width: int, rate: int, channels: int) -> None:
    samples, read_rate = read_wav(wav(sine(800, 0.5, rate), rate, channels, width))
    assert read_rate == rate
    assert len(samples) == rate // 2
    assert tone_snr(samples, 800, rate) > (30 if width == 1 else 60)


def test_g711_in_a_wav_is_read() -> None:
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<IHHIIHH", 16, 7, 1, 8000, 8000, 1, 8)
    samples, rate = read_wav(head + b"data" + struct.pack("<I", 3) + b"\xff\x80\x00")
    assert rate == 8000
    assert [round(float(sample) * 32768) for sample in samples] == [0, 32124, -32124]


@given(st.binary(max_size=200))
def test_what_is_no_wav_says_so(body: bytes) -> None:
    for candidate in (body, b"RIFF" + body, b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + body):
        try:
            read_wav(candidate)
        except NotSound:
            continue


def test_the_music_is_long_calm_and_has_no_seam() -> None:
    loop = music.compose()
    assert len(loop) == music.SECONDS * 8000
    assert 0.2 < float(np.abs(loop).max()) < 0.35
    steps = np.abs(np.diff(np.concatenate([loop, loop[:1]])))
    assert steps[-1] <= np.percentile(steps, 99.9)
    seconds = loop.reshape(-1, 8000)
    assert float(np.sqrt((seconds**2).mean(axis=1)).min()) > 0.01


@pytest.fixture
def renderer(tmp_path: Path) -> Renderer:
    return Renderer(tmp_path)


@pytest.mark.parametrize(
    "prompt",
    ["say:en:Please hold the line", "say:cmn:您好，请稍候", "say:yue:你好，請稍候"],
)
async def test_each_language_is_spoken_once_and_kept(renderer: Renderer, tmp_path: Path, prompt: str) -> None:
    spoken = await renderer.render(prompt)
    assert not spoken.why
    sound = from_ulaw(spoken.ulaw)
    assert 0.5 * 8000 < len(sound) < 8 * 8000
    assert 0.02 < float(np.sqrt((sound**2).mean())) < 0.3
    assert renderer.ready(prompt) is spoken
    again = Renderer(tmp_path)
    assert (await again.render(prompt)).ulaw == spoken.ulaw
    assert len(list((tmp_path / "cache" / "prompts").glob("*.ulaw"))) == 1
    renderer.close()
    again.close()


async def test_one_process_holds_several_lines_and_loses_one(renderer: Renderer, tmp_path: Path) -> None:
    others = [Renderer(tmp_path / str(number)) for number in range(3)]
    texts = [f"say:en:Line {number}" for number in range(8)]
    spoken = await asyncio.gather(*(each.render(text) for each in (renderer, *others) for text in texts))
    assert not any(each.why for each in spoken)
    for other in others:
        other.close()
    del other, others
    gc.collect()
    assert not (await renderer.render("say:en:Who is left still speaks")).why
    renderer.close()


async def test_the_three_voices_differ(renderer: Renderer) -> None:
    spoken = [(await renderer.render(f"say:{voice}:你好")).ulaw for voice in ("cmn", "yue")]
    assert spoken[0] != spoken[1]
    renderer.close()


async def test_a_recording_is_played_and_its_replacement_too(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "prompts").mkdir()
    for hertz in (500, 900):
        (tmp_path / "prompts" / "greeting.wav").write_bytes(
            wav(sine(hertz, 1.0 + hertz / 1e4, 44_100), 44_100, 2)
        )
        rendered = await renderer.render("file:greeting")
        assert loudest(from_ulaw(rendered.ulaw)) == pytest.approx(hertz, abs=3)
        assert (await renderer.render("file:greeting.wav")).ulaw == rendered.ulaw
    renderer.close()


async def test_a_tone_has_its_frequency_and_length(renderer: Renderer) -> None:
    rendered = await renderer.render("tone:697:500")
    assert len(rendered.ulaw) == 4000
    assert tone_snr(from_ulaw(rendered.ulaw), 697) > 30
    assert (await renderer.render("silence:250")).ulaw == b"\xff" * 2080
    renderer.close()


@pytest.mark.parametrize(
    "prompt",
    ["file:nothing", "file:../../secret", "file:/etc/hostname", "file:", "file:a\0b", "say:tlh:nuqneH", "say:en",
     "say:en: ", "music:other", "tone:0:100", "tone:440:99999999", "tone:x:y", "silence:-1", "", "nonsense"],
)  # fmt: skip
async def test_what_cannot_be_made_is_a_second_of_silence_with_a_reason(
    renderer: Renderer, prompt: str
) -> None:
    rendered = await renderer.render(prompt)
    assert rendered.ulaw == b"\xff" * 8000
    assert rendered.why
    renderer.close()


async def test_a_damaged_cache_is_made_again(renderer: Renderer, tmp_path: Path) -> None:
    spoken = await renderer.render("say:en:Goodbye")
    (kept,) = (tmp_path / "cache" / "prompts").glob("*.ulaw")
    kept.write_bytes(spoken.ulaw[:777])
    again = Renderer(tmp_path)
    assert len((await again.render("say:en:Goodbye")).ulaw) == pytest.approx(len(spoken.ulaw), rel=0.1)
    assert len(kept.read_bytes()) % 160 == 0
    renderer.close()
    again.close()


async def test_many_who_wait_for_one_prompt_have_it_made_once(renderer: Renderer) -> None:
    rendered = await asyncio.gather(*(renderer.render("say:en:All our agents are busy") for _ in range(200)))
    assert all(each is rendered[0] for each in rendered)
    renderer.close()


async def test_closing_while_something_is_made_is_quiet(tmp_path: Path) -> None:
    renderer = Renderer(tmp_path)
    renderer.warm()
    waiting = asyncio.create_task(renderer.render("say:en:Never heard"))
    await asyncio.sleep(0)
    renderer.close()
    await asyncio.gather(waiting, return_exceptions=True)
