"""Prompts: made, heard, used, refused; on the line from the store; the text where the sound is not there."""

import base64
import io
import struct
from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, stream
from callcenter.people.models import AuditEntry
from callcenter.prompts import desk, sound
from callcenter.routing import directory
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from callcenter.telephony.prompts import Renderer
from tests.pages import Pages, serve
from tests.switchboard import conducting, switchboard, until

JSON = {"accept": "application/json"}


def wav(
    hertz: int = 700, rate: int = 44_100, seconds: float = 1.0, subtype: str = "PCM_16", channels: int = 2
) -> bytes:
    tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)
    file = io.BytesIO()
    soundfile.write(file, np.column_stack([tone] * channels), rate, format="WAV", subtype=subtype)
    return file.getvalue()


def loudest(body: bytes) -> int:
    """The strongest frequency of a WAV, in Hz."""
    samples, rate = soundfile.read(io.BytesIO(body))
    return round(int(np.argmax(np.abs(np.fft.rfft(samples)))) * rate / len(samples))


@pytest.fixture
def pages(settings: Settings) -> Iterator[Pages]:
    with serve(settings) as running:
        running.add_user("ada", "admin", display_name="Ada")
        running.add_user("susan", "supervisor")
        with running.session() as session:
            session.merge(QueueRow(name="default"))
        yield running


@pytest.mark.parametrize(
    ("rate", "subtype", "channels"), [(44_100, "PCM_16", 2), (8000, "ULAW", 1), (48_000, "ALAW", 2)]
)
def test_an_upload_is_converted_once(rate: int, subtype: str, channels: int) -> None:
    body, seconds = sound.converted(wav(700, rate, 1.0, subtype, channels))
    samples, made = soundfile.read(io.BytesIO(body))
    assert (made, samples.ndim, round(seconds, 2), loudest(body)) == (8000, 1, 1.0, 700)


@pytest.mark.parametrize(
    "body",
    [b"", b"RIFF", b"ID3 an mp3", wav(subtype="PCM_24"), wav(rate=96_000), wav(seconds=0.01), wav(channels=3),
     wav()[:20] + struct.pack("<H", 85) + wav()[22:]],
)  # fmt: skip
def test_what_is_no_prompt_names_its_field(body: bytes) -> None:
    with pytest.raises(sound.InvalidInput) as wrong:
        sound.converted(body)
    assert list(wrong.value.fields) == ["wav"]


def test_a_prompt_from_its_making_to_its_end(pages: Pages) -> None:
    with pages.browser("ada") as ada, pages.browser("susan") as susan:
        assert susan.get("/prompts").status_code == 403
        spoken = ada.get("/prompts/trial", params={"language": "cmn", "text": "您好"})
        assert (spoken.headers["content-type"], spoken.content[:4]) == ("audio/wav", b"RIFF")
        text = {"name": "night", "language": "cmn", "text": "现在是下班时间。"}
        assert ada.put("/prompts", json=text, headers=JSON).json()["version"] == 1
        assert ada.put("/prompts", json=text, headers=JSON).status_code == 409
        heard = ada.get("/prompts/night/cmn/audio").content
        assert soundfile.info(io.BytesIO(heard)).duration > 0.5
        upload = {**text, "version": 1, "wav": base64.b64encode(wav()).decode()}
        assert ada.put("/prompts", json=upload, headers=JSON).json()["seconds"] == 1.0
        assert loudest(ada.get("/prompts/night/cmn/audio").content) == 700
        wrong = ada.put("/prompts", json={**upload, "version": 2, "wav": "bm8="}, headers=JSON)
        assert (wrong.status_code, list(wrong.json()["fields"])) == (422, ["wav"])
        for field, value in (("name", "Bad name"), ("language", "de"), ("text", "x" * 1001)):
            wrong = ada.put("/prompts", json={**text, "version": 2, field: value}, headers=JSON)
            assert list(wrong.json()["fields"]) == [field]
        seen = {"version": 1}
        missing = ada.put("/queues/default", json={**seen, "greeting": "prompt:nothing"}, headers=JSON)
        assert list(missing.json()["fields"]) == ["greeting"]
        used = {**seen, "greeting": "prompt:night", "music": "prompt:night"}
        assert ada.put("/queues/default", json=used, headers=JSON).status_code == 200
        assert "default: greeting" in ada.get("/prompts").text
        refused = ada.put("/prompts/night/cmn/removal", json={"version": 2}, headers=JSON)
        assert (refused.status_code, refused.json()["error"]) == (409, "prompt-in-use")
        assert refused.json()["fields"] == {"used_by": "default: greeting; default: music"}
        ada.put("/queues/default", json={"version": 2, "greeting": "", "music": ""}, headers=JSON)
        assert ada.put("/prompts/night/cmn/removal", json={"version": 2}, headers=JSON).status_code == 200
        assert ada.get("/prompts", headers=JSON).json() == {"prompts": []}
        gone, uploaded, made = ada.get(
            "/history", params={"noun": "prompt", "name": "night:cmn"}, headers=JSON
        ).json()["changes"]
        assert (made["before"], gone["after"]) == ({}, {})
        assert ada.put(f"/history/{gone['id']}/restoration", headers=JSON).status_code == 422
        assert ada.put(f"/history/{uploaded['id']}/restoration", headers=JSON).json()["changed"] == [
            "sound", "text",
        ]  # fmt: skip
        assert loudest(ada.get("/prompts/night/cmn/audio").content) == 700
        assert ada.get("/prompts", headers=JSON).json()["prompts"][0]["seconds"] == 1.0
        assert ada.put(f"/history/{made['id']}/restoration", headers=JSON).json()["changed"] == ["sound"]
        page = ada.get("/history", params={"noun": "prompt"}).text
        assert 'href="/prompts"' in page
    with pages.session() as session:
        actions = [
            one.action for one in session.exec(select(AuditEntry)).all() if one.action.startswith("prompt")
        ]
    assert actions == [
        *("prompt.added", "prompt.changed", "prompt.deleted", "prompt.restored", "prompt.restored")
    ]


def test_a_form_uploads_a_file(pages: Pages) -> None:
    with pages.browser("ada") as ada:
        token = ada.headers["x-page-token"]
        made = ada.post(
            "/prompts",
            data={"page_token": token, "name": "jingle", "language": "en", "version": "0"},
            files={"wav": ("jingle.wav", wav(seconds=30), "audio/wav")},
            headers=JSON,
        )
        assert made.status_code == 200
        assert ada.get("/prompts").text.count("<audio") == 1


async def test_a_line_fetches_what_it_is_to_play(settings: Settings, engine: Engine) -> None:
    with db.write(engine) as session:
        made = desk.put(session, "hello", "cmn", "您好", sound.converted(wav()), "ada", 0, db.now())
        digest = made.sound
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", greeting="prompt:hello", music="prompt:hello")
        board.ask(commands.ReloadDirectory())
        played = f"file:prompt-{digest}.wav|say:cmn:您好"
        seen = await board.board_when(lambda found: found.queues["default"].prompts)
        assert seen.queues["default"].prompts == {"hello": {"cmn": played}}
        path = settings.data_dir / "prompts" / f"prompt-{digest}.wav"
        await until(path.exists)
        assert loudest(path.read_bytes()) == 700
        assert board.store.hkeys(stream.PROMPT_SOUNDS) == [digest.encode()]
        leg = board.outside.ring("+8613800138000")
        assert leg
        await board.board_when(lambda found: found.calls[leg].state == "queued")
        await until(lambda: board.line.all[leg].played[-2:] == [played, played])
    renderer = Renderer(settings.data_dir)
    try:
        there = await renderer.render(played)
        path.unlink()
        spoken, text = await renderer.render(played), await renderer.render("say:cmn:您好")
    finally:
        renderer.close()
    assert not there.why
    assert there.ulaw != spoken.ulaw
    assert not spoken.why
    assert abs(len(spoken.ulaw) - len(text.ulaw)) < len(text.ulaw) / 10
    with db.read(engine) as session:
        assert directory.line_config(session, settings).prompts == (digest,)
