"""What happens to an agent: reserved, released, paused by the platform, reachable or not. No I/O.

Status was chosen by a person and is changed by a person only; the platform pauses, and withdraws only what it set.
"""

from callcenter.routing.board import Agent
from callcenter.routing.step import Step

SPEAKING = frozenset({"talking", "held"})


def roll(agent: Agent, day: str) -> None:
    """Begin the local day's counters."""
    agent.day, agent.taken, agent.talked = day, 0, 0.0


def occupy(step: Step, agent: Agent, activity: str, call: str) -> None:
    """The agent is busy with a call: offered | dialling | talking | held | wrap_up."""
    if agent.activity != activity:
        if agent.activity in SPEAKING:
            agent.talked += max(0.0, step.now - agent.since)
        elif activity in SPEAKING:
            agent.taken += 1
        agent.activity, agent.since = activity, step.now
    agent.call = call


def release(step: Step, agent: Agent, to_the_end: bool = True) -> None:
    """The agent is idle again; `to_the_end`: others who are idle longer come first."""
    occupy(step, agent, "idle", "")
    agent.offer = agent.wrap_call = ""
    agent.wrap_until = 0.0
    agent.help = False
    if to_the_end:
        agent.idle_since = step.now
    if agent.gone:
        step.drop("board:agents", agent.name)


def pause(agent: Agent, why: str) -> None:
    """The platform offers no more calls: missed_calls | phone_lost | desk_lost."""
    if why not in agent.pauses:
        agent.pauses.append(why)
    agent.paused = agent.pauses[0]


def resume(agent: Agent, *reasons: str) -> None:
    """Withdraw reasons of the platform's own."""
    agent.pauses = [why for why in agent.pauses if why not in reasons]
    agent.paused = agent.pauses[0] if agent.pauses else ""


def judge(step: Step, agent: Agent, outcome: str, allowed: int) -> None:
    """Count what an offer that was not answered says about the agent; pause after `allowed` misses in a row."""
    if outcome == "missed":
        agent.misses += 1
        if agent.misses >= allowed:
            pause(agent, "missed_calls")
    elif outcome == "device_error":
        agent.errors += 1
        if agent.errors >= allowed:
            pause(agent, "phone_lost")


def look(step: Step, agent: Agent) -> None:
    """Whether the phone can ring: registered with a line that is up, or at a fixed address while any is."""
    up = {line.name for line in step.board.lines.values() if line.up}
    reachable = bool(agent.phone) and bool(up if agent.fixed else up.intersection(agent.lines))
    if agent.reachable and not reachable and agent.status != "signed_out":
        pause(agent, "phone_lost")
    if reachable and not agent.reachable:
        resume(agent, "phone_lost")
        agent.errors = 0
    agent.reachable = reachable


def can_be_rung(agent: Agent | None, line: str) -> bool:
    """Whether this line reaches the agent's phone."""
    return agent is not None and agent.reachable and (agent.fixed or line in agent.lines)
