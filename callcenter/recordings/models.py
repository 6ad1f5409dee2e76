"""One row for each segment of audio, what keeps it beyond its time, and what the daily look found."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime

STATES = ("recording", "spooled", "stored", "deleted", "failed", "missing")


class Recording(SQLModel, table=True):
    """A segment: customer left, agent right, between two legs that did not change.

    `state`: recording -> spooled (a WAV lies at `spool`) -> stored (sealed, in the file store under `key`) -> deleted;
    failed: `why` says what could not be written or read; missing: the row has no file any more. `seconds` of audio of
    which `paused` are silent; `size` bytes as sealed, `sha256` of the audio before sealing; `key_id` names the key.
    `peaks`: two rows of loudness, 0 to 255, left and right, for the waveform. `tries`: how often storing failed.
    """

    __table_args__ = (
        Index("ix_recording_state_keep", "state", "keep_until"),
        Index("ix_recording_started", "started_at", "id"),
    )

    id: str = Field(primary_key=True)
    call_id: str = Field(index=True)
    line: str = ""
    leg: str = ""
    other: str = ""
    agent: str = Field(default="", index=True)
    queue: str = ""
    state: str = "recording"
    started_at: datetime = Field(sa_type=UtcDateTime)
    seconds: float = 0.0
    channels: int = 2
    paused: float = 0.0
    spool: str = ""
    key: str = ""
    format: str = ""
    size: int = 0
    sha256: str = ""
    key_id: str = ""
    peaks: bytes = b""
    days: int = 180
    keep_until: datetime = Field(sa_type=UtcDateTime)
    stored_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was deleted, or found failed or missing."""
    why: str = ""
    tries: int = 0


class RecordingHold(SQLModel, table=True):
    """Keeps what belongs to a call or a complaint beyond its time, until `ended_at`. `kind`: call | ticket."""

    id: int | None = Field(default=None, primary_key=True)
    kind: str
    ref: str = Field(index=True)
    reason: str = ""
    by: str
    at: datetime = Field(sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_by: str = ""


class RecordingReport(SQLModel, table=True):
    """What one look at rows and files found. Counts; `details` names the first of them, a line each."""

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    rows: int = 0
    files: int = 0
    missing: int = 0
    adopted: int = 0
    quarantined: int = 0
    requeued: int = 0
    details: str = ""
