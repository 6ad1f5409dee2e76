"""What becomes of a conversation when it is given away: by the desk, by the phone, in every state."""

from collections.abc import AsyncIterator

import pytest
from rq import Queue as Jobs
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, events
from callcenter.calls.models import Call
from callcenter.people.models import QueueMember, User
from callcenter.routing.models import QueueRow
from callcenter.settings import Settings
from tests.switchboard import Switchboard, conducting, switchboard, until

CUSTOMER, OUTSIDE = "+8613800000001", "+8613700000003"


@pytest.fixture
async def place(settings: Settings, engine: Engine) -> AsyncIterator[Switchboard]:
    async with switchboard(settings, engine) as made:
        made.seed("ann", "ben")
        made.outside.phones[OUTSIDE] = "ring"
        async with conducting(made.settings, made.engine):
            await made.ready("ann", behaviour="ring")
            await made.ready("ben", behaviour="ring")
            made.ask(commands.SetStatus("ben", "not_ready"))
            await made.board_when(lambda board: board.agents["ben"].status == "not_ready")
            yield made


async def talk(place: Switchboard, agent: str = "ann") -> str:
    """A customer who speaks with this agent."""
    call = place.outside.ring(CUSTOMER)
    assert call
    await rings(place, agent, answered=True)
    assert (await place.hears(events.CallAnswered, call=call)).agent == agent
    return call


async def rings(place: Switchboard, party: str, answered: bool = False) -> str:
    """The leg that rings there."""

    def ringing() -> list[str]:
        return [leg for leg, one in place.line.all.items() if one.party == party and one.state == "ringing"]

    leg = (await until(ringing))[0]
    if answered:
        place.outside.answer(leg)
    return leg


async def hears(place: Switchboard, leg: str, *others: str) -> None:
    """The line lets it hear these parties."""

    def so() -> bool:
        heard = place.line.all[leg].hears if leg in place.line.all else frozenset()
        return {place.line.all[one].party for one in heard if one in place.line.all} == set(others)

    await until(so)


def party(place: Switchboard, name: str) -> str:
    return next(leg for leg, one in place.line.all.items() if one.party == name)


async def recorded(place: Switchboard, call: str) -> Call:
    def ended() -> Call | None:
        with db.read(place.engine) as session:
            return session.exec(select(Call).where(Call.id == call, Call.outcome != "")).first()

    found = await until(ended)
    assert found is not None
    return found


async def test_blind_to_an_agent(place: Switchboard) -> None:
    call = await talk(place)
    place.ask(commands.TransferCall("ann", call, "agent", "ben", "wants the contract"))
    offer = await place.hears(events.CallOffered, agent="ben")
    assert (offer.call, offer.sent_by, offer.note) == (call, "ann", "wants the contract")
    await hears(place, call)
    await rings(place, "ben", answered=True)
    given = await place.hears(events.CallTransferred, call=call)
    assert (given.agent, given.kind, given.to, given.how) == ("ann", "agent", "ben", "blind")
    assert (await place.hears(events.CallTakenOver, call=call)).agent == "ben"
    await hears(place, call, "ben")
    await until(lambda: "ann" not in {one.party for one in place.line.all.values()})
    await place.board_when(lambda board: board.agents["ann"].activity == "idle")
    place.outside.hang_up(call)
    row = await recorded(place, call)
    assert (row.agent, row.last_agent, row.transfers, row.outcome) == ("ann", "ben", 1, "answered")


@pytest.mark.parametrize(
    ("behaviour", "outcome"), [(486, "busy"), (603, "refused"), (480, "unreachable"), (404, "unreachable")]
)
async def test_a_target_that_cannot_be_had(place: Switchboard, behaviour: int, outcome: str) -> None:
    call = await talk(place)
    place.outside.phones[OUTSIDE] = behaviour
    place.ask(commands.TransferCall("ann", call, "number", OUTSIDE))
    ended = await place.hears(events.ConsultEnded, call=call)
    assert (ended.agent, ended.to, ended.outcome) == ("ann", OUTSIDE, outcome)
    await hears(place, call, "ann")
    assert not place.told(events.CallTransferred)


async def test_consult_swap_and_complete(place: Switchboard) -> None:
    call = await talk(place)
    place.ask(commands.ConsultCall("ann", call, "agent", "ben"))
    await rings(place, "ben", answered=True)
    await place.hears(events.ConsultAnswered, call=call)
    ann, ben = party(place, "ann"), party(place, "ben")
    await hears(place, ann, "ben")
    await hears(place, call)
    place.ask(commands.SwapCall("ann", call))
    await hears(place, ann, CUSTOMER)
    await hears(place, ben)
    place.ask(commands.SwapCall("ann", call))
    await hears(place, ann, "ben")
    place.ask(commands.CompleteTransfer("ann", call))
    await hears(place, call, "ben")
    assert (await place.hears(events.CallTransferred, call=call)).how == "attended"
    place.outside.hang_up(ben)
    finished = await place.hears(events.CallFinished, call=call)
    assert (finished.agent, finished.last_agent, finished.ended_by) == ("ann", "ben", "agent")
    assert finished.hold > 0


async def test_hanging_up_the_phone_completes(place: Switchboard) -> None:
    """Also while it rings; and when nobody takes it then, the customer is in front of the queue."""
    call = await talk(place)
    place.ask(commands.ConsultCall("ann", call, "agent", "ben"))
    ben = await rings(place, "ben")
    place.outside.hang_up(party(place, "ann"))
    await place.board_when(lambda board: board.calls[call].state == "transferring")
    place.ask(commands.SetStatus("ann", "break"))
    place.outside.no_answer(ben)
    assert (await place.hears(events.ConsultEnded, call=call)).outcome == "no_answer"
    board = await place.board_when(lambda board: board.calls[call].state == "queued")
    assert board.calls[call].queued == (await place.hears(events.CallAnswered)).at - (
        place.told(events.CallAnswered)[0].waited
    )
    place.ask(commands.SetStatus("ben", "available"))
    await rings(place, "ben", answered=True)
    assert (await place.hears(events.CallTakenOver, call=call)).agent == "ben"
    await hears(place, call, "ben")


async def test_consult_and_back(place: Switchboard) -> None:
    """Dropped, hung up by the one who was asked: back to the customer."""
    call = await talk(place)
    for outcome in ("dropped", "hung_up"):
        place.ask(commands.ConsultCall("ann", call, "number", OUTSIDE))
        leg = await rings(place, OUTSIDE, answered=True)
        await hears(place, leg, "ann")
        if outcome == "dropped":
            place.ask(commands.DropParty("ann", call))
        else:
            place.outside.hang_up(leg)
        await place.hears(events.ConsultEnded, call=call, outcome=outcome)
        await hears(place, call, "ann")


async def test_conference_and_the_agent_leaves(place: Switchboard) -> None:
    call = await talk(place)
    place.ask(commands.ConsultCall("ann", call, "number", OUTSIDE))
    guest = await rings(place, OUTSIDE, answered=True)
    await place.hears(events.ConsultAnswered)
    place.ask(commands.JoinCall("ann", call))
    await hears(place, call, "ann", OUTSIDE)
    await hears(place, guest, "ann", CUSTOMER)
    await hears(place, party(place, "ann"), CUSTOMER, OUTSIDE)
    place.ask(commands.LeaveCall("ann", call))
    await hears(place, call, OUTSIDE)
    board = await place.board_when(lambda board: board.calls[call].state == "outside")
    assert board.agents["ann"].activity == "idle"
    place.outside.hang_up(guest)
    finished = await place.hears(events.CallFinished, call=call)
    assert (finished.ended_by, finished.last_agent, finished.transfers) == ("guest", "ann", 1)
    await until(lambda: not place.line.all)


async def test_to_a_queue_by_age(place: Switchboard) -> None:
    """The caller keeps the clock and is served before who came later; the first agent gets wrap-up."""
    with db.write(place.engine) as session:
        session.add(QueueRow(name="billing", greeting="-", wrap_up=0.0, announce_every=0.0))
    place.ask(commands.ReloadDirectory())
    await place.board_when(lambda board: "billing" in board.queues)
    call = await talk(place)
    queued = (await place.board_when(lambda board: board.calls[call].answered)).calls[call].queued
    place.ask(commands.TransferCall("ann", call, "queue", "billing", "the invoice"))
    board = await place.board_when(lambda board: board.queues["billing"].waiting == 1)
    assert (board.calls[call].queued, board.calls[call].sent_by) == (queued, "ann")
    assert (board.queues["billing"].offered, board.queues["default"].answered) == (1, 1)
    place.outside.hang_up(call)
    row = await recorded(place, call)
    board = await place.board_when(lambda board: board.queues["billing"].waiting == 0)
    assert (board.queues["billing"].short_abandon, board.queues["default"].offered) == (1, 1)
    assert (row.outcome, row.queue, row.transfers, row.last_agent) == ("answered", "default", 1, "ann")


async def test_each_queue_counts_a_caller_once(place: Switchboard) -> None:
    """Answered in one, and in the next; back in the first it is not counted again."""
    with db.write(place.engine) as session:
        session.add(QueueRow(name="billing", greeting="-", wrap_up=0.0, announce_every=0.0))
        ben = session.exec(select(User).where(User.name == "ben")).one()
        assert ben.id
        session.add(QueueMember(user_id=ben.id, queue="billing"))
    place.ask(commands.ReloadDirectory())
    await place.board_when(
        lambda board: "billing" in board.queues and "billing" in board.agents["ben"].queues
    )
    place.ask(commands.SetStatus("ben", "available"))
    call = await talk(place)
    place.ask(commands.TransferCall("ann", call, "queue", "billing"))
    await rings(place, "ben", answered=True)
    assert (await place.hears(events.CallTakenOver, call=call)).agent == "ben"
    place.ask(commands.TransferCall("ben", call, "queue", "default"))
    await rings(place, "ann", answered=True)
    await hears(place, call, "ann")
    place.outside.hang_up(call)
    await recorded(place, call)
    board = await place.board_when(lambda board: board.calls[call].state == "ended")
    for name in ("default", "billing"):
        queue = board.queues[name]
        assert (queue.offered, queue.answered, queue.within) == (1, 1, 1)
        assert queue.abandoned + queue.short_abandon + queue.deflected + queue.lost == 0


async def test_lost_behind_a_transfer_is_owed(place: Switchboard) -> None:
    call = await talk(place)
    place.ask(commands.SetStatus("ann", "break"))
    place.ask(commands.TransferCall("ann", call, "queue", "default"))
    await place.board_when(lambda board: board.calls[call].state == "queued")
    await place.start_line()
    finished = await place.hears(events.CallFinished, call=call)
    assert (finished.outcome, finished.owed) == ("answered", True)
    jobs = await until(lambda: Jobs("callbacks", connection=place.store).jobs)
    assert [job.args for job in jobs] == [(call,)]


async def test_hold_by_the_phone_is_another_thing(place: Switchboard) -> None:
    call = await talk(place)
    ann = party(place, "ann")
    place.outside.hold(ann)
    held = await place.hears(events.PhoneHeld, call=call)
    assert (held.side, held.held) == ("agent", True)
    await hears(place, call)
    await until(lambda: place.line.all[call].playing)
    place.ask(commands.HoldCall("ann", call))
    await place.hears(events.CallHeld, call=call)
    place.outside.hold(ann, False)
    await place.hears(events.PhoneHeld, call=call, held=False)
    await hears(place, call)
    place.ask(commands.ResumeCall("ann", call))
    await hears(place, call, "ann")
    place.outside.hold(call)
    assert (await place.hears(events.PhoneHeld, side="customer")).held
    place.outside.hang_up(call)
    finished = await place.hears(events.CallFinished, call=call)
    assert finished.hold > 0


async def test_refer_of_the_phone(place: Switchboard) -> None:
    """As the desk's transfer, and the phone hears how it went; a caller may not have us call anybody."""
    call = await talk(place)
    ann = party(place, "ann")
    place.outside.refer(call, "+8613700000009")
    await until(lambda: place.line.all[call].told == [603])
    place.outside.phones[OUTSIDE] = 486
    place.outside.refer(ann, OUTSIDE)
    await until(lambda: place.line.all[ann].told == [486])
    leg = place.line.all[ann]
    place.outside.refer(ann, "ben")
    await rings(place, "ben", answered=True)
    await hears(place, call, "ben")
    assert leg.told == [486, 200]


async def test_the_phone_brings_together_whom_it_still_hears_ring(place: Switchboard) -> None:
    """REFER with Replaces before the colleague answers: whoever takes that call has the customer."""
    call = await talk(place)
    ann = party(place, "ann")
    place.outside.hold(ann)
    second = place.outside.ring("ann", "ben", phone="ann")
    assert second
    ben = await rings(place, "ben")
    asking = place.line.all[ann]
    place.outside.refer(ann, "ben", replaces=second)
    await until(lambda: asking.told == [200])
    await until(lambda: not {ann, second} & set(place.line.all))
    await place.board_when(lambda board: board.calls[call].state == "transferring")
    place.outside.answer(ben)
    await hears(place, call, "ben")
    assert (await place.hears(events.CallTakenOver, call=call)).agent == "ben"
    place.outside.hang_up(call)
    row = await recorded(place, call)
    assert (row.agent, row.last_agent, row.transfers) == ("ann", "ben", 1)


async def test_two_calls_of_the_phone_become_one(place: Switchboard) -> None:
    """REFER with Replaces, whichever of its two calls the phone names first."""
    call = await talk(place)
    second = place.outside.ring("ann", OUTSIDE, phone="ann")
    assert second
    guest = await rings(place, OUTSIDE, answered=True)
    await hears(place, guest, "ann")
    asking = place.line.all[second]
    place.outside.refer(second, OUTSIDE, replaces=party(place, "ann"))
    await hears(place, call, OUTSIDE)
    assert asking.told == [200]
    given = await place.hears(events.CallTransferred, call=call)
    assert (given.kind, given.to, given.how) == ("number", OUTSIDE, "phones")
    assert (await recorded(place, second)).outcome == "conversation"
    place.outside.hang_up(guest)
    assert (await recorded(place, call)).outcome == "answered"


async def test_asking_a_queue_where_nobody_is_free(place: Switchboard) -> None:
    """The agent waits in music, may give up, or leave the customer there; who becomes free is rung."""
    call = await talk(place)
    ann = party(place, "ann")
    place.ask(commands.ConsultCall("ann", call, "queue", "default"))
    await place.hears(events.ConsultStarted, call=call)
    await hears(place, ann)
    await until(lambda: place.line.all[ann].playing == "music")
    place.ask(commands.DropParty("ann", call))
    assert (await place.hears(events.ConsultEnded, call=call)).outcome == "dropped"
    await hears(place, call, "ann")
    place.ask(commands.ConsultCall("ann", call, "queue", "default"))
    await place.board_when(lambda board: board.calls[call].state == "consulting")
    place.ask(commands.SetStatus("ben", "available"))
    await rings(place, "ben", answered=True)
    await hears(place, ann, "ben")
    place.ask(commands.DropParty("ann", call))
    await hears(place, call, "ann")
    place.ask(commands.SetStatus("ben", "not_ready"))
    await place.board_when(lambda board: board.agents["ben"].status == "not_ready")
    place.ask(commands.ConsultCall("ann", call, "queue", "default"))
    await place.board_when(lambda board: board.calls[call].parties)
    place.outside.hang_up(ann)
    board = await place.board_when(lambda board: board.calls[call].state == "queued")
    assert not board.calls[call].parties
    given = await place.hears(events.CallTransferred, call=call)
    assert (given.kind, given.to) == ("queue", "default")


async def test_asking_a_queue_of_nobody(place: Switchboard) -> None:
    with db.write(place.engine) as session:
        session.add(QueueRow(name="billing", greeting="-", wrap_up=0.0, announce_every=0.0))
    place.ask(commands.ReloadDirectory())
    await place.board_when(lambda board: "billing" in board.queues)
    call = await talk(place)
    place.ask(commands.ConsultCall("ann", call, "queue", "billing"))
    assert (await place.hears(events.DeskCommandRefused)).code == "no-agent-free"
    await hears(place, call, "ann")
