"""The way of a segment from the line's spool into the file store, and out of it to who listens."""

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Engine

from callcenter import db, events
from callcenter.recordings import seal, segments, sound
from callcenter.recordings.models import Recording
from callcenter.recordings.seal import Keys, Sealed
from callcenter.recordings.store import FileStore, Folder
from callcenter.settings import Settings

SUFFIX = ".ccr"
Reach = Callable[[str], None]
"""Told of each step that is behind us: tests kill the process there."""


@dataclass(frozen=True)
class Vault:
    """File store and keys, wired once a process."""

    files: FileStore
    keys: Keys
    form: sound.Format = "flac"


def unlock(settings: Settings) -> Vault:
    """The installation's vault. ValueError for a key that is none; OSError when the key file cannot be read."""
    return Vault(
        Folder(settings.file_store),
        seal.load(settings.data_dir, settings.recording_key),
        settings.recording_format,
    )


def key_of(row: Recording) -> str:
    """Where a segment lies: by day, so that no folder grows without bound; by id, so that the file names its row."""
    return f"{row.started_at:%Y/%m/%d}/{row.id}{SUFFIX}"


def take_in(
    engine: Engine, vault: Vault, recording: str, now: datetime, reach: Reach = lambda step: None
) -> str:
    """Verify, compress, hash, seal, store, commit, and only then remove the spool file; the state that the row is in.

    Killed at any step, the next run does the same again: the key follows from the row, a put replaces, the row moves by
    compare-and-set. Raises OSError (disk full, store away), `NotSound`, `FileNotFoundError` for a spool file that is
    not there.
    """
    with db.read(engine) as session:
        row = session.get(Recording, recording)
    if row is None or row.state != "spooled":
        if row is not None and row.state == "stored" and row.spool:
            _clear(Path(row.spool))
        return row.state if row else ""
    spool = Path(row.spool)
    with tempfile.TemporaryFile() as plain, _draft() as sealed:
        heard = sound.compress(spool, plain, vault.form)
        reach("compressed")
        plain.seek(0)
        digest = hashlib.file_digest(plain, "sha256").hexdigest()
        plain.seek(0)
        with sealed.open("wb") as target:
            size = seal.seal(plain, target, vault.keys, row.id)
        reach("sealed")
        vault.files.put(key_of(row), sealed)
    reach("put")
    with db.write(engine) as session:
        won = segments.stored(
            session, row, key_of(row), vault.form, size, digest, vault.keys.current, heard, now
        )
        if won:
            stored = events.RecordingChanged(
                now.timestamp(), row.call_id, row.id, "stored", row.agent, row.queue
            )
            db.tell(session, stored)
    reach("committed")
    if won:
        _clear(spool)
    reach("cleared")
    return "stored"


def open_sealed(vault: Vault, row: Recording) -> tuple[BinaryIO, Sealed]:
    """The stored segment, to be read anywhere. Raises FileMissing, KeyUnknown, SealBroken, OSError."""
    file = vault.files.open(row.key)
    try:
        return file, Sealed(file, vault.keys, row.id)
    except BaseException:
        file.close()
        raise


def pieces(vault: Vault, row: Recording, begin: int, end: int) -> Iterator[bytes]:
    """Bytes of the audio from `begin` up to `end`, opened for each listener anew."""
    file, opened = open_sealed(vault, row)
    with file:
        yield from opened.read(begin, end)


def verify(vault: Vault, row: Recording) -> bool:
    """Whether the stored audio is what was once heard: every tag and the hash. Raises as `open_sealed`."""
    file, opened = open_sealed(vault, row)
    digest = hashlib.sha256()
    with file:
        for piece in opened.whole():
            digest.update(piece)
    return digest.hexdigest() == row.sha256


def _clear(spool: Path) -> None:
    spool.unlink(missing_ok=True)
    spool.with_suffix(".json").unlink(missing_ok=True)


@contextlib.contextmanager
def _draft() -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(suffix=SUFFIX)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
