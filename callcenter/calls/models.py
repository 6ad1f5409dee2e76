"""The call record: one row per conversation, and the append-only ledger of its public events."""

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from callcenter.db import UtcDateTime


class Call(SQLModel, table=True):
    """Written by the ledger process from public events; durations in seconds.

    `outcome` as in `events.CallFinished`, empty while the call is live. `evidence`: true when an agent and the
    customer really spoke (answered, bridged, talk > 0): only such a call proves a callback.
    """

    # The newest calls of one caller are read backwards, however many there are.
    __table_args__ = (
        Index("ix_call_customer_started", "customer_id", "started_at"),
        Index("ix_call_caller_started", "caller", "started_at"),
    )

    id: str = Field(primary_key=True)
    kind: str = "inbound"
    direction: str = "in"
    caller: str = ""
    caller_name: str = ""
    called: str = ""
    withheld: bool = False
    trunk: str = ""
    queue: str = Field(default="", index=True)
    customer_id: int | None = None
    ticket_id: int | None = Field(default=None, index=True)
    agent: str = Field(default="", index=True)
    """Who answered first."""
    last_agent: str = Field(default="", index=True)
    """Who had it last; the same but for a transfer."""
    transfers: int = 0
    attempt: str = Field(default="", index=True)
    started_at: datetime = Field(sa_type=UtcDateTime, index=True)
    queued_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    outcome: str = ""
    ended_by: str = ""
    fault: str = ""
    code: int = 0
    waited: float = 0.0
    talk: float = 0.0
    hold: float = 0.0
    wrap_up: float = 0.0
    mos: float = 0.0
    """How the customer's side sounded (ITU-T G.107, 1.0 to 4.5); 0 when it is not known."""
    evidence: bool = False
    disposition: str = ""
    note: str = ""
    call_back: str = ""
    """The number, E.164, that the caller chose to be rung back on."""
    last_queue: str = ""
    """The queue that it left from; `queue` is the first one that it entered."""
    imported: bool = False
    """From a file of another system's calls: it counts in history, proves nothing and owes nothing."""


class CallEvent(SQLModel, table=True):
    """A public event of a call as it stood in the stream. `entry` is the stream's id: the same event twice is one row."""

    id: int | None = Field(default=None, primary_key=True)
    entry: str = Field(unique=True)
    call_id: str = Field(index=True)
    type: str
    at: datetime = Field(sa_type=UtcDateTime)
    body: bytes


class QueueVisit(SQLModel, table=True):
    """A call in a queue that counts it: `offered` is the number of these, each with one `outcome` of `life.OUTCOMES`,
    empty while it waits. Times in milliseconds, so that sums are exact in any order.

    `slot`: the quarter of an hour, counted from 1970, in which it was offered: any zone's half hours are made of them.
    `within`: answered within the queue's T of that time.
    """

    __tablename__ = "queue_visit"
    __table_args__ = (
        Index("ix_queue_visit_slot", "slot", "queue", "outcome", "within", "waited_ms"),
        Index("ix_queue_visit_queue", "queue", "offered_at"),
    )

    call_id: str = Field(primary_key=True)
    queue: str = Field(primary_key=True)
    slot: int
    offered_at: datetime = Field(sa_type=UtcDateTime)
    outcome: str = ""
    waited_ms: int = 0
    within: bool = False
    agent: str = ""
    """Who answered."""


class AgentOffer(SQLModel, table=True):
    """A call was offered to an agent. `outcome` as in `OfferEnded`, empty while it rings. `slot`: of the call's own
    offer to its queue, else of its beginning."""

    __tablename__ = "agent_offer"
    __table_args__ = (Index("ix_agent_offer_slot", "slot", "agent", "queue", "outcome"),)

    id: str = Field(primary_key=True)
    call_id: str = ""
    queue: str = ""
    agent: str
    slot: int
    offered_at: datetime = Field(sa_type=UtcDateTime)
    outcome: str = ""


class AgentWork(SQLModel, table=True):
    """What an agent did for a call, by its end. `what`: talk (with hold) | wrap_up | transfer (gave it away).
    `queue` and `slot` are those that count the call; `queue` is empty for one that we placed.

    `first`: the first talk of this agent in this call for this queue: a conversation, which counts once however often
    the call comes back. `past`: imported, so that the time between such calls is not known.
    """

    __tablename__ = "agent_work"
    __table_args__ = (
        Index(
            "ix_agent_work_slot",
            *("slot", "queue", "agent", "what", "first", "past", "talk_ms", "hold_ms", "wrap_up_ms"),
        ),
    )

    call_id: str = Field(primary_key=True)
    agent: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    queue: str = ""
    slot: int
    first: bool = False
    past: bool = False
    talk_ms: int = 0
    hold_ms: int = 0
    wrap_up_ms: int = 0


class AgentTime(SQLModel, table=True):
    """A piece of an agent's time outside calls, within one slot. `state`: available (could be offered a call) | break |
    not_ready | paused (by the platform, or the phone cannot ring). Time with a call or in wrap-up is in `AgentWork`."""

    __tablename__ = "agent_time"
    __table_args__ = (Index("ix_agent_time_slot", "slot", "agent", "state", "ms"),)

    agent: str = Field(primary_key=True)
    at: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    slot: int
    state: str
    reason: str = ""
    ms: int


class AgentNow(SQLModel, table=True):
    """What an agent does since when, as the ledger last heard: its time is written when it ends. `state`: also busy and
    signed_out, of which no time is written."""

    __tablename__ = "agent_now"

    agent: str = Field(primary_key=True)
    since_ms: int = Field(sa_type=BigInteger)
    state: str
    reason: str = ""


class BarredCaller(SQLModel, table=True):
    """A number whose calls are refused until `until`, for good without it. Removed rows stay: who barred whom is kept."""

    __tablename__ = "barred_caller"

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(index=True)
    reason: str
    by: str
    at: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    removed_by: str = ""
