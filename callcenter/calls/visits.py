"""Rows that figures are counted from: a call in a queue, an offer to an agent, what an agent did for a call, and the
time between.

Each is known by its own name (call and queue; offer; call, agent, end), so an event that comes twice, late, or in
another order changes nothing that stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, select

from callcenter import db, events
from callcenter.calls.models import AgentNow, AgentOffer, AgentTime, AgentWork, QueueVisit

SLOT = 900
"""Seconds of a slot: every zone in use is a multiple of it away from UTC, so half hours anywhere are two of them."""
Row = dict[str, Any]


def record(session: Session, told: Sequence[Any]) -> None:
    """Write the rows of a batch of public events, a few statements for all of them."""
    found = _Rows()
    for event in told:
        found.take(event)
    db.put(session, QueueVisit, found.entered)
    db.put(session, QueueVisit, found.left, ("outcome", "waited_ms", "within", "agent", "slot", "offered_at"))
    db.put(session, AgentOffer, found.offered, ("queue", "slot", "offered_at"))
    db.put(session, AgentOffer, found.ended, ("outcome",))
    _mark_first(session, found.work)
    db.put(session, AgentWork, found.work)
    _pass_time(session, found.changed)


def slot_of(at: float) -> int:
    """The slot that an instant lies in."""
    return int(at // SLOT)


def in_ms(seconds: float) -> int:
    """Whole milliseconds."""
    return round(seconds * 1000)


def state_of(event: events.AgentChanged) -> str:
    """What the agent's time counts as from now on: busy | signed_out, or a state of `AgentTime`."""
    if event.activity != "idle":
        return "busy"
    if event.status != "available":
        return event.status
    return "available" if event.reachable and not event.paused else "paused"


def pieces(begin: int, end: int) -> list[tuple[int, int]]:
    """A time in milliseconds, cut where slots begin."""
    found = []
    while begin < end:
        cut = min(end, (begin // (SLOT * 1000) + 1) * SLOT * 1000)
        found.append((begin, cut))
        begin = cut
    return found


def work(call: str, agent: str, what: str, at: datetime, queue: str, slot: int, **spent: Any) -> Row:
    """A row of `AgentWork`; `spent` in milliseconds."""
    none = {"first": False, "past": False, "talk_ms": 0, "hold_ms": 0, "wrap_up_ms": 0}
    named = {"call_id": call, "agent": agent, "what": what, "at": at, "queue": queue, "slot": slot}
    return {**named, **none, **spent}


@dataclass(slots=True)
class _Rows:
    """What a batch of events asks to be written."""

    entered: list[Row] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)
    offered: list[Row] = field(default_factory=list)
    ended: list[Row] = field(default_factory=list)
    work: list[Row] = field(default_factory=list)
    changed: list[events.AgentChanged] = field(default_factory=list)

    def take(self, event: Any) -> None:
        match event:
            case events.CallQueued():
                self.entered.append(_visit(event.call, event.queue, event.at))
            case events.QueueLeft():
                self.left.append(_left(event))
            case events.CallOffered():
                self.offered.append(_offer(event, event.queue, event.counted_at or event.at))
            case events.OfferEnded():
                self.ended.append({**_offer(event, "", event.at), "outcome": event.outcome})
            case events.CallHandled():
                self._work(event, "talk", talk_ms=in_ms(event.talk), hold_ms=in_ms(event.hold))
            case events.WrapUpEnded() if event.offered:
                self._work(event, "wrap_up", wrap_up_ms=in_ms(event.seconds))
            case events.CallTransferred() if event.offered and event.agent:
                self._work(event, "transfer")
            case events.AgentChanged():
                self.changed.append(event)

    def _work(self, event: Any, what: str, **spent: int) -> None:
        slot = slot_of(event.offered)
        self.work.append(work(event.call, event.agent, what, _time(event.at), event.queue, slot, **spent))


def _visit(call: str, queue: str, at: float) -> Row:
    none = {"outcome": "", "waited_ms": 0, "within": False, "agent": ""}
    return {"call_id": call, "queue": queue, "slot": slot_of(at), "offered_at": _time(at), **none}


def _left(event: events.QueueLeft) -> Row:
    return {
        **_visit(event.call, event.queue, event.entered),
        "outcome": event.outcome,
        "waited_ms": in_ms(event.waited),
        "within": event.outcome == "answered" and event.waited <= event.target,
        "agent": event.agent,
    }


def _offer(event: Any, queue: str, counted_at: float) -> Row:
    named = {"id": event.offer, "call_id": event.call, "agent": event.agent, "queue": queue}
    return {**named, "slot": slot_of(counted_at), "offered_at": _time(event.at), "outcome": ""}


def _mark_first(session: Session, rows: list[Row]) -> None:
    """Which talks begin a conversation: the first of an agent in a call for a queue."""
    talks = [row for row in rows if row["what"] == "talk"]
    if not talks:
        return
    there = select(AgentWork.call_id, AgentWork.agent, AgentWork.queue).where(
        col(AgentWork.call_id).in_({row["call_id"] for row in talks}), AgentWork.what == "talk"
    )
    known = {tuple(row) for row in session.exec(there).all()}
    for row in talks:
        key = (row["call_id"], row["agent"], row["queue"])
        row["first"] = key not in known
        known.add(key)


def _pass_time(session: Session, changed: list[events.AgentChanged]) -> None:
    """Write the time that has passed; an event from before the last one changes nothing."""
    names = {event.agent for event in changed}
    if not names:
        return
    there = session.exec(select(AgentNow).where(col(AgentNow.agent).in_(names))).all()
    now = {row.agent: (row.since_ms, row.state, row.reason) for row in there}
    passed: list[Row] = []
    for event in changed:
        state, at = state_of(event), in_ms(event.at)
        reason = event.reason if state == "break" else ""
        since, before, why = now.get(event.agent, (at, "", ""))
        if at < since or (state, reason) == (before, why):
            continue
        now[event.agent] = (at, state, reason)
        if before not in ("", "busy", "signed_out"):
            passed += times(event.agent, before, why, since, at)
    db.put(session, AgentTime, passed)
    kept = [
        {"agent": name, "since_ms": since, "state": state, "reason": reason}
        for name, (since, state, reason) in now.items()
    ]
    db.put(session, AgentNow, kept, ("since_ms", "state", "reason"))


def times(agent: str, state: str, reason: str, begin: int, end: int) -> list[Row]:
    """Rows of `AgentTime` for a time in milliseconds."""
    return [
        {
            "agent": agent,
            "at": _time(one / 1000),
            "slot": one // (SLOT * 1000),
            "state": state,
            "reason": reason,
            "ms": until - one,
        }
        for one, until in pieces(begin, end)
    ]


def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
