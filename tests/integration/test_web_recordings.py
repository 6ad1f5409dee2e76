"""Recordings in the pages: who hears what, ranges, looks that are written down, holds, alarms."""

import io
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import soundfile
from sqlmodel import select

from callcenter import db
from callcenter.calls.models import Call
from callcenter.people.models import AuditEntry
from callcenter.recordings import vault
from callcenter.recordings.models import Recording
from callcenter.settings import Settings
from tests import recorded
from tests.pages import Pages, serve

NUMBER = "+8613912345678"
JSON = {"accept": "application/json"}


@pytest.fixture
def own() -> bool:
    return False


@pytest.fixture
def pages(settings: Settings, tmp_path: Path, own: bool) -> Iterator[Pages]:
    """Mei's call1 and Li's call2, both stored."""
    with serve(settings.model_copy(update={"agents_hear_own": own})) as running:
        for name in ("mei", "li"):
            running.add_user(name, display_name=name.title(), phone=f"200{len(name)}")
        running.add_user("susan", "supervisor", display_name="Susan")
        engine = db.connect(settings.sql)
        for call, agent in (("call1", "mei"), ("call2", "li")):
            with running.session() as session:
                session.add(
                    Call(id=call, caller=NUMBER, agent=agent, started_at=recorded.AT, ended_at=recorded.AT)
                )
            recorded.spooled(engine, tmp_path, f"{call}-1", agent, seconds=10)
            vault.take_in(engine, recorded.vault(tmp_path), f"{call}-1", db.now())
        engine.dispose()
        yield running


@pytest.fixture
def program(pages: Pages) -> Iterator[httpx.Client]:
    with pages.program() as client:
        yield client


def looks(pages: Pages) -> list[tuple[str, str, str]]:
    with pages.session() as session:
        rows = session.exec(select(AuditEntry).where(AuditEntry.action.startswith("recording."))).all()
        return [(row.actor, row.action, row.subject) for row in rows]


def test_a_supervisor_hears_and_it_is_written_down_once(pages: Pages) -> None:
    with pages.browser("susan") as susan:
        whole = susan.get("/recordings/call1-1/audio")
        assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/flac")
        for header in ("bytes=0-99", "bytes=100-", "bytes=-50"):
            part = susan.get("/recordings/call1-1/audio", headers={"range": header})
            assert part.status_code == 206
        assert looks(pages) == [("susan", "recording.heard", "call1-1")]
        page = susan.get("/recordings/call1-1")
        assert "Who heard it" in page.text
        assert [one["who"] for one in susan.get("/recordings/looks", headers=JSON).json()["looks"]] == [
            "susan"
        ]
    samples, rate = soundfile.read(io.BytesIO(whole.content))
    assert (rate, samples.shape[1], round(len(samples) / rate)) == (8000, 2, 10)


def test_ranges_are_what_they_say(pages: Pages) -> None:
    with pages.browser("susan") as susan:
        whole = susan.get("/recordings/call1-1/audio").content
        size = len(whole)
        for header, begin, end in (
            ("bytes=0-0", 0, 1), (f"bytes=10-{size * 2}", 10, size), ("bytes=-7", size - 7, size),
            ("bytes=65530-65545", 65530, 65546),
        ):  # fmt: skip
            part = susan.get("/recordings/call1-1/audio", headers={"range": header})
            assert part.content == whole[begin:end]
            assert part.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
        assert susan.get("/recordings/call1-1/audio", headers={"range": f"bytes={size}-"}).status_code == 416
        for ignored in ("bytes=5-1", "lines=1-2", "bytes=0-1,4-5"):
            assert susan.get("/recordings/call1-1/audio", headers={"range": ignored}).content == whole
        head = susan.head("/recordings/call1-1/audio")
        assert (head.headers["content-length"], head.content) == (str(size), b"")


def test_agents_hear_nothing_unless_the_centre_allows_their_own(pages: Pages) -> None:
    with pages.browser("mei") as mei:
        for path in ("/recordings/call1-1", "/recordings/call1-1/audio", "/recordings/call1-1/peaks"):
            assert mei.get(path).status_code == 404
        assert mei.get("/recordings").status_code == 403
        assert mei.get("/recordings/looks").status_code == 403
        assert "call-player" not in mei.get("/calls/call1").text
        assert mei.put("/calls/call1/recording-hold", json={"on": True, "reason": "x"}).status_code == 403
    assert looks(pages) == []


@pytest.mark.parametrize("own", [True])
def test_agents_hear_their_own_where_the_centre_allows_it(pages: Pages) -> None:
    with pages.browser("mei") as mei:
        assert mei.get("/recordings/call1-1/audio").status_code == 200
        assert mei.get("/recordings/call2-1/audio").status_code == 404
        assert mei.get("/recordings/call1-1/audio?download=1").status_code == 403
        rows = mei.get("/recordings", headers={"accept": "application/json"}).json()["recordings"]
        assert [row["id"] for row in rows] == ["call1-1"]
        assert "call-player" in mei.get("/calls/call1").text
        assert "call-player" not in mei.get("/calls/call2").text


def test_the_list_is_filtered_and_shows_no_place_of_files(program: httpx.Client) -> None:
    for query, ids in (
        ("", ["call2-1", "call1-1"]), ("?agent=mei", ["call1-1"]), ("?number=13912345678", ["call2-1", "call1-1"]),
        ("?number=10086", []), ("?day=2026-11-22", ["call2-1", "call1-1"]), ("?day=2026-11-21", []),
        ("?state=missing", []), ("?queue=default&limit=1", ["call2-1"]),
    ):  # fmt: skip
        rows = program.get(f"/recordings{query}").json()["recordings"]
        assert [row["id"] for row in rows] == ids
        assert not {"spool", "key", "peaks"} & {name for row in rows for name in row}
    first = program.get("/recordings?limit=1").json()
    second = program.get("/recordings", params={"limit": 1, "after": first["next"]}).json()
    assert [row["id"] for row in second["recordings"]] == ["call1-1"]
    for wrong in ("?state=odd", "?day=x", "?after=x", "?colour=red"):
        assert program.get(f"/recordings{wrong}").status_code == 422


def test_a_download_is_an_export(pages: Pages) -> None:
    with pages.browser("susan") as susan:
        kept = susan.get("/recordings/call1-1/audio?download=1")
        assert kept.headers["content-disposition"] == 'attachment; filename="call1-1.flac"'
        susan.get("/recordings/call1-1/audio?download=1")
    assert looks(pages) == [("susan", "recording.exported", "call1-1")] * 2


def test_a_hold_wants_a_reason_and_is_lifted(program: httpx.Client) -> None:
    assert program.put("/calls/call1/recording-hold", json={"on": True}).status_code == 422
    assert program.put("/calls/none/recording-hold", json={"on": True, "reason": "x"}).status_code == 404
    assert program.put("/tickets/9/recording-hold", json={"on": True, "reason": "x"}).status_code == 404
    assert program.put("/calls/call1/recording-hold", json={"on": True, "reason": "court"}).status_code == 200
    assert program.put("/calls/call1/recording-hold", json={"on": True, "reason": "court"}).status_code == 409
    assert program.get("/calls/call1").json()["hold"]["reason"] == "court"
    assert [row["held"] for row in program.get("/recordings").json()["recordings"]] == [False, True]
    assert program.put("/calls/call1/recording-hold", json={"on": False}).status_code == 200
    assert program.get("/calls/call1").json()["hold"] is None


def test_harmed_missing_and_strange_recordings_are_told_apart(
    pages: Pages, program: httpx.Client, tmp_path: Path
) -> None:
    with pages.session() as session:
        keys = {row.id: row.key for row in session.exec(select(Recording))}
    (tmp_path / "recordings" / keys["call1-1"]).unlink()
    path = tmp_path / "recordings" / keys["call2-1"]
    body = bytearray(path.read_bytes())
    body[100] ^= 1
    path.write_bytes(bytes(body))
    for name, status, code in (("call1-1", 404, "file-missing"), ("call2-1", 409, "seal-broken")):
        answer = program.get(f"/recordings/{name}/audio")
        assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert looks(pages) == []


def test_peaks_have_two_sides(program: httpx.Client) -> None:
    told = program.get("/recordings/call1-1/peaks").json()
    assert len(told["left"]) == len(told["right"]) == 600
    assert min(told["left"]) > 100


def test_alarms_are_on_the_wallboard_and_on_health(pages: Pages) -> None:
    pages.store.hset("recordings:alarms", "disk", '{"since": 1.0, "detail": "less than 512 MB free"}')
    pages.board("lines", "line1", name="line1", up=True, alarms={"recording": "not_supported"})
    with pages.browser("susan") as susan:
        for path in ("/board", "/health"):
            text = susan.get(path).text
            assert "Little room for recordings" in text
            assert "the line cannot record" in text
        assert [one["what"] for one in susan.get("/board", headers=JSON).json()["alarms"]] == [
            "disk",
            "recording",
        ]


def test_the_desk_asks_the_conductor(pages: Pages) -> None:
    pages.board("calls", "c1", id="c1", state="bridged", agent="mei")
    with pages.browser("mei") as mei:
        for path in ("/calls/c1/recording-pause", "/calls/c1/recording"):
            assert mei.put(path, json={"on": True}, headers={"accept": "application/json"}).status_code == 202
    assert [(one["type"], one["call"], one.get("paused", one.get("on"))) for one in pages.asked()] == [
        ("PauseCallRecording", "c1", True), ("RecordCall", "c1", True),
    ]  # fmt: skip


def test_an_administrator_sets_what_is_recorded(pages: Pages) -> None:
    with pages.program("admin", "root") as admin:
        _set_queue(admin)


def _set_queue(admin: httpx.Client) -> None:
    good = {
        "recording": "sample",
        "recording_share": "0.25",
        "recording_days": "90",
        "recording_on_hold": "true",
        "recording_notice": "-",
    }
    assert admin.put("/queues/default", json={**good, "version": 1}).status_code == 200
    queue = admin.get("/queues/default").json()["queue"]
    assert (queue["recording"], queue["recording_share"], queue["recording_days"]) == ("sample", 0.25, 90)
    wrong = {"recording": "some", "recording_share": 2, "recording_days": 0, "recording_on_hold": "maybe"}
    assert set(admin.put("/queues/default", json={**wrong, "version": 2}).json()["fields"]) == set(wrong)
