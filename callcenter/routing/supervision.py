"""A supervisor in a call: listens, whispers to the agent alone, or barges in. No I/O.

Who hears whom is `hearing.scene`'s: the customer hears a supervisor who barges, and no other. Supervision follows the call:
on hold and in a consultation the supervisor hears what the agent hears, after a transfer the new agent; it ends with
the call.
"""

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import agents, endings
from callcenter.routing.board import Agent, Call, Party
from callcenter.routing.step import Step

MODES = ("listen", "whisper", "barge")
RING = 30.0
"""Seconds that the supervisor's own phone rings."""


def supervise(step: Step, asked: commands.Supervise) -> None:
    """Begin, or change how, once the supervisor is in it."""
    call, who = step.board.calls.get(asked.call), step.agent(asked.by)
    if call is None or who is None:
        step.refuse(asked.by, asked, "not-found", asked.call)
        return
    there = party_of(call, asked.by)
    if asked.mode not in MODES:
        step.refuse(asked.by, asked, "invalid-input", call.id)
    elif there is not None:
        there.mode = asked.mode
        step.keep(call)
        _tell(step, call, there, asked.mode)
    elif code := _refusal(step, call, who):
        step.refuse(asked.by, asked, code, call.id)
    else:
        _ring(step, call, who, asked.mode)


def stop(step: Step, asked: commands.StopSupervising) -> None:
    """The supervisor leaves; the others stay as they are."""
    call = step.board.calls.get(asked.call)
    party = party_of(call, asked.by) if call is not None else None
    if call is None or party is None:
        step.refuse(asked.by, asked, "wrong-state", asked.call)
        return
    endings.end_party(step, call, party)
    _tell(step, call, party, "")


def answered(step: Step, call: Call, party: Party) -> None:
    """The supervisor's phone was taken."""
    who = step.agent(party.name)
    if who is not None:
        agents.occupy(step, who, "supervising", call.id)
    _tell(step, call, party, party.mode)


def left(step: Step, call: Call, party: Party) -> None:
    """The supervisor hung up, or never came to the phone."""
    endings.end_party(step, call, party)
    if party.state == "up":
        _tell(step, call, party, "")
    else:
        step.refuse(party.name, commands.Supervise(party.name, call.id, party.mode), "no-phone", call.id)


def party_of(call: Call, by: str) -> Party | None:
    """The party that this supervisor is."""
    return next((one for one in call.parties.values() if one.role == "supervisor" and one.name == by), None)


def _refusal(step: Step, call: Call, who: Agent) -> str:
    line = step.board.lines.get(call.line)
    if call.involves(who.name):
        return "own-call"
    if call.state not in life.WITH_AGENT or who.activity != "idle":
        return "wrong-state"
    if line is not None and "mixing" in line.lacks:
        return "not-supported"
    return "" if agents.can_be_rung(who, call.line) else "no-phone"


def _ring(step: Step, call: Call, who: Agent, mode: str) -> None:
    leg = step.house.new_id()
    call.parties[leg] = Party(
        leg,
        "supervisor",
        who.name,
        mode=mode,
        since=step.now,
        line=call.line,
        inside=True,
        until=step.now + RING,
    )
    step.board.legs[leg] = call.id
    step.keep(call)
    agents.occupy(step, who, "dialling", call.id)
    agent = step.board.agents.get(call.agent)
    order = commands.DialLeg(
        leg, phone=who.phone, caller=agent.phone if agent else "", caller_name=agent.display if agent else "",
        timeout=RING, auto_answer=who.remote_answer, call=call.id,
    )  # fmt: skip
    step.order(call.line, order)


def _tell(step: Step, call: Call, party: Party, mode: str) -> None:
    step.tell(events.CallSupervised(step.now, call.id, call.agent, party.name, mode))
