"""Which call is recorded, what its caller is told, how long the segments are kept, who may hear them. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

MODES = ("off", "all", "sample", "demand")
"""Of a queue: no call, every call, a share of them, or what the agent chooses in the call."""
NO_NOTICE = "-"
LEAST_MESSAGE = 1.0
"""Seconds in which somebody must speak for a message to be one."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A queue's. `share` of the calls, 0 to 1, in mode sample; `on_hold`: also while the customer hears music;
    `days` that a segment is kept."""

    mode: str = "off"
    share: float = 0.1
    on_hold: bool = False
    days: int = 180


def recorded(rule: Rule, call: str, asked: str = "") -> bool:
    """Whether this call is recorded. `asked`: on | off, what the agent chose; it counts in mode demand alone.

    The sample is drawn from the call's id: a conductor that takes over draws the same.
    """
    match rule.mode:
        case "all":
            return True
        case "sample":
            return int.from_bytes(hashlib.sha256(call.encode()).digest()[:4]) < rule.share * 2**32
        case "demand":
            return asked == "on"
    return False


def announced(mode: str, notice: str) -> bool:
    """Whether callers are told that the call may be recorded. `notice`: the queue's text, `-` for none."""
    return mode != "off" and notice.strip() != NO_NOTICE


def keep_until(started: datetime, days: int) -> datetime:
    """When a segment may go; a hold keeps it longer."""
    return started + timedelta(days=days)


def may_hear(may_all: bool, own_allowed: bool, viewer: str, agent: str) -> bool:
    """Whoever may hear all; an agent the calls he spoke in, where the centre allows it."""
    return may_all or (own_allowed and bool(viewer) and viewer == agent)
