"""Segments as a line leaves them: a WAV with a tone on each side, its row, the vault it goes into."""

import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Engine

from callcenter import db, events
from callcenter.recordings import seal, segments
from callcenter.recordings.store import Folder
from callcenter.recordings.vault import Vault
from callcenter.telephony.media.pcm import to_ulaw

RATE = 8000
LEFT, RIGHT = 440, 660
"""Hz: customer, agent."""
AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def wav(path: Path, seconds: float = 2.0) -> Path:
    """RIFF, mu-law (format 7), 8 kHz, customer left and agent right."""
    at = np.arange(int(seconds * RATE)) / RATE
    both = np.stack([0.3 * np.sin(2 * np.pi * tone * at) for tone in (LEFT, RIGHT)], axis=1)
    body = to_ulaw(both.ravel().astype(np.float32))
    head = struct.pack("<HHIIHHH", 7, 2, RATE, RATE * 2, 2, 8, 0)
    parts = ((b"fmt ", head), (b"fact", struct.pack("<I", len(body) // 2)), (b"data", body))
    riff = b"WAVE" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(riff)) + riff)
    path.with_suffix(".json").write_text('{"leg": "call1", "other": "agent1", "started": 1795338000.0}')
    return path


def vault(folder: Path) -> Vault:
    return Vault(Folder(folder / "recordings"), seal.load(folder))


def spooled(
    engine: Engine,
    folder: Path,
    name: str = "call1-1",
    agent: str = "anna",
    seconds: float = 2.0,
    days: int = 180,
) -> Path:
    """A segment whose end the line reported; its WAV."""
    path = wav(folder / "line" / "line1" / "recordings" / f"{name}.wav", seconds)
    call = name.rpartition("-")[0]
    begun = {
        "call": call,
        "recording": name,
        "agent": agent,
        "queue": "default",
        "line": "line1",
        "days": days,
    }
    told = [
        events.RecordingChanged(AT.timestamp(), **begun, state="recording", leg="call1", other="agent1"),  # type: ignore[arg-type]
        events.RecordingChanged(
            AT.timestamp() + seconds,
            call,
            name,
            "spooled",
            spool=str(path),
            started=AT.timestamp(),
            seconds=seconds,
        ),
    ]
    with db.write(engine) as session:
        for event in told:
            segments.follow(session, event)
    return path
