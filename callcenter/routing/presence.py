"""Agents come, go, choose a status; phones register; pages open and fall silent; the directory changes. No I/O."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from callcenter import commands, events
from callcenter.routing import agents, endings, offers, parties, plans, rules, steering
from callcenter.routing.board import RULES, Agent, Call, Queue
from callcenter.routing.plans import LiveCalendar, Published
from callcenter.routing.step import Step

STATUSES = ("available", "not_ready", "break")


@dataclass(frozen=True, slots=True)
class Person:
    """An agent as the record knows him. `fixed`: the phone has an address of its own and does not register."""

    name: str
    display: str = ""
    phone: str = ""
    role: str = "agent"
    fixed: bool = False
    queues: tuple[str, ...] = ()
    skills: dict[str, int] = field(default_factory=dict)
    remote_answer: bool = False


@dataclass(frozen=True, slots=True)
class DirectoryRead:
    """Users, queues, published plans and calendars as the record has them now; a queue's counters here are not looked
    at."""

    people: tuple[Person, ...] = ()
    queues: tuple[Queue, ...] = field(default=())
    plans: tuple[Published, ...] = ()
    calendars: tuple[LiveCalendar, ...] = ()


def sign_in(step: Step, asked: commands.SignIn) -> None:
    """At the desk, not ready yet. Signing in twice changes nothing."""
    agent = _asked(step, asked.agent, asked)
    if agent is not None and agent.status == "signed_out":
        _choose(step, agent, "not_ready", "")
        agent.hand = agent.hand_by = ""
        agent.pauses, agent.paused = [], ""
        agent.desk, agent.desk_missing = False, 0.0
        agent.misses = agent.errors = 0


def sign_out(step: Step, asked: commands.SignOut) -> None:
    """No more calls; a conversation goes on, an offer and a wrap-up end."""
    agent = _asked(step, asked.agent, asked)
    if agent is not None and agent.status != "signed_out":
        _choose(step, agent, "signed_out", "")
        agent.pauses, agent.paused, agent.desk = [], "", False


def set_status(step: Step, asked: commands.SetStatus) -> None:
    """Available withdraws the platform's pause for missed calls."""
    agent = _asked(step, asked.agent, asked)
    if agent is None:
        return
    if asked.status not in STATUSES or agent.status == "signed_out":
        step.refuse(
            asked.by or asked.agent,
            asked,
            "wrong-state" if asked.status in STATUSES else "invalid-input",
        )
        return
    _choose(step, agent, asked.status, asked.reason)
    if step.by != agent.name:
        steering.chose(step, agent, step.by)
    else:
        agent.hand = agent.hand_by = ""
    if asked.status == "available":
        agents.resume(agent, "missed_calls", *(("phone_lost",) if agent.reachable else ()))
        agent.misses = agent.errors = 0


def phone(step: Step, event: events.PhoneRegistered | events.PhoneUnregistered) -> None:
    """A phone came to, or left, a line."""
    for found in list(step.board.agents.values()):
        if found.phone != event.phone or found.fixed:
            continue
        agent = step.agent(found.name) or found
        there = [name for name in agent.lines if name != event.line]
        agent.lines = [*there, event.line] if isinstance(event, events.PhoneRegistered) else there
        agents.look(step, agent)


def look_at_all(step: Step) -> None:
    """A line came or went: see again whose phone can ring."""
    for name in list(step.board.agents):
        agent = step.agent(name)
        if agent is not None:
            agents.look(step, agent)


def desks(step: Step, here: AbstractSet[str]) -> None:
    """Whose page is open. Who had one open and lost it gets no more calls until it is back; a sign-in by another
    system has none, and needs none."""
    for found in step.board.agents.values():
        there = found.name in here
        settled = found.desk and not found.desk_missing and "desk_lost" not in found.pauses
        if found.status == "signed_out" or (there and settled):
            continue
        if not there and not found.desk:
            continue
        if not there and found.desk_missing and step.now - found.desk_missing < rules.DESK_GRACE:
            continue
        if "desk_lost" in found.pauses and not there:
            continue
        _desk(step.agent(found.name) or found, there, step.now)


def read(step: Step, directory: DirectoryRead) -> None:
    """Take users and queues over; who is no user any more leaves when the present call is over."""
    _read_queues(step, directory.queues)
    _read_plans(step, directory)
    known = {person.name for person in directory.people}
    for person in directory.people:
        if person.name not in step.board.agents:
            step.board.agents[person.name] = Agent(person.name)
        agent = step.agent(person.name)
        assert agent is not None
        _read_person(step, agent, person)
    for name in [name for name in step.board.agents if name not in known]:
        agent = step.agent(name)
        if agent is not None:
            _choose(step, agent, "signed_out", "")
            agent.gone = True
            if agent.activity == "idle":
                step.drop("board:agents", name)
    step.board.index_agents()
    step.time_passed = True


def _read_person(step: Step, agent: Agent, person: Person) -> None:
    if agent.phone != person.phone:
        agent.lines = []
    agent.display, agent.phone, agent.fixed = person.display, person.phone, person.fixed
    agent.queues, agent.remote_answer, agent.gone = list(person.queues), person.remote_answer, False
    agent.role, agent.skills = person.role, dict(person.skills)
    agents.look(step, agent)


def _read_queues(step: Step, queues: tuple[Queue, ...]) -> None:
    for read in queues:
        queue = step.board.queues.setdefault(read.name, Queue(read.name))
        step.queue(read.name)
        for rule in RULES:
            setattr(queue, rule, getattr(read, rule))
    kept = {queue.name for queue in queues}
    for name in [name for name in step.board.queues if name not in kept]:
        if not step.board.lineup.get(name):
            step.drop("board:queues", name)


def _read_plans(step: Step, directory: DirectoryRead) -> None:
    """New calls follow what is published; a version that a live call began with stays until that call is over."""
    board = step.board
    used = {
        plans.key_of(call.walk.plan, call.walk.version)
        for call in board.calls.values()
        if call.walk is not None and call.state != "ended"
    }
    published = {plan.key: plan for plan in directory.plans}
    for key in [key for key in board.plans if key not in published]:
        if key in used:
            board.plans[key].current = False
            step.keep(board.plans[key])
        else:
            step.drop("board:plans", key)
    for plan in published.values():
        if board.plans.get(plan.key) != plan:
            board.plans[plan.key] = plan
            step.keep(plan)
    calendars = {one.name: one for one in directory.calendars}
    for name in [name for name in board.calendars if name not in calendars]:
        step.drop("board:calendars", name)
    for calendar in calendars.values():
        if board.calendars.get(calendar.name) != calendar:
            board.calendars[calendar.name] = calendar
            step.keep(calendar)


def _choose(step: Step, agent: Agent, status: str, reason: str) -> None:
    """A person chose; what stands in the way of the choice ends without a miss."""
    agent.reason = reason
    if status == agent.status:
        return
    agent.status, agent.status_since = status, step.now
    if status == "available":
        agent.idle_since = step.now
        return
    call: Call | None = step.board.calls.get(agent.call)
    if call is not None and call.offer and call.agent == agent.name:
        offers.turn_down(step, call, "withdrawn")
    elif call is not None and (party := call.party_of(agent.name)) is not None and party.offer:
        parties.turn_down(step, call, party, "withdrawn")
    if status == "signed_out" and agent.activity == "wrap_up":
        endings.end_wrap_up(step, agent)


def _desk(agent: Agent, there: bool, now: float) -> None:
    if there:
        agent.desk, agent.desk_missing = True, 0.0
        agents.resume(agent, "desk_lost")
    elif not agent.desk_missing:
        agent.desk_missing = now
    else:
        agents.pause(agent, "desk_lost")


def _asked(
    step: Step, name: str, command: commands.SignIn | commands.SignOut | commands.SetStatus
) -> Agent | None:
    agent = step.agent(name)
    step.by = command.by or name
    if agent is None or agent.gone:
        step.refuse(step.by, command, "not-found")
        return None
    return agent
