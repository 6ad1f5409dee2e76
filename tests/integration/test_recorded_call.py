"""A call from its ring to the file store: conductor, ledger and worker with the shipped fake line."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, events
from callcenter.recordings import vault
from callcenter.recordings.models import Recording
from callcenter.settings import Settings
from callcenter.telephony.fake import FakeLine
from tests.switchboard import Switchboard, conducting, switchboard, until
from workers import place, records

CALLER = "+8613800138000"


def rows(engine: Engine, state: str) -> list[Recording]:
    with db.read(engine) as session:
        return list(session.exec(select(Recording).where(Recording.state == state)).all())


async def talking(board: Switchboard) -> str:
    """A caller speaks with anna; the call."""
    await board.ready("anna")
    leg = board.outside.ring(CALLER)
    assert leg
    await board.hears(events.CallAnswered)
    return leg


async def test_a_recorded_call_is_heard_again(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", recording="all", recording_days=30)
        board.ask(commands.ReloadDirectory())
        call = await talking(board)
        await board.hears(events.RecordingChanged, state="recording")
        board.ask(commands.PauseCallRecording("anna", call, True))
        paused = await board.hears(events.RecordingChanged, state="paused")
        assert paused.until > paused.at
        board.ask(commands.PauseCallRecording("anna", call, False))
        board.ask(commands.HoldCall("anna", call))
        await board.hears(events.CallHeld)
        board.outside.hang_up(call)
        await board.hears(events.RecordingChanged, state="spooled")
        await until(lambda: rows(engine, "spooled"))
        [row] = rows(engine, "spooled")
        assert (row.call_id, row.agent, row.queue, row.days) == (call, "anna", "default", 30)
        assert (row.leg, bool(row.other)) == (call, True)
        assert Path(row.spool).exists()
    place.enter(settings)
    try:
        records.store(row.id)
        [row] = rows(engine, "stored")
        assert vault.verify(place.here().vault, row)
    finally:
        place.leave()
    assert not Path(row.spool).exists()


async def test_a_full_spool_ends_no_call(settings: Settings, engine: Engine) -> None:
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", recording="all")
        board.ask(commands.ReloadDirectory())
        board.spool = None
        await board.start_line()
        call = await talking(board)
        failed = await board.hears(events.RecordingChanged, state="failed")
        assert failed.why == "no folder"
        seen = await board.board_when(lambda found: found.calls[call].recording_state == "failed")
        assert seen.calls[call].state == "bridged"
        await until(lambda: rows(engine, "failed"))


async def test_a_line_that_cannot_record_is_an_alarm(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeLine, "lacks", FakeLine.lacks | {"recording"})
    async with switchboard(settings, engine) as board, conducting(settings, engine):
        board.seed("anna", recording="all")
        board.ask(commands.ReloadDirectory())
        await talking(board)
        told = await board.hears(events.AlarmChanged)
        assert (told.what, told.on) == ("recording", True)
