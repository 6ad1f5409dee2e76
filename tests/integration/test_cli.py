"""The command as a person types it: sentences and exit codes, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from callcenter import administration, db, migrations, settings
from callcenter.people import desk

ROOT = Path(__file__).parent.parent.parent


def callcenter(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("CALL")
    }
    return subprocess.run(
        [sys.executable, "-m", "callcenter", *arguments],
        env={**clean, "PYTHONPATH": str(ROOT), "CALLCENTER_DATA_DIR": str(folder), **environment},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLCENTER_ZONE", "Mars"),
        ("CALLCENTER_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("CALLCENTER_DATA_DIR", "/proc/nowhere"),
        ("CALLCENTER_RECORDING_KEY", "c2hvcnQ="),
        ("CALLCENTER_RECORDINGS", "/proc/nowhere"),
        ("CALLCENTER_RECORDINGS", "/dev/null"),
        ("CALLCENTER_SIP_ALSO", '["192.0.2.1:5060"]'),
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_named(tmp_path: Path, name: str, value: str) -> None:
    refused = callcenter(tmp_path, "up", **{name: value})
    assert refused.returncode == 2
    said = refused.stdout + refused.stderr
    assert name in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CALLCENTER_HTTP", "8080", "CALLCENTER_HTTP"),
        ("CALLCENTER_SIP", "host:99999", "CALLCENTER_SIP"),
        ("CALLCENTER_RTP_PORTS", "30000-20000", "CALLCENTER_RTP_PORTS"),
        ("CALLCENTER_COUNTRY", "China", "CALLCENTER_COUNTRY"),
        ("CALLCENTER_DATABASE_URL", "mysql://somewhere/else", "CALLCENTER_DATABASE_URL"),
        ("REDIS_URL", "localhost", "REDIS_URL"),
        ("CALLCENTER_CONFIG", "/nowhere/callcenter.toml", "CALLCENTER_CONFIG"),
        ("CALLCENTER_LINE", "../line", "CALLCENTER_LINE"),
        ("CALLCENTER_NUMBERS", '["hot line"]', "'hot line'"),
        ("CALLCENTER_TRUSTED_SOURCES", '["proxy"]', "CALLCENTER_TRUSTED_SOURCES"),
        ("CALLCENTER_SIP_ADVERTISED", "a\r\nb", "CALLCENTER_SIP_ADVERTISED"),
        ("CALLCENTER_BAN_SECONDS", "inf", "CALLCENTER_BAN_SECONDS"),
        ("CALLCENTER_TRUNKS", "somewhere", "CALLCENTER_TRUNKS"),
        ("CALLCENTER_TRUNKS", '[{"name": "a", "address": "there"}]', "(environment CALLCENTER_TRUNKS)"),
        ("CALLCENTER_TRUNKS", '[{"name": "a", "address": "127.0.0.1:0"}]', "trunks.0.address"),
        ("CALLCENTER_TRUNKS", '[{"name": "", "address": "127.0.0.1:5060"}]', "trunks.0.name"),
        (
            "CALLCENTER_TRUNKS",
            '[{"name": "a", "address": "10.0.0.1:5060", "country": "cn"}]',
            "trunks.0.country",
        ),
        (
            "CALLCENTER_TRUNKS",
            '[{"name": "a", "address": "10.0.0.1:5060", "register": true}]',
            "trunks.0.register",
        ),
        (
            "CALLCENTER_TRUNKS",
            '[{"name": "a", "address": "10.0.0.1:5060"}, {"name": "a", "address": "10.0.0.2:5060"}]',
            "the same name",
        ),
        ("CALLCENTER_ZOONE", "Asia/Shanghai", "CALLCENTER_ZONE is"),
    ],
)
def test_the_sentence_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as left:
        settings.load()
    assert left.value.code == 2
    assert words in capsys.readouterr().err


def test_the_settings_file_is_named_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("CALLCENTER_DATA_DIR", str(tmp_path))
    (tmp_path / "callcenter.toml").write_text('zoone = "Asia/Shanghai"\n')
    with pytest.raises(SystemExit):
        settings.load()
    assert "zoone" in capsys.readouterr().err


def test_a_process_alone_says_that_it_needs_a_store(tmp_path: Path) -> None:
    refused = callcenter(tmp_path, "line")
    assert refused.returncode == 2
    assert "REDIS_URL" in refused.stderr


def test_an_unknown_queue_is_refused(tmp_path: Path) -> None:
    refused = callcenter(tmp_path, "worker", "anything")
    assert refused.returncode == 2
    assert "callbacks" in refused.stderr


def test_schema_backup_and_restore(tmp_path: Path) -> None:
    assert "Upgraded to" in callcenter(tmp_path, "db", "upgrade").stdout
    assert "Already at" in callcenter(tmp_path, "db", "upgrade").stdout
    saved = tmp_path / "saved"
    assert callcenter(tmp_path, "db", "backup", str(saved)).returncode == 0
    (tmp_path / "callcenter.db").unlink()
    assert callcenter(tmp_path, "db", "restore", str(saved)).returncode == 0
    engine = db.connect(f"sqlite:///{tmp_path / 'callcenter.db'}")
    assert migrations.current(engine) == migrations.head()
    engine.dispose()
    refused = callcenter(tmp_path, "db", "backup", str(saved))
    assert refused.returncode == 2
    assert "exists already" in refused.stderr


def test_what_it_writes_is_its_owners_alone(tmp_path: Path) -> None:
    callcenter(tmp_path / "data", "db", "upgrade")
    written = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    assert any(path.name == "callcenter.db" for path in written)
    assert [path for path in written if path.stat().st_mode & 0o077] == []


def test_it_is_ready_when_store_and_record_answer(tmp_path: Path, database: str, store: str) -> None:
    found = callcenter(tmp_path, "ready", CALLCENTER_DATABASE_URL=database, REDIS_URL=store)
    assert (found.returncode, found.stderr) == (0, "")


def test_people_and_tokens(tmp_path: Path) -> None:
    added = callcenter(
        tmp_path, "user", "add", "ann", "--role", "agent", "--phone", "ann", "--department", "Repairs"
    )
    assert (added.returncode, added.stderr) == (0, "")
    assert "Password: " in added.stdout
    assert "registrar 127.0.0.1:5060" in added.stdout
    twice = callcenter(tmp_path, "user", "add", "ann")
    assert (twice.returncode, twice.stderr) == (2, "name: is taken\n")
    shown = callcenter(tmp_path, "token", "add", "wallboard", "--role", "supervisor").stdout.strip()
    engine = db.connect(f"sqlite:///{tmp_path / 'callcenter.db'}")
    with db.read(engine) as session:
        password = added.stdout.partition("Password: ")[2].splitlines()[0]
        assert desk.authenticate(session, "ann", password).phone == "ann"
        acting = desk.user_of_token(session, shown)
        assert acting
        assert (acting.name, acting.role) == ("wallboard", "supervisor")
    engine.dispose()


def test_a_new_installation_has_one_administrator(engine: Engine, database: str, tmp_path: Path) -> None:
    fresh = settings.Settings(data_dir=tmp_path, database_url=database)
    shown = administration.first_admin(fresh)
    assert "admin" in shown[0]
    assert administration.first_admin(fresh) == []


def test_a_locked_administrator_is_let_in_from_the_shell(tmp_path: Path) -> None:
    assert callcenter(tmp_path, "user", "add", "root", "--role", "admin").returncode == 0
    assert callcenter(tmp_path, "user", "unlock", "root").stdout.strip() == "root may sign in."
    password = callcenter(tmp_path, "user", "password", "root").stdout.strip().removeprefix("Password: ")
    engine = db.connect(f"sqlite:///{tmp_path}/callcenter.db")
    with db.read(engine) as session:
        assert desk.authenticate(session, "root", password).must_change
    engine.dispose()
    assert callcenter(tmp_path, "user", "unlock", "nobody").returncode != 0
