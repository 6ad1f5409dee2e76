"""Queues and plans as administrators keep them; the live side is `board`."""

from datetime import datetime
from typing import Any

from sqlmodel import JSON, Field, SQLModel, UniqueConstraint

from callcenter.db import UtcDateTime


class PlanRow(SQLModel, table=True):
    """A plan. `published`: the version that calls follow, 0 for none; `latest`: the newest one."""

    __tablename__ = "plan"

    name: str = Field(primary_key=True)
    label: str = ""
    published: int = 0
    latest: int = 0
    published_by: str = ""
    published_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PlanVersion(SQLModel, table=True):
    """A version, never changed: `body` as `plan_json.as_data` makes it, who wrote it and why."""

    __tablename__ = "plan_version"
    __table_args__ = (UniqueConstraint("plan", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    plan: str = Field(foreign_key="plan.name")
    version: int
    body: dict[str, Any] = Field(sa_type=JSON)
    by: str = ""
    at: datetime = Field(sa_type=UtcDateTime)
    why: str = ""


class QueueRow(SQLModel, table=True):
    """A queue and its rules. Times in seconds.

    `numbers`: called numbers (user parts) that reach it, separated by spaces; the queue named `default` takes the rest.
    """

    __tablename__ = "queue"

    name: str = Field(primary_key=True)
    label: str = ""
    numbers: str = ""
    version: int = 1
    """Counts its changes."""
    strategy: str = "longest_idle"
    """How it chooses among free agents: `rules.STRATEGIES`."""
    order: str = ""
    """Agents in their order for strategy ordered, separated by spaces; who is not named comes behind them."""
    needs: list[Any] = Field(default_factory=list, sa_type=JSON)
    """Rings of agents, [{"until": seconds, "needs": {skill: level}}, ...]: `rules.Ring`."""
    tiers: dict[str, int] = Field(default_factory=dict, sa_type=JSON)
    """Tier of a customer -> what it adds to the priority."""
    greeting: str = ""
    """Text spoken first in the default language; empty = the standard greeting, `-` = none."""
    music: str = "music:default"
    ring_time: float = 20.0
    """How long an agent's phone rings before the offer is missed."""
    wrap_up: float = 30.0
    extension_times: int = 5
    """How often an agent may lengthen one wrap-up, 0 for never."""
    extension_seconds: float = 300.0
    """By how much at most, all in all."""
    show_caller: bool = False
    """Whether a number outside to which a call is transferred sees the customer's number instead of the centre's."""
    owner_first: float = 0.0
    """How long the owner of the caller's open complaint is waited for when busy; an available owner is always first."""
    last_first: float = 0.0
    """How long the agent who spoke with the caller last is waited for when busy; 0 = the last agent is not asked first."""
    max_wait: float = 600.0
    max_length: int = 500
    overflow: str = ""
    """The queue that gets whom this one has no room, no time or nobody signed in for; empty: none."""
    most_expected: float = 0.0
    """Expected wait in seconds beyond which a caller is not let in, 0 for no bound."""
    announce_wait: bool = False
    """Whether the expected wait is told with the place."""
    announce_every: float = 30.0
    misses_allowed: int = 2
    service_level: float = 20.0
    service_target: float = 0.8
    priority: int = 0
    recording: str = "off"
    """Which calls are recorded: off | all | sample | demand (`recordings.rules`)."""
    recording_share: float = 0.1
    """Share of the calls in mode sample."""
    recording_on_hold: bool = False
    recording_days: int = 180
    """Days that its recordings are kept."""
    recording_notice: str = ""
    """What callers are told in the default language; empty = the standard sentence, `-` = nothing. Each of these texts
    may be `prompt:NAME` instead, and so may `music`."""
    sorry: str = ""
    """Told to who is sent away."""
    callback: bool = False
    """Whether who waits may keep the place and be rung back."""
    callback_key: str = "1"
    """By which who waits asks for it."""
    callback_every: float = 45.0
    """How often who waits is told of the key."""
    callback_from: float = 0.0
    """Expected wait (s) from which it is told of; 0 = always."""
    callback_mode: str = ""
    """Whose phone rings first in its callbacks: customer_first | agent_first, empty as everywhere."""
    voicemail: str = "off"
    """Who may leave a message: off | closed | full | always (`voicemail.MODES`)."""
    voicemail_key: str = "2"
    """By which who waits asks for it."""
    voicemail_every: float = 45.0
    """How often who waits is told of the key."""
    voicemail_seconds: float = 120.0
    """The longest message."""
    voicemail_greeting: str = ""
    voicemail_goodbye: str = ""
