"""Recordings between spool and file store: each step survives a kill, nothing is cut, swapped or forgotten."""

import hashlib
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import db
from callcenter.recordings import keeping, seal, sound, vault
from callcenter.recordings.models import Recording, RecordingHold, RecordingReport
from callcenter.recordings.store import FileMissing, Folder
from callcenter.settings import Settings
from tests import recorded
from workers import place, records

NOW = recorded.AT + timedelta(hours=1)
STEPS = ("compressed", "sealed", "put", "committed", "cleared")


def row_of(engine: Engine, name: str = "call1-1") -> Recording:
    with db.read(engine) as session:
        row = session.get(Recording, name)
    assert row
    return row


def audio(held: vault.Vault, row: Recording) -> bytes:
    file, opened = vault.open_sealed(held, row)
    with file:
        return b"".join(opened.whole())


def test_a_segment_goes_from_the_spool_into_the_store(engine: Engine, tmp_path: Path) -> None:
    held, spool = recorded.vault(tmp_path), recorded.spooled(engine, tmp_path)
    assert vault.take_in(engine, held, "call1-1", NOW) == "stored"
    row = row_of(engine)
    assert (row.state, row.agent, row.channels, round(row.seconds)) == ("stored", "anna", 2, 2)
    heard = audio(held, row)
    assert heard.startswith(b"fLaC")
    assert hashlib.sha256(heard).hexdigest() == row.sha256
    assert b"fLaC" not in (tmp_path / "recordings" / row.key).read_bytes()
    assert not spool.exists()
    assert not spool.with_suffix(".json").exists()
    assert len(row.peaks) == 2 * sound.BUCKETS
    assert vault.take_in(engine, held, "call1-1", NOW) == "stored"


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost(step: str, database: str, engine: Engine, tmp_path: Path) -> None:
    spool = recorded.spooled(engine, tmp_path)
    program = f"""
import os, signal
from pathlib import Path
from callcenter import db
from callcenter.recordings import vault
from tests import recorded
def reach(step):
    if step == {step!r}:
        os.kill(os.getpid(), signal.SIGKILL)
vault.take_in(db.connect({database!r}), recorded.vault(Path({str(tmp_path)!r})), "call1-1", recorded.AT, reach)
"""
    died = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "TMPDIR": str(tmp_path)}, timeout=120
    )
    assert died.returncode == -signal.SIGKILL
    assert spool.exists() or row_of(engine).state == "stored"
    held = recorded.vault(tmp_path)
    assert vault.take_in(engine, held, "call1-1", NOW) == "stored"
    assert vault.verify(held, row_of(engine))
    assert not spool.exists()
    assert list(held.files.keys()) == [row_of(engine).key]


def test_a_full_disk_keeps_the_spool_and_raises_an_alarm(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    class Full(Folder):
        def put(self, key: str, source: Path) -> None:
            raise OSError(28, "No space left on device")

    spool = recorded.spooled(engine, tmp_path)
    at = place.enter(settings)
    try:
        object.__setattr__(at, "vault", vault.Vault(Full(tmp_path / "full"), at.vault.keys))
        with pytest.raises(OSError, match="No space"):
            records.store("call1-1")
        assert spool.exists()
        assert (row_of(engine).state, row_of(engine).tries) == ("spooled", 1)
        assert b"No space" in at.store.hget("recordings:alarms", "storing")
        object.__setattr__(at, "vault", recorded.vault(tmp_path))
        records.round("tend", 1)
        assert row_of(engine).state == "stored"
        assert at.store.hget("recordings:alarms", "storing") is None
    finally:
        place.leave()


def test_a_spool_file_that_is_no_sound_or_gone_is_given_up_in_the_end(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    recorded.spooled(engine, tmp_path).write_bytes(b"RIFFnonsense")
    recorded.spooled(engine, tmp_path, "call2-1").unlink()
    place.enter(settings)
    try:
        for name, error in (("call1-1", sound.NotSound), ("call2-1", FileNotFoundError)):
            for _ in range(records.ENOUGH):
                with pytest.raises(error):
                    records.store(name)
            records.store(name)
    finally:
        place.leave()
    assert (row_of(engine).state, row_of(engine, "call2-1").state) == ("failed", "missing")


@pytest.mark.parametrize("harm", ["flipped", "cut", "cut at a chunk", "longer", "swapped"])
def test_a_harmed_file_is_not_played(harm: str, engine: Engine, tmp_path: Path) -> None:
    held = recorded.vault(tmp_path)
    for name in ("call1-1", "call1-2"):
        recorded.spooled(engine, tmp_path, name, seconds=20)
        vault.take_in(engine, held, name, NOW)
    row, other = row_of(engine), row_of(engine, "call1-2")
    path = tmp_path / "recordings" / row.key
    body = bytearray(path.read_bytes())
    assert len(body) > seal.CHUNK
    match harm:
        case "flipped":
            body[len(body) // 2] ^= 1
        case "cut":
            del body[-100:]
        case "cut at a chunk":
            del body[seal.HEADER + seal.CHUNK + seal.TAG :]
        case "longer":
            body += bytes(200)
        case "swapped":
            body = bytearray((tmp_path / "recordings" / other.key).read_bytes())
    path.write_bytes(bytes(body))
    with pytest.raises(seal.SealBroken):
        vault.verify(held, row)


def test_keys_are_rotated_and_a_strange_key_opens_nothing(engine: Engine, tmp_path: Path) -> None:
    recorded.spooled(engine, tmp_path)
    held = recorded.vault(tmp_path)
    vault.take_in(engine, held, "call1-1", NOW)
    key_file = tmp_path / seal.KEY_FILE
    assert key_file.stat().st_mode & 0o777 == 0o600
    old = key_file.read_text()
    key_file.unlink()
    strange = recorded.vault(tmp_path)
    with pytest.raises(seal.KeyUnknown):
        vault.verify(strange, row_of(engine))
    key_file.write_text(key_file.read_text() + old)
    rotated = recorded.vault(tmp_path)
    assert vault.verify(rotated, row_of(engine))
    recorded.spooled(engine, tmp_path, "call2-1")
    vault.take_in(engine, rotated, "call2-1", NOW)
    assert row_of(engine, "call2-1").key_id == strange.keys.current != row_of(engine).key_id


def test_retention_deletes_what_is_past_its_time_and_not_held(
    settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    for name, days in (("past-1", 1), ("kept-1", 36500), ("held-1", 1)):
        recorded.spooled(engine, tmp_path, name, days=days)
    at = place.enter(settings)
    try:
        for name in ("past-1", "kept-1", "held-1"):
            vault.take_in(engine, at.vault, name, NOW)
        with db.write(engine) as session:
            session.add(RecordingHold(kind="call", ref="held", by="chef", at=NOW))
        records.round("retention", 1)
        states = [row_of(engine, name).state for name in ("past-1", "kept-1", "held-1")]
        assert states == ["deleted", "stored", "stored"]
        assert len(list(at.vault.files.keys())) == 2
    finally:
        place.leave()


def test_rows_and_files_are_reconciled_in_both_directions(engine: Engine, tmp_path: Path) -> None:
    held = recorded.vault(tmp_path)
    for name in ("lost-1", "fine-1"):
        recorded.spooled(engine, tmp_path, name)
        vault.take_in(engine, held, name, NOW)
    kept = (tmp_path / "recordings" / row_of(engine, "lost-1").key).read_bytes()
    held.files.delete(row_of(engine, "lost-1").key)
    (tmp_path / "recordings" / "stranger.ccr").write_bytes(b"?")
    spool = tmp_path / "line" / "line1" / "recordings"
    for name in ("adopted-1", "nobody"):
        path = recorded.wav(spool / f"{name}.wav")
        os.utime(path, (0, 0))
    (spool / "nobody.json").unlink()
    report = keeping.reconcile(engine, held, [spool], NOW)
    assert (report.missing, report.adopted, report.quarantined) == (1, 1, 2)
    assert row_of(engine, "lost-1").state == "missing"
    assert row_of(engine, "fine-1").state == "stored"
    assert row_of(engine, "adopted-1").state == "spooled"
    assert (spool / "quarantine" / "nobody.wav").exists()
    assert max(held.files.keys()) == "quarantine/stranger.ccr"
    path = tmp_path / "recordings" / row_of(engine, "lost-1").key
    path.write_bytes(kept)
    again = keeping.reconcile(engine, held, [spool], NOW)
    assert (again.missing, again.adopted, again.quarantined) == (0, 1, 0)
    assert row_of(engine, "lost-1").state == "stored"
    with db.read(engine) as session:
        assert len(session.exec(select(RecordingReport)).all()) == 2


def test_a_missing_file_says_so(engine: Engine, tmp_path: Path) -> None:
    held = recorded.vault(tmp_path)
    recorded.spooled(engine, tmp_path)
    vault.take_in(engine, held, "call1-1", NOW)
    held.files.delete(row_of(engine).key)
    with pytest.raises(FileMissing):
        vault.verify(held, row_of(engine))
