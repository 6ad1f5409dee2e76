"""Backup and restore on both databases: everything comes back, nothing is replaced by half a thing."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, func
from sqlmodel import select

from callcenter import archive, db, migrations
from callcenter.people.models import Department
from callcenter.settings import Settings


def count(engine: Engine) -> int:
    with db.read(engine) as session:
        return session.exec(select(func.count()).select_from(Department)).one()


def add(engine: Engine, name: str) -> None:
    with db.write(engine) as session:
        session.add(Department(name=name))


def test_what_was_saved_comes_back(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add(engine, "售后 & complaints")
    saved = tmp_path / "a backup.file"
    archive.backup(settings.sql, saved)
    assert saved.stat().st_mode & 0o777 == 0o600
    add(engine, "later")
    engine.dispose()
    archive.restore(settings.sql, tmp_path, saved)
    assert count(engine) == 1
    assert migrations.current(engine) == migrations.head()
    add(engine, "after the restore")
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == [saved.name]


def test_a_backup_is_never_overwritten(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    existing = tmp_path / "precious"
    existing.write_text("yesterday's")
    with pytest.raises(archive.ArchiveFailed, match="exists already"):
        archive.backup(settings.sql, existing)
    assert existing.read_text() == "yesterday's"


def test_no_restore_while_processes_run(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    archive.backup(settings.sql, saved)
    with archive.running(tmp_path), pytest.raises(archive.ArchiveFailed, match="stop them first"):
        archive.restore(settings.sql, tmp_path, saved)


def test_a_file_that_is_no_backup_changes_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add(engine, "kept")
    engine.dispose()
    wrong = tmp_path / "letter.txt"
    wrong.write_text("Dear Sir or Madam, " * 500)
    with pytest.raises(archive.ArchiveFailed):
        archive.restore(settings.sql, tmp_path, wrong)
    assert count(engine) == 1


def test_a_damaged_backup_changes_nothing(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    add(engine, "kept")
    saved = tmp_path / "saved"
    archive.backup(settings.sql, saved)
    engine.dispose()
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size // 2])
    with pytest.raises(archive.ArchiveFailed):
        archive.restore(settings.sql, tmp_path, saved)
    assert count(engine) == 1


def test_many_processes_hold_the_record_at_once(tmp_path: Path) -> None:
    with archive.running(tmp_path), archive.running(tmp_path):
        pass
