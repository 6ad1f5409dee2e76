"""One input, one step over the board: what happened or what is asked, and what follows. No I/O.

`step` changes the board in memory and returns what must be written with it, all or nothing.
"""

from typing import Any

from callcenter import commands, events
from callcenter.calls import life
from callcenter.routing import (
    arrivals,
    clock,
    dialled,
    endings,
    keeping,
    lines,
    matching,
    menus,
    offers,
    parties,
    placed,
    presence,
    recording,
    releases,
    replacing,
    returning,
    rules,
    steering,
    supervision,
    sweep,
    talks,
    transfers,
    voicemail,
)
from callcenter.routing.arrivals import CallerFound
from callcenter.routing.board import Board, Call
from callcenter.routing.clock import ClockSet
from callcenter.routing.menus import ComplaintFound
from callcenter.routing.presence import DirectoryRead
from callcenter.routing.step import Effects, House, Step
from callcenter.routing.sweep import Tick

__all__ = ["CallerFound", "ClockSet", "ComplaintFound", "DirectoryRead", "Effects", "House", "Tick", "step"]


def step(board: Board, message: Any, now: float, house: House, written_at: float | None = None) -> Effects:
    """Take one line event, desk command, or input of the conductor's own (Tick, ClockSet, CallerFound,
    ComplaintFound, DirectoryRead).

    `written_at`: when the message was appended, `now` by default. Late and repeated messages change nothing.
    """
    taken = Step(board, now, house)
    if not _event(taken, message):
        _command(taken, message, now if written_at is None else written_at)
    menus.follow(taken)
    taken.look_at_agents()
    placed.start_waiting(taken)
    matching.match(taken)
    recording.follow(taken)
    return taken.effects()


def _event(step: Step, message: Any) -> bool:
    match message:
        case events.CallArrived(replaces=replaced) if replaced:
            replacing.arrive(step, message)
        case events.CallArrived():
            arrivals.arrive(step, message)
        case events.LegAnswered(leg=leg):
            _leg_answered(step, message.line, leg)
        case events.LegRinging(leg=leg, early=True):
            _early(step, leg)
        case events.LegEnded(leg=leg):
            _leg_ended(step, leg, message)
        case events.LegsBridged(leg=leg, other=other):
            _bridged(step, leg, other, message.at)
        case events.LegHeld(leg=leg, held=held):
            _held(step, leg, held)
        case events.TransferAsked():
            transfers.refer(step, message)
        case events.LegTransferred():
            _transferred(step, message)
        case events.PromptFinished(leg=leg, play=play):
            _heard(step, leg, play)
        case events.DigitPressed(leg=leg, digit=digit):
            _digit(step, leg, digit)
        case events.PhoneRegistered() | events.PhoneUnregistered():
            presence.phone(step, message)
        case events.LineStarted():
            _line_started(step, message)
        case events.LineStopped(line=line, boot=boot):
            sweep.line_stopped(step, line, boot)
        case events.RecordingStarted() | events.RecordingStopped() | events.RecordingFailed():
            recording.reported(step, message)
            voicemail.reported(step, message)
        case events.LineAlarm():
            recording.alarm(step, message.line, message.what, message.on, message.detail)
        case events.CommandRefused():
            _refused(step, message)
        case events.LineDraining():
            lines.draining(step, message)
        case events.TrunkChanged():
            lines.trunk(step, message)
        case events.LegQuality():
            lines.quality(step, message)
        case Tick():
            sweep.sweep(step, message)
        case ClockSet():
            clock.was_set(step, message)
        case CallerFound():
            arrivals.found(step, message)
        case ComplaintFound():
            menus.found(step, message)
        case DirectoryRead():
            presence.read(step, message)
        case _:
            return False
    return True


def _command(step: Step, message: Any, written_at: float) -> None:
    match message:
        case commands.SignIn():
            presence.sign_in(step, message)
        case commands.SignOut():
            presence.sign_out(step, message)
        case commands.SetStatus():
            presence.set_status(step, message)
        case commands.AnswerOffer():
            _answer_here(step, message)
        case commands.RejectOffer():
            _reject(step, message)
        case commands.HoldCall() | commands.ResumeCall() | commands.MuteCall():
            talks.command(step, message)
        case commands.PauseCallRecording():
            recording.pause(step, message)
        case commands.RecordCall():
            recording.ask(step, message)
        case commands.SendCallDigits():
            talks.digits(step, message)
        case commands.HangUpCall():
            transfers.hang_up(step, message)
        case commands.TransferCall() | commands.ConsultCall():
            transfers.begin(step, message)
        case commands.SwapCall():
            transfers.swap(step, message)
        case commands.CompleteTransfer():
            transfers.complete(step, message)
        case commands.JoinCall():
            transfers.join(step, message)
        case commands.DropParty():
            transfers.drop(step, message)
        case commands.LeaveCall():
            transfers.leave(step, message)
        case commands.AskForHelp():
            talks.help_wanted(step, message)
        case commands.ExtendWrapUp():
            talks.extend(step, message)
        case commands.FinishWrapUp():
            talks.wrapped_up(step, message)
        case commands.BindCustomer():
            talks.bind(step, message)
        case commands.PlaceCallback():
            placed.place_callback(step, message, written_at)
        case commands.Supervise():
            supervision.supervise(step, message)
        case commands.StopSupervising():
            supervision.stop(step, message)
        case commands.AssignCall():
            steering.assign(step, message)
        case commands.MoveCall():
            steering.move(step, message)
        case commands.RankCall():
            steering.rank(step, message)
        case commands.EndWrapUp():
            steering.end_wrap_up(step, message)
        case commands.CloseQueue():
            steering.close(step, message)
        case commands.HearAgain(source=source):
            for line in step.board.lines.values():
                step.order(line.name, commands.LiftBan(source))
        case commands.PlaceCall():
            dialled.place(step, message)
        case commands.PlaceSurvey():
            placed.place_survey(step, message, written_at)
        case commands.CancelAttempt():
            placed.cancel(step, message)
        case commands.SetLineDraining():
            lines.drain(step, message)
        case commands.AskLadder():
            lines.ladder(step, message)


def _answer_here(step: Step, message: commands.AnswerOffer) -> None:
    asked = parties.offered(step, message.agent, message.offer)
    if asked is None:
        offers.answer_here(step, message)
    else:
        parties.answer_here(step, message, *asked)


def _reject(step: Step, message: commands.RejectOffer) -> None:
    asked = parties.offered(step, message.agent, message.offer)
    if asked is None:
        offers.reject(step, message)
    else:
        parties.turn_down(step, *asked, "rejected")


def _held(step: Step, leg: str, held: bool) -> None:
    call = step.board.call_of(leg)
    if call is not None:
        talks.phone_held(step, call, leg, held)


def _transferred(step: Step, event: events.LegTransferred) -> None:
    call = step.board.call_of(event.leg)
    if call is not None and event.leg == call.leg:
        releases.told(step, call, event.code)


def _leg_answered(step: Step, line: str, leg: str) -> None:
    call = step.board.call_of(leg)
    if call is None:
        # It answered after we had given it up, or belongs to nobody: never leave it in silence.
        step.order(line, commands.HangUpLeg(leg, "too late"))
    elif leg == call.leg and call.leg_state != "up":
        call.leg_state = "up"
        step.keep(call)
        if call.direction == "out" and call.state == "connecting":
            placed.customer_answered(step, call)
        elif call.state == "connecting":
            offers.bridge(step, call)
    elif leg in call.parties and call.parties[leg].role == replacing.ROLE:
        replacing.take_place(step, call, call.parties[leg])
    elif leg in call.parties and menus.rings(call.parties[leg]):
        menus.answered(step, call, call.parties[leg])
    elif leg in call.parties:
        parties.answered(step, call, call.parties[leg])
    elif leg == call.agent_leg and call.state == "offered":
        if call.mode == "agent_first" and not call.answered:
            placed.agent_ready(step, call)
        else:
            offers.answered(step, call)
    elif leg == call.agent_leg and call.state == "connecting" and call.agent_leg_state != "up":
        dialled.phone_ready(step, call)


def _early(step: Step, leg: str) -> None:
    call = step.board.call_of(leg)
    if call is not None and leg == call.leg:
        dialled.early(step, call)


def _leg_ended(step: Step, leg: str, event: events.LegEnded) -> None:
    call = step.board.call_of(leg)
    if call is None:
        return
    customer = leg == call.leg
    was_up = call.leg_state == "up"
    party = call.parties.get(leg)
    step.gone(call, leg)
    at = step.at(event.at)
    if party is not None and menus.rings(party):
        menus.partner_left(step, call, party, event.outcome, at)
    elif party is not None:
        parties.left(step, call, party, event)
    elif customer and call.answered:
        if call.releasing and event.by == "remote":
            releases.gone_over(step, call)
        lost = event.outcome == "lost" or call.state == "leaving"
        outcome = endings.lost_outcome(call, at) if lost else endings.spoken_outcome(call)
        by = "customer" if event.by == "remote" else "us"
        # What we end is off the board already: a line that hangs up by itself is being stopped.
        fault = "us" if event.by == "us" else event.fault
        endings.finish(step, call, outcome, by, at, fault, event.code)
    elif not customer and call.state in life.WITH_AGENT:
        transfers.agent_left(step, call, event)
    elif not customer:
        _agent_left(step, call, event)
    elif call.direction == "out":
        call.leg_state = "up" if was_up else ""
        placed.customer_left(step, call, event)
    else:
        _caller_left(step, call, event, at)


def _caller_left(step: Step, call: Call, event: events.LegEnded, at: float) -> None:
    by = "customer" if event.by == "remote" else "us"
    if call.state == "voicemail" and voicemail.left(step, call, at):
        return
    if call.state in ("leaving", "outside"):
        outcome = call.outcome
    elif event.outcome == "lost" or event.by == "us" or (event.by == "line" and event.fault == "us"):
        outcome = "lost_by_us"
    elif event.outcome == "refused" and event.by == "line":
        outcome = "refused"
    else:
        outcome = keeping.left(step, call) or endings.abandoned(call, at)
        returning.remember(step, call, outcome)
    endings.finish(step, call, outcome, by, at, event.fault, event.code)


def _agent_left(step: Step, call: Call, event: events.LegEnded) -> None:
    if call.state == "offered":
        offers.turn_down(step, call, rules.offer_outcome(event.outcome))
    elif call.state == "connecting" and call.mode == "agent_first" and call.leg_state != "up":
        endings.finish(step, call, "cancelled", "agent", step.at(event.at))
    elif call.state == "leaving" and call.kind in dialled.PLACED:
        endings.finish(step, call, call.outcome, "us", step.at(event.at), call.fault, call.code)
    elif call.state == "connecting":
        offers.not_bridged(step, call, rules.offer_outcome(event.outcome))


def _bridged(step: Step, leg: str, other: str, at: float) -> None:
    call = step.board.call_of(leg)
    if call is None or call.state != "connecting" or call.leg_state != "up":
        # (Before its answer, what is bridged is early media.)
        return
    if {leg, other} == {call.leg, call.agent_leg}:
        talks.bridged(step, call, step.at(at))


def _heard(step: Step, leg: str, play: str) -> None:
    call = step.board.call_of(leg)
    told_to_agent = (
        call is not None and call.kind in dialled.PLACED and call.state == "leaving" and not call.answered
    )
    if call is None or leg != (call.agent_leg if told_to_agent else call.leg) or play != str(call.plays):
        return
    match call.state, call.hearing:
        case "menu", "menu":
            menus.heard(step, call)
        case "greeting", "greeting":
            arrivals.wait(step, call)
        case "queued" | "offered", "place":
            arrivals.music(step, call)
        case "voicemail", "voicemail":
            voicemail.speak(step, call)
        case "callback", "callback":
            keeping.heard(step, call)
        case "survey", "question":
            placed.asked_fully(step, call)
        case "leaving", "message":
            endings.finish(step, call, call.outcome, "us", step.now, call.fault, call.code)
        case "offered", "connecting":
            arrivals.music(step, call)


def _digit(step: Step, leg: str, digit: str) -> None:
    call = step.board.call_of(leg)
    if call is None:
        return
    step.tell(events.DigitHeard(step.now, call.id, digit, "customer" if leg == call.leg else "agent"))
    if call.kind == "survey":
        placed.key(step, call, digit)
    elif leg == call.leg and call.state == "menu":
        menus.key(step, call, digit)
    elif leg == call.leg and call.state == "callback":
        keeping.key(step, call, digit)
    elif leg == call.leg and not keeping.asked(step, call, digit):
        voicemail.key(step, call, digit)


def _line_started(step: Step, event: events.LineStarted) -> None:
    sweep.line_started(
        step,
        event.line,
        event.boot,
        driver=event.driver,
        address=event.address,
        capacity=event.capacity,
        lacks=list(event.lacks),
        former=event.former,
    )


def _refused(step: Step, event: events.CommandRefused) -> None:
    """A command that the line could not follow: its leg is gone, or this step of the flow is given up."""
    call = step.board.call_of(event.leg)
    if call is None or event.code == "stale_epoch":
        return
    if event.command in recording.COMMANDS:
        recording.refused(step, call, event)
        voicemail.refused(step, call, event.command)
        return
    if event.command == "TransferLeg" and call.releasing and event.code != "no_such_leg":
        releases.failed(step, call, "failed")
    elif event.command == "DialLeg":
        outcome = "unreachable" if event.code in ("no_phone", "no_trunk") else "failed"
        retry = event.code not in ("not_allowed", "not_supported")
        _leg_ended(
            step,
            event.leg,
            events.LegEnded(event.at, event.line, event.leg, outcome, "line", "us", retry, reason=event.code),
        )
    elif event.code == "no_such_leg" and event.command not in ("BridgeLegs", "HearLegs"):
        # (Of those two it may be the other leg that is gone.)
        step.heal("leg", event.leg, "the line does not know it any more")
        _leg_ended(step, event.leg, events.LegEnded(event.at, event.line, event.leg, "lost", "line", "us"))
    elif event.command == "AnswerLeg" and event.code == "wrong_state" and not call.answered:
        arrivals.let_go(step, call)
    elif event.command == "BridgeLegs" and call.state == "connecting" and call.leg_state == "up":
        offers.not_bridged(step, call, "device_error")
    elif (event.command == "PlayPrompts" and event.leg == call.agent_leg and call.hearing == "message") or (
        event.command == "PlayPrompts" and event.leg == call.leg and call.hearing != "music"
    ):
        _heard(step, event.leg, str(call.plays))
