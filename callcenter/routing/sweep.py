"""What must happen although nobody says so: time limits, lost lines, and healing what a crash left wrong. No I/O."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from callcenter import commands
from callcenter.routing import (
    agents,
    arrivals,
    endings,
    keeping,
    lines,
    menus,
    offers,
    parties,
    placed,
    presence,
    recording,
    releases,
    returning,
    voicemail,
)
from callcenter.routing.board import Call, Line
from callcenter.routing.step import Step

LINE_GRACE = 2.0
"""Seconds that a line's lease may be gone before its legs count as lost."""
GRACE = 3.0
"""Seconds beyond a time limit that the line itself watches over."""
LOOKUP_WITHIN = 2.0
KEEP_ENDED = 5.0
"""Seconds that an ended call stays on the board: a late or repeated message finds it ended."""
KEEP_ATTEMPTS = 86_400.0
PROBE_EVERY = 30.0
"""Seconds between two questions to the line whether a quiet leg is still there."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passed. `alive`: line -> boot id of those whose lease stands; `desks`: users whose page is open; `seen`:
    line -> when it last renewed its lease."""

    alive: Mapping[str, str] = field(default_factory=dict)
    desks: AbstractSet[str] = frozenset()
    seen: Mapping[str, float] = field(default_factory=dict)


def sweep(step: Step, tick: Tick) -> None:
    """One round. After a gap of our own (a pause, a crash) nobody is blamed for it: all leases begin anew."""
    board = step.board
    step.time_passed = True
    if step.now - board.ticked > GRACE:
        _begin_anew(step)
    board.ticked = step.now
    _lines(step, tick)
    presence.desks(step, tick.desks)
    today = step.house.day(step.now)
    for queue in list(board.queues.values()):
        if queue.day != today:
            step.queue(queue.name)
            endings.roll(step, queue)
        if board.lineup.get(queue.name):
            arrivals.tell_places(step, queue)
    for call in list(board.calls.values()):
        _call(step, call)
    for name, agent in list(board.agents.items()):
        if agent.day != today:
            agents.roll(step.agent(name) or agent, today)
        _agent(step, name)
    returning.forget(step)
    for attempt in list(board.attempts.values()):
        if attempt.state == "ended" and step.now - attempt.at > KEEP_ATTEMPTS:
            step.drop("board:attempts", attempt.attempt)


def line_started(step: Step, name: str, boot: str, former: float = 0.0, **seen: object) -> None:
    """A line is up. What an older boot of it carried is lost; its phones are kept."""
    line = step.board.lines.setdefault(name, Line(name))
    if line.boot != boot:
        lose(step, line, former)
    line.boot, line.up, line.missing_since = boot, True, 0.0
    recording.alarms_over(step, line)
    for key, value in seen.items():
        setattr(line, key, value)
    line.draining, line.legs, line.trunks = False, 0, {}
    step.keep(line)
    lines.tell(step, line)
    presence.look_at_all(step)


def line_stopped(step: Step, name: str, boot: str) -> None:
    """A line left in order; what it did not report as ended is lost."""
    line = step.board.lines.get(name)
    if line is not None and line.boot == boot:
        lose(step, line)
        _down(step, line)


def lose(step: Step, line: Line, seen: float = 0.0) -> None:
    """End every call that the line carried, when it was last `seen`: who waited, or was cut off, is owed a callback."""
    at = seen or line.missing_since or step.now
    for call in list(step.board.calls.values()):
        if call.line == line.name and call.state != "ended":
            step.heal("call", call.id, f"line {line.name} is gone")
            ended = min(step.now, max(at, call.since))
            endings.finish(step, call, endings.lost_outcome(call, ended), "us", ended, "us")


def _begin_anew(step: Step) -> None:
    for line in step.board.lines.values():
        if line.missing_since:
            line.missing_since = 0.0
            step.keep(line)
    for found in list(step.board.agents.values()):
        if found.desk_missing:
            (step.agent(found.name) or found).desk_missing = 0.0


def _lines(step: Step, tick: Tick) -> None:
    alive = tick.alive
    for line in list(step.board.lines.values()):
        if line.name in alive:
            if line.missing_since:
                line.missing_since = 0.0
                step.keep(line)
            if not line.up and alive[line.name] == line.boot:
                line.up = True
                step.keep(line)
                presence.look_at_all(step)
        elif line.up and not line.missing_since:
            line.missing_since = step.now
            step.keep(line)
        elif line.up and step.now - line.missing_since >= LINE_GRACE:
            lose(step, line, tick.seen.get(line.name, 0.0))
            _down(step, line)


def _down(step: Step, line: Line) -> None:
    line.up, line.missing_since = False, 0.0
    step.keep(line)
    lines.tell(step, line)
    presence.look_at_all(step)


def _call(step: Step, call: Call) -> None:
    now = step.now
    if call.state == "ended":
        if now - call.since > KEEP_ENDED and call.wrap_until < now:
            step.drop("board:calls", call.id)
        return
    recording.time_passed(step, call)
    parties.look_again(step, call)
    for party in list(call.parties.values()):
        if party.until and now >= party.until + GRACE:
            step.heal("party", party.leg, "the end of the ringing was not reported")
            if menus.rings(party):
                menus.partner_left(step, call, party, "no_answer", step.now)
                return
            parties.turn_down(step, call, party, "missed")
            return
    if call.until and now >= call.until + (GRACE if call.state in ("offered", "connecting") else 0.0):
        _overdue(step, call)
    elif call.state == "arriving" and now - call.since > LOOKUP_WITHIN:
        step.heal("call", call.id, "the look-up of the caller did not return")
        arrivals.found(step, arrivals.CallerFound(call.id))
    elif now - max(call.since, call.probed) > PROBE_EVERY:
        _probe(step, call)


def _overdue(step: Step, call: Call) -> None:
    match call.state:
        case "menu":
            menus.overdue(step, call)
        case "greeting":
            step.heal("call", call.id, "the end of the greeting was not reported")
            arrivals.wait(step, call)
        case "offered":
            step.heal("offer", call.offer, "its lease is over")
            offers.turn_down(step, call, "missed")
        case "connecting" if call.agent_leg_state == "up" and call.leg_state == "up":
            step.heal("call", call.id, "the line did not bridge")
            offers.not_bridged(step, call, "device_error")
        case "connecting" if call.kind == "inbound":
            step.heal("call", call.id, "the caller's side did not come up")
            endings.finish(step, call, "lost_by_us", "us", step.now, "us")
        case "connecting":
            step.heal("call", call.id, "the end of the ringing was not reported")
            endings.finish(step, call, "no_answer", "us", step.now)
        case "survey":
            placed.ask(step, call)
        case "voicemail":
            voicemail.overdue(step, call)
        case "callback":
            keeping.overdue(step, call)
        case "leaving":
            endings.finish(step, call, call.outcome, "us", step.now)
        case _ if call.releasing:
            releases.failed(step, call, "failed")
        case _:
            call.until = 0.0
            step.keep(call)


def _probe(step: Step, call: Call) -> None:
    """Repeat what stands anyway: a line that does not know the leg refuses, and the call is ended then."""
    call.probed = step.now
    step.keep(call)
    if call.leg_state == "up":
        step.order(call.line, commands.MuteLeg(call.leg, False))
    if call.agent_leg_state == "up":
        step.order(call.line, commands.MuteLeg(call.agent_leg, call.muted))
    for party in call.parties.values():
        if party.state == "up":
            step.order(call.line, commands.MuteLeg(party.leg, False))


def _agent(step: Step, name: str) -> None:
    found = step.board.agents[name]
    if found.activity == "wrap_up":
        agent = step.agent(name)
        if agent is not None and step.now >= agent.wrap_until:
            endings.end_wrap_up(step, agent)
    elif found.activity != "idle":
        call = step.board.calls.get(found.call)
        if call is None or call.state == "ended" or not call.involves(name):
            step.heal("agent", name, f"was {found.activity} without a call")
            agents.release(step, step.agent(name) or found)
