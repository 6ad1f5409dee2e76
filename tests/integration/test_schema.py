"""The schema: the same as the models on both databases, made once however many start at once."""

import re
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlmodel import SQLModel

from callcenter import db, migrations
from callcenter.migrations.record import tables
from callcenter.migrations.rendering import options
from tests import postgres

PACKAGE = Path(migrations.__file__).parent.parent


def test_revisions_make_what_the_models_say(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={**options(), "target_metadata": tables()})
        difference = compare_metadata(context, tables())
    assert difference == [], "python -m callcenter.migrations writes revision 001 anew"


def test_every_declared_table_is_known() -> None:
    tables()
    declared = {
        name
        for path in PACKAGE.rglob("*.py")
        for name in re.findall(r"^class (\w+)\(.*\btable=True", path.read_text(), re.MULTILINE)
    }
    assert declared == {mapper.class_.__name__ for mapper in SQLModel._sa_registry.mappers}


def test_the_second_upgrade_has_nothing_to_do(engine: Engine) -> None:
    assert migrations.current(engine) == migrations.head()
    assert not migrations.upgrade(engine)


def test_processes_that_start_at_once_upgrade_once_on_sqlite(tmp_path: Path) -> None:
    assert upgrade_at_once(f"sqlite:///{tmp_path / 'new.db'}") == [False] * 4 + [True]


@pytest.mark.needs("postgres")
def test_processes_that_start_at_once_upgrade_once_on_postgres(postgres_server: postgres.Server) -> None:
    url = postgres_server.create()
    assert upgrade_at_once(url) == [False] * 4 + [True]
    postgres_server.drop(url)


def upgrade_at_once(url: str) -> list[bool]:
    results: list[bool] = []
    start = threading.Barrier(5)

    def one() -> None:
        engine = db.connect(url)
        start.wait()
        results.append(migrations.upgrade(engine))
        engine.dispose()

    threads = [threading.Thread(target=one) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


def test_a_record_of_a_newer_release_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '999'"))
    with pytest.raises(migrations.NewerRecord, match="999"):
        migrations.upgrade(engine)
