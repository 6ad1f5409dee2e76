"""What tests stand on: a real store, real databases, settings of their own; and an honest last line."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings as examples
from sqlalchemy import Engine

from callcenter import catalogues, db, migrations
from callcenter import store as embedded
from callcenter.settings import Settings
from tests import postgres, programs

# A loaded machine must not fail a test: nothing here asserts how fast an example runs.
examples.register_profile("callcenter", deadline=None)
examples.load_profile("callcenter")

_missing: dict[str, int] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="fail when a program or wheel that a test needs is missing"
    )


def pytest_configure(config: pytest.Config) -> None:
    catalogues.compile_all()


def pytest_runtest_setup(item: pytest.Item) -> None:
    wanted = [name for mark in item.iter_markers("needs") for name in mark.args]
    absent = {name: why for name in wanted if (why := programs.lacks(name))}
    if not absent:
        return
    if item.config.getoption("--all"):
        pytest.fail("; ".join(absent.values()), pytrace=False)
    for name in absent:
        _missing[name] = _missing.get(name, 0) + 1
    pytest.skip("; ".join(absent.values()))


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """The last line of the run, behind pytest's own."""
    if _missing:
        which = ", ".join(f"{count} that need {name}" for name, count in sorted(_missing.items()))
        print(f"NOT RUN: {which}. To get the programs and run everything: ./run test --install")


@pytest.fixture(scope="session")
def store_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The embedded store, for the whole run; its URL."""
    folder = tmp_path_factory.mktemp("store")
    server = subprocess.Popen(embedded.command(folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert embedded.wait(embedded.socket_path(folder), 20)
        yield embedded.url("", folder)
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def store(store_server: str) -> str:
    """URL of an empty store."""
    with redis.Redis.from_url(store_server) as client:
        client.flushall()
    return store_server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server for the whole run, with a template that has the schema."""
    folder = programs.postgres_folder()
    # Backups need the client programs of the same release.
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    with postgres.server() as server:
        with server.admin.connect() as connection:
            connection.exec_driver_sql("CREATE DATABASE schema_template")
        _upgrade(server.url("schema_template"))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema, to be copied."""
    path = tmp_path_factory.mktemp("schema") / "template.db"
    _upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.needs("postgres"))])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of an empty record with the schema; a test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        path = tmp_path / "callcenter.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    url = server.create("schema_template")
    yield url
    server.drop(url)


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """An engine on that record."""
    made = db.connect(database)
    yield made
    made.dispose()


@pytest.fixture
def settings(database: str, store: str, tmp_path: Path) -> Settings:
    """An installation of the test's own: its record, store and folder; ports from the system."""
    return Settings(
        data_dir=tmp_path, http="127.0.0.1:0", sip="127.0.0.1:0", database_url=database, redis_url=store
    )


def _upgrade(url: str) -> None:
    engine = db.connect(url)
    migrations.upgrade(engine)
    engine.dispose()
