"""What lines tell of themselves: draining, trunks, how a leg sounded. No I/O."""

from callcenter import commands, events
from callcenter.routing.board import Line
from callcenter.routing.step import Step


def drain(step: Step, asked: commands.SetLineDraining) -> None:
    """Let a line run empty, or take calls again; its answer is `draining`."""
    line = step.board.lines.get(asked.line)
    if line is None or not line.up or "drain" in line.lacks:
        step.refuse(asked.by, asked, "wrong-state" if line is None or not line.up else "not-supported")
        return
    step.order(line.name, commands.DrainLine(asked.draining))


def draining(step: Step, event: events.LineDraining) -> None:
    """It drains, or takes calls again; with no leg left it may be restarted."""
    line = step.board.lines.get(event.line)
    if line is not None:
        line.draining, line.legs = event.draining, event.legs
        step.keep(line)
        tell(step, line)


def tell(step: Step, line: Line) -> None:
    """Say how the line is now."""
    step.tell(events.LineChanged(step.now, line.name, line.up, line.draining, line.legs))


def trunk(step: Step, event: events.TrunkChanged) -> None:
    """A trunk went or came back."""
    line = step.board.lines.get(event.line)
    if line is not None:
        line.trunks[event.trunk] = "" if event.up else event.why or "down"
        step.keep(line)
        step.tell(events.TrunkStateChanged(step.now, event.line, event.trunk, event.up, event.why))


def ladder(step: Step, asked: commands.AskLadder) -> None:
    """Each line answers for what it kept: the record does not say which one carried a call."""
    for line in step.board.lines.values():
        if line.up:
            step.order(line.name, commands.ShowLadder(asked.call))


def quality(step: Step, event: events.LegQuality) -> None:
    """Into the call's record."""
    call = event.call or event.leg
    step.tell(
        events.CallQuality(
            at=step.at(event.at),
            call=call,
            side="customer" if event.leg == call else "agent",
            codec=event.codec,
            secure=event.secure,
            expected=event.expected,
            lost=event.lost,
            jitter=event.jitter,
            rtt=event.rtt,
            mos=event.mos,
            far_lost=event.far_lost,
        )
    )
