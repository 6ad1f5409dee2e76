"""A message from the key to its end: conductor, ledger and worker with the shipped fake line, then the pages."""

from datetime import datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from callcenter import commands, db, events, stream
from callcenter.callbacks import owed
from callcenter.callbacks.models import Callback
from callcenter.calls.models import Call
from callcenter.errors import InvalidInput, NotFound, Stale, WrongState
from callcenter.people.models import QueueMember, User
from callcenter.recordings import vault
from callcenter.recordings.models import Recording
from callcenter.settings import Settings
from callcenter.tickets.rules import NotYours
from callcenter.voicemail import desk, lists
from callcenter.voicemail.models import Message
from tests import recorded
from tests.pages import Pages, serve
from tests.switchboard import Switchboard, conducting, switchboard, until
from workers import callbacks as jobs
from workers import place, records

CALLER = "+8613800138000"
JSON = {"accept": "application/json"}


def messages(engine: Engine) -> list[Message]:
    with db.read(engine) as session:
        return list(session.exec(select(Message).order_by(Message.id)).all())  # type: ignore[arg-type]


async def leaves(board: Switchboard, caller: str = CALLER, spoken: float = 3.0) -> str:
    """A caller waits, presses the key, speaks and hangs up; the call."""
    leg = board.outside.ring(caller)
    assert leg
    await board.board_when(lambda found: found.calls[leg].state == "queued")
    board.outside.press(leg, "2")
    await board.hears(events.RecordingChanged, call=leg, state="recording")
    board.outside.speak(leg, spoken)
    board.outside.hang_up(leg)
    await board.hears(events.CallFinished, call=leg)
    return leg


async def test_a_message_keeps_the_place(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", voicemail="always")
        board.ask(commands.ReloadDirectory())
        await board.board_when(lambda found: found.queues["default"].voicemail == "always")
        board.ask(commands.SignIn("anna"))
        await board.board_when(lambda found: found.agents["anna"].status != "signed_out")
        call = await leaves(board)
        ended = await board.hears(events.CallFinished)
        assert (ended.outcome, ended.ended_by) == ("message_left", "customer")
        [message] = await until(lambda: messages(engine))
        assert (message.call_id, message.queue, message.number, message.state) == (
            call,
            "default",
            CALLER,
            "new",
        )
        withheld = await leaves(board, "")
        nothing = await leaves(board, "+8613800138001", 0.5)
        assert board.told(events.CallFinished, call=nothing)[0].outcome in ("abandoned", "short_abandon")
        await until(lambda: len(messages(engine)) == 2)
        seen = await board.board_when(lambda found: found.queues["default"].messages == 2)
        queue = seen.queues["default"]
        assert queue.offered == queue.messages + queue.abandoned + queue.short_abandon
    place.enter(settings)
    try:
        records.store(message.recording_id)
        for one in (call, withheld):
            jobs.owe(one)
    finally:
        place.leave()
    with db.read(engine) as session:
        assert session.get_one(Recording, message.recording_id).state == "stored"
        [callback] = session.exec(select(Callback)).all()
        assert (callback.call_id, callback.reason, callback.number) == (call, "owed", CALLER)
        assert callback.place_at == session.get_one(Call, call).queued_at
        rows, _ = lists.page(session, {"default"})
        assert [(row.number, row.callback) for row in rows] == [("", 0), (CALLER, callback.id)]


async def test_who_rings_in_again_and_is_served_is_not_called_back(
    settings: Settings, engine: Engine
) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", voicemail="closed")
        board.ask(commands.ReloadDirectory())
        await board.board_when(lambda found: found.queues["default"].voicemail == "closed")
        leg = board.outside.ring(CALLER)
        assert leg
        await board.hears(events.RecordingChanged, call=leg, state="recording")
        board.outside.speak(leg, 2.0)
        board.outside.fall_silent(leg)
        assert (await board.hears(events.CallFinished)).outcome == "message_left"
        await until(lambda: messages(engine))
        with db.write(engine) as session:
            assert owed.owe(session, settings, leg, db.now())
        await board.ready("anna")
        again = board.outside.ring(CALLER)
        assert again
        await board.hears(events.CallAnswered)
        board.outside.hang_up(again)

        def fulfilled() -> bool:
            with db.read(engine) as session:
                return session.exec(select(Callback.state)).one() == "fulfilled"

        await until(fulfilled)


async def test_a_line_killed_in_the_message_keeps_what_was_said(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", voicemail="closed")
        board.ask(commands.ReloadDirectory())
        await board.board_when(lambda found: found.queues["default"].voicemail == "closed")
        leg = board.outside.ring(CALLER)
        assert leg
        began = await board.hears(events.RecordingChanged, call=leg, state="recording")
        seen = stream.line_seen(settings.line)
        await until(lambda: float(board.store.get(seen) or 0.0) > began.started + 1.0)  # type: ignore[arg-type]
        await board.start_line()
        ended = await board.hears(events.CallFinished, call=leg)
        assert (ended.outcome, ended.message) == ("message_left", began.recording)
        await board.hears(events.RecordingChanged, recording=began.recording, state="spooled")
        await until(lambda: messages(engine))


def user(session: Session, name: str, role: str = "agent", queue: str = "default") -> User:
    made = User(name=name, role=role, phone=name, created_at=db.now())
    session.add(made)
    session.flush()
    assert made.id
    session.add(QueueMember(user_id=made.id, queue=queue))
    return made


def left(session: Session, call: str = "call1", number: str = CALLER, at: datetime | None = None) -> Message:
    """A message as the ledger writes it."""
    when = (at or db.now()).timestamp()
    ended = events.CallFinished(
        when, call, "message_left", "customer", when - 9, queue="default", caller=number, message=f"{call}-1"
    )
    desk.follow(session, ended)
    desk.follow(session, ended)
    return session.exec(select(Message).where(Message.call_id == call)).one()


def test_two_take_one_message_and_one_has_it(settings: Settings, engine: Engine) -> None:
    with db.write(engine) as session:
        anna, bert = user(session, "anna"), user(session, "bert")
        session.add(Call(id="call1", caller=CALLER, started_at=db.now(), queued_at=db.now(), queue="default"))
        message = left(session)
        owed.owe(session, settings, "call1", db.now())
        assert message.id
        which, now = message.id, db.now()
        with pytest.raises(WrongState):
            desk.finish(session, which, anna, "", 1, now)
        assert desk.take(session, which, anna, 1, now).version == 2
        with pytest.raises(Stale):
            desk.take(session, which, bert, 1, now)
        assert session.exec(select(Callback)).one().owner_id == anna.id
        with pytest.raises(NotYours):
            desk.finish(session, which, bert, "", 2, now)
        assert desk.finish(session, which, anna, "told the price", 2, now).state == "done"
        assert session.exec(select(Callback.state)).one() == "fulfilled"
        with pytest.raises(WrongState):
            desk.take(session, which, bert, 3, now)
        with pytest.raises(NotFound):
            desk.take(session, 99, bert, 3, now)
        for wrong in ({"state": "lost"}, {"after": "x"}):
            with pytest.raises(InvalidInput):
                lists.page(session, None, **wrong)


@pytest.fixture
def pages(settings: Settings, tmp_path: object) -> object:
    with serve(settings) as running:
        yield running


def test_the_queue_hears_its_messages_and_nobody_else_does(pages: Pages, settings: Settings) -> None:
    engine = db.connect(settings.sql)
    for name in ("mei", "li"):
        pages.add_user(name, display_name=name.title(), phone=f"200{len(name)}")
    with pages.session() as session:
        li = session.exec(
            select(QueueMember).join(User, User.id == QueueMember.user_id).where(User.name == "li")
        )  # type: ignore[arg-type]
        for member in li.all():
            session.delete(member)
    pages.add_user("susan", "supervisor", display_name="Susan")
    with pages.session() as session:
        session.add(Call(id="call1", caller=CALLER, started_at=db.now(), queued_at=db.now(), queue="default"))
        which = left(session).id
    recorded.spooled(engine, settings.data_dir, "call1-1", "", seconds=3)
    vault.take_in(engine, recorded.vault(settings.data_dir), "call1-1", db.now())
    engine.dispose()
    with pages.browser("mei") as mei, pages.browser("li") as li, pages.browser("susan") as susan:
        assert "138 0013 8000" in mei.get("/messages").text
        assert li.get("/messages", headers=JSON).json()["messages"] == []
        assert li.get(f"/messages/{which}").status_code == 404
        assert li.get("/recordings/call1-1/audio").status_code == 404
        assert mei.get("/recordings/call1-1/audio").status_code == 200
        assert "call-player" in mei.get(f"/messages/{which}").text
        assert li.put(f"/messages/{which}/owner", json={"version": 1}, headers=JSON).status_code == 404
        assert mei.put(f"/messages/{which}/owner", json={}, headers=JSON).status_code == 422
        taken = mei.put(f"/messages/{which}/owner", json={"version": 1}, headers=JSON)
        assert (taken.status_code, taken.json()["state"]) == (200, "taken")
        assert susan.put(f"/messages/{which}/owner", json={"version": 1}, headers=JSON).status_code == 409
        assert "Mei" in susan.get("/messages").text
        done = mei.put(f"/messages/{which}/closure", json={"version": 2, "note": "told"}, headers=JSON)
        assert done.json() == {"id": which, "state": "done", "version": 3}
        assert susan.get("/messages", headers=JSON).json()["messages"] == []
