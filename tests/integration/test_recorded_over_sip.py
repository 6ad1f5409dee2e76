"""A conversation over real SIP, recorded by the line, sealed by the worker, heard in the page: channel by channel."""

import asyncio
import io
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from callcenter import commands
from callcenter.telephony.phone import Phone
from tests.hotline import AGENT_TONE, CUSTOMER_TONE, Hotline, another_time, hear_each_other, soon
from tests.place import Place, running

NUMBER, BERT_TONE = "+8613800000171", 1000.0


@pytest.fixture
def hotline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotline]:
    with running(tmp_path_factory.mktemp("r"), greeting="false", outbound_hours=another_time()) as place:
        made = Hotline(place)
        said = place.run("user", "add", "bert", "--phone", "bert", "--password", "bert-signs-in")
        secret = re.search(r"password (\S+),", said)
        assert secret, said
        made.secrets = {"bert": secret[1]}
        place.administer()
        place.start()
        yield made


def segments(place: Place, call: str) -> list[dict[str, Any]]:
    """Stored segments of the call, the first one first."""
    rows = [row for row in place.get("/recordings")["recordings"] if row["call_id"] == call]
    return sorted((row for row in rows if row["state"] == "stored"), key=lambda row: str(row["started_at"]))


def audio(place: Place, recording: str) -> tuple[np.ndarray[Any, Any], int]:
    """Samples (frames, channels) and rate of what the page plays."""
    request = urllib.request.Request(
        f"http://{place.http}/recordings/{recording}/audio",
        headers={"Authorization": f"Bearer {place.token}"},
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
        samples, rate = soundfile.read(io.BytesIO(answer.read()), always_2d=True)
    return samples, rate


def loudest(channel: np.ndarray[Any, Any], rate: int) -> float:
    """Hz of the strongest tone, 0.0 for silence."""
    if np.abs(channel).max(initial=0.0) < 0.01:
        return 0.0
    spectrum = np.abs(np.fft.rfft(channel * np.hanning(len(channel))))
    return float(np.argmax(spectrum) * rate / len(channel))


async def test_each_side_stands_on_its_channel_and_a_transfer_begins_a_new_segment(hotline: Hotline) -> None:
    place = hotline.place
    await hotline.rule(recording="all")
    bert = Phone("bert", hotline.secrets["bert"], server=place.sip, tone=BERT_TONE)
    bert.answer_after = 0.0
    await hotline.registered(bert)
    hotline.store.set("desk:bert", "desk:test", px=600_000)
    hotline.ask(commands.SignIn("bert"))
    try:
        async with hotline.desk() as anna, hotline.customer(NUMBER) as customer:
            await soon(lambda: anna.incoming, "anna's phone to ring")
            await hear_each_other(customer, anna.incoming[-1])
            call = str(hotline.agent()["call"])
            for paused in (True, False):
                hotline.ask(commands.PauseCallRecording("anna", call, paused))
                before = customer.voice.received
                await soon(lambda before=before: customer.voice.received > before + 50, "a second")
            hotline.ask(commands.SetStatus("bert", "available"))
            hotline.ask(commands.TransferCall("anna", call, "agent", "bert"))
            await soon(lambda: bert.incoming and bert.incoming[-1].up.is_set(), "bert to answer")
            await soon(lambda: abs(customer.voice.loudest() - BERT_TONE) < 15, "the customer to hear bert")
            before = customer.voice.received
            await soon(lambda: customer.voice.received > before + 50, "a second")
            customer.hang_up()
            await asyncio.wait_for(customer.over.wait(), 60)
        await soon(lambda: len(segments(place, call)) == 2, "two stored segments")
        first, second = segments(place, call)
        assert (first["agent"], second["agent"]) == ("anna", "bert")
        assert first["paused"] > 0
        for row, agent in ((first, AGENT_TONE), (second, BERT_TONE)):
            samples, rate = await asyncio.to_thread(audio, place, row["id"])
            assert samples.shape[1] == 2
            assert abs(len(samples) / rate - row["seconds"]) < 0.1
            # The paused second is silent on both sides; what is loud is each one's own voice alone.
            loud = samples[len(samples) // 4 if row is second else 0 :]
            assert loudest(loud[:, 0], rate) == pytest.approx(CUSTOMER_TONE, abs=10)
            assert loudest(loud[:, 1], rate) == pytest.approx(agent, abs=10)
        samples, rate = await asyncio.to_thread(audio, place, first["id"])
        windows = [samples[at : at + rate // 5] for at in range(0, len(samples) - rate // 5, rate // 5)]
        assert any(np.abs(window).max() < 0.01 for window in windows), "the pause is silent"
    finally:
        await bert.stop()
