"""Rows and files kept in step: what lost its job, what is past its time, what has no row or no file."""

import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from callcenter import db
from callcenter.recordings import segments
from callcenter.recordings.models import Recording, RecordingHold, RecordingReport
from callcenter.recordings.vault import SUFFIX, Vault

ROUNDS = {"tend": timedelta(minutes=1), "retention": timedelta(hours=1), "reconcile": timedelta(days=1)}
"""Name of a round, the `ref` of its timer -> how long until the next."""
PATIENCE = timedelta(minutes=2)
"""How long a spooled segment may wait for its job before it counts as lost."""
LONGEST_CALL = timedelta(hours=12)
"""After which a segment that was never said to have ended is looked for."""
BATCH = 200
QUARANTINE = "quarantine"
NAMED = 50
"""Details that a report names."""


def waiting(session: Session, now: datetime, patience: timedelta = PATIENCE) -> list[str]:
    """Spooled segments whose job is late or lost."""
    late = select(Recording.id).where(
        Recording.state == "spooled", col(Recording.started_at) < now - patience
    )
    return list(session.exec(late.order_by(col(Recording.tries), col(Recording.started_at)).limit(BATCH)))


def due(session: Session, now: datetime) -> list[Recording]:
    """What is past its time and not held by its call; a complaint's hold is the caller's to ask (`held`)."""
    held_calls = select(RecordingHold.ref).where(
        RecordingHold.kind == "call", col(RecordingHold.ended_at).is_(None)
    )
    return list(
        session.exec(
            select(Recording)
            .where(
                col(Recording.state).in_(("stored", "missing")),
                col(Recording.keep_until) <= now,
                col(Recording.call_id).not_in(held_calls),
            )
            .order_by(col(Recording.keep_until))
            .limit(BATCH)
        ).all()
    )


def held(session: Session, kind: str) -> set[str]:
    """What is held: ids of calls, or of complaints."""
    return set(
        session.exec(
            select(RecordingHold.ref).where(RecordingHold.kind == kind, col(RecordingHold.ended_at).is_(None))
        ).all()
    )


def delete(engine: Engine, vault: Vault, row: Recording, now: datetime) -> None:
    """File first: a crash in between leaves a row that the next round deletes, never a file that nobody knows."""
    if row.key:
        vault.files.delete(row.key)
    with db.write(engine) as session:
        segments.deleted(session, row, now)


@dataclass
class Found:
    """What a reconcile is to write: see `RecordingReport`."""

    rows: int = 0
    files: int = 0
    missing: int = 0
    adopted: int = 0
    quarantined: int = 0
    requeued: int = 0
    details: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        if len(self.details) < NAMED:
            self.details.append(what)


def reconcile(engine: Engine, vault: Vault, spools: list[Path], now: datetime) -> RecordingReport:
    """Look at every row that should have a file and at every file that should have a row, and put both in step.

    Raises OSError when the file store cannot be listed: then nothing is called missing.
    """
    found, files = Found(), set(vault.files.keys())
    found.files = len(files)
    with db.read(engine) as session:
        stored = session.exec(select(Recording.id, Recording.key).where(Recording.state == "stored")).all()
        lost = session.exec(select(Recording).where(Recording.state == "missing")).all()
        silent = session.exec(
            select(Recording).where(
                Recording.state == "recording", col(Recording.started_at) < now - LONGEST_CALL
            )
        ).all()
    found.rows = len(stored) + len(lost)
    gone = [id_ for id_, key in stored if key not in files]
    _missing(engine, found, gone, now)
    for row in lost:
        if row.key in files:
            with db.write(engine) as session:
                segments.found_again(session, row)
            found.adopted += 1
            found.note(f"{row.id}: its file is back")
    _strangers(engine, vault, found, files - {key for _, key in stored} - {row.key for row in lost})
    _spools(engine, found, spools, now)
    for row in silent:
        with db.write(engine) as session:
            if segments.missing(
                session, row, "its end was never reported, and nothing lies in the spool", now
            ):
                found.missing += 1
                found.note(f"{row.id}: never ended")
    return _report(engine, found, now)


def _missing(engine: Engine, found: Found, gone: list[str], now: datetime) -> None:
    for id_ in gone:
        with db.write(engine) as session:
            row = session.get(Recording, id_)
            if row is not None and segments.missing(session, row, "its file is not in the file store", now):
                found.missing += 1
                found.note(f"{id_}: its file is not in the file store")


def _strangers(engine: Engine, vault: Vault, found: Found, strangers: set[str]) -> None:
    """A put whose row was never committed is stored again by its job; anything else goes aside, nothing is deleted."""
    for key in sorted(strangers):
        if key.startswith(f"{QUARANTINE}/"):
            continue
        with db.read(engine) as session:
            row = session.get(Recording, key.rpartition("/")[2].removesuffix(SUFFIX))
        if row is not None and row.state in ("recording", "spooled"):
            continue
        vault.files.move(key, f"{QUARANTINE}/{key}")
        found.quarantined += 1
        found.note(f"{key}: no row knows it; it lies in {QUARANTINE}")


def _spools(engine: Engine, found: Found, spools: list[Path], now: datetime) -> None:
    """Segments whose end nobody reported, and what a crash left behind a commit."""
    for path in sorted(wav for folder in spools for wav in folder.glob("*.wav")):
        with db.read(engine) as session:
            row = session.get(Recording, path.stem)
        if row is None or row.state == "recording":
            _adopt(engine, found, path, row, now)
        elif row.state in ("stored", "deleted"):
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)
            found.note(f"{path.name}: was stored long ago; removed from the spool")


def _adopt(engine: Engine, found: Found, path: Path, row: Recording | None, now: datetime) -> None:
    """A WAV that the line completed: its sidecar says between which legs and since when."""
    if now.timestamp() - path.stat().st_mtime < PATIENCE.total_seconds():
        return  # it may just be on its way
    try:
        sidecar = orjson.loads(path.with_suffix(".json").read_bytes())
        started = datetime.fromtimestamp(float(sidecar["started"]), now.tzinfo)
    except (OSError, ValueError, KeyError, TypeError):
        sidecar, started = {}, None
    if row is None and started is None:
        target = path.parent / QUARANTINE
        target.mkdir(exist_ok=True)
        shutil.move(path, target / path.name)
        found.quarantined += 1
        found.note(f"{path.name}: no row and no sidecar; it lies in the spool's {QUARANTINE}")
        return
    with db.write(engine) as session:
        kept = row or Recording(
            id=path.stem,
            call_id=path.stem.rpartition("-")[0],
            started_at=started or now,
            keep_until=(started or now) + timedelta(days=180),
            leg=str(sidecar.get("leg", "")),
            other=str(sidecar.get("other", "")),
        )
        kept.state, kept.spool = "spooled", str(path.absolute())
        session.add(session.merge(kept))
    found.adopted += 1
    found.requeued += 1
    found.note(f"{path.name}: taken from the spool")


def _report(engine: Engine, found: Found, now: datetime) -> RecordingReport:
    report = RecordingReport(
        at=now, rows=found.rows, files=found.files, missing=found.missing, adopted=found.adopted,
        quarantined=found.quarantined, requeued=found.requeued, details="\n".join(found.details),
    )  # fmt: skip
    with db.write(engine) as session:
        session.add(report)
    return report
