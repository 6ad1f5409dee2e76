"""A customer goes back to the system that the call came by, which rings somebody there itself: REFER out. No I/O.

Only by a trunk that says so (`release`): elsewhere the provider would not follow, or would charge for it. Agent and
customer speak on until it is known; then the call is over for us, or the agent reads why it failed and is with the
customer as before. An agent who hangs up meanwhile leaves the customer in music, in front of the queue if it fails.
"""

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import dialled, endings, parties
from callcenter.routing.board import Call
from callcenter.routing.step import Step

UNTOLD = 3.0
"""Seconds to wait for the customer's BYE when the other side never told how it went."""
_OUTCOME = {
    486: "busy",
    600: "busy",
    408: "no_answer",
    487: "no_answer",
    403: "not_allowed",
    404: "unreachable",
    480: "unreachable",
    603: "refused",
}
"""Status of the other side's call -> outcome, as of somebody who is asked."""


def possible(step: Step, call: Call) -> bool:
    """Whether the system that the customer came by takes a call back, and the line can ask for it."""
    line = step.board.lines.get(call.line)
    able = line is None or "transfer_out" not in line.lacks
    return call.direction == "in" and bool(call.trunk) and call.trunk in step.house.releasing and able


def start(step: Step, call: Call, target: str, note: str) -> str:
    """Ask the other side to ring the target; why not, or empty."""
    number = dialled.number_of(target, step.house.country)
    if not possible(step, call):
        return "not-supported"
    if any(one.role != "supervisor" for one in call.parties.values()):
        return "wrong-state"
    if not number:
        return "invalid-input"
    call.releasing, call.sent_by, call.note = number, call.agent, note[:500]
    step.keep(call)
    step.order(call.line, commands.TransferLeg(call.leg, number))
    step.tell(events.ConsultStarted(step.now, call.id, call.agent, "release", number, True))
    return ""


def told(step: Step, call: Call, code: int) -> None:
    """What came of it; 0 when the other side never said, and it is over when the customer's leg ends behind it."""
    if not call.releasing:
        return
    if 200 <= code < 300:
        gone_over(step, call)
        endings.finish(step, call, endings.spoken_outcome(call), "agent", step.now)
    elif code:
        failed(step, call, _OUTCOME.get(code, "failed"))
    else:
        call.until = step.now + UNTOLD
        step.keep(call)


def gone_over(step: Step, call: Call) -> None:
    """The other side has the customer."""
    to, call.releasing, call.until = call.releasing, "", 0.0
    by = call.agent or call.sent_by
    step.tell(events.ConsultEnded(step.now, call.id, by, to, "transferred"))
    parties.transferred(step, call, by, "number", to, "released")


def failed(step: Step, call: Call, outcome: str) -> None:
    """The customer is still here: with the agent, or alone when the agent has left."""
    to, call.releasing, call.until = call.releasing, "", 0.0
    step.tell(events.ConsultEnded(step.now, call.id, call.agent or call.sent_by, to, outcome))
    step.keep(call)
    if call.state == "transferring":
        parties.back_to_queue(step, call)
    else:
        call.sent_by = call.note = ""


def agent_leaves(step: Step, call: Call) -> bool:
    """The agent hangs up before it is known; whether this was so."""
    if not call.releasing or call.state not in life.WITH_AGENT:
        return False
    call.sent_by, call.sent = call.agent, step.now
    endings.give_up_agent(step, call)
    step.enter(call, "hand_over")
    return True
