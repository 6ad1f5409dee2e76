"""A message over real SIP: greeting and tone, 700 Hz said, `#`, and 700 Hz heard from the page; the place is kept."""

import asyncio
import io
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile

from callcenter.telephony.phone import Phone
from tests.hotline import Hotline, another_time, soon
from tests.place import Place, running

NUMBER, VOICE = "+8613800000191", 700.0


@pytest.fixture
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    with running(tmp_path_factory.mktemp("v"), greeting="false", outbound_hours=another_time()) as place:
        made = Hotline(place)
        place.administer()
        place.start()
        yield made


def loudest(place: Place, recording: str) -> tuple[float, int]:
    """(Hz of the strongest tone, channels) of what the page plays."""
    request = urllib.request.Request(
        f"http://{place.http}/recordings/{recording}/audio",
        headers={"Authorization": f"Bearer {place.token}"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        samples, rate = soundfile.read(io.BytesIO(answer.read()), always_2d=True)
    spectrum = np.abs(np.fft.rfft(samples[:, 0] * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples)), samples.shape[1]


async def test_what_was_said_is_heard_again(hotline: Hotline) -> None:
    place = hotline.place
    await hotline.rule(voicemail="closed", voicemail_greeting="-")
    phone = Phone(NUMBER, server=place.sip, tone=VOICE)
    await phone.start()
    try:
        caller = phone.call("hotline")
        await soon(lambda: abs(caller.voice.loudest() - 1000.0) < 15, "the tone")
        await soon(lambda: caller.voice.loudest() == 0, "its end")
        # Silence is sent to who leaves a message: by its packets three seconds are counted.
        before = caller.voice.received
        await soon(lambda: caller.voice.received > before + 150, "three seconds")
        caller.press("#")
        await asyncio.wait_for(caller.over.wait(), 60)
    finally:
        await phone.stop()

    def messages() -> list[dict[str, object]]:
        found: list[dict[str, object]] = place.get("/messages")["messages"]
        return [one for one in found if one["recording_state"] == "stored"]

    await soon(messages, "the message to be stored")
    [message] = messages()
    assert (message["number"], message["queue"], message["state"]) == (NUMBER, "default", "new")
    heard, channels = await asyncio.to_thread(loudest, place, str(message["recording"]))
    assert (heard, channels) == (pytest.approx(VOICE, abs=5), 1)
    await soon(lambda: hotline.owed(NUMBER), "the callback")
    assert hotline.owed(NUMBER) == ["due"]
    assert hotline.record(NUMBER)["outcome"] == "message_left"
