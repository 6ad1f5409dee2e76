"""Prompts and their sounds."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime


class Prompt(SQLModel, table=True):
    """A prompt in one spoken language: `text` is spoken by the line; with `sound` (a `PromptSound`'s digest) that is
    played, and `text` only where the sound is not there. `seconds` of the sound."""

    name: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    text: str = ""
    sound: str = ""
    seconds: float = 0.0
    version: int = 1
    by: str = ""
    at: datetime = Field(sa_type=UtcDateTime)


class PromptSound(SQLModel, table=True):
    """A WAV of 16-bit PCM, 8 kHz, one channel, by the first 32 hexadecimal digits of its SHA-256: never changed."""

    digest: str = Field(primary_key=True)
    body: bytes
