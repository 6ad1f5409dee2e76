"""The parent of all processes: starts them with its settings, restarts what died, leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from callcenter import installation, store
from callcenter.settings import Settings
from tests.ports import free_port

ROOT = Path(__file__).parent.parent.parent

KEEPS_PAGES = """
import http.server, os, pathlib, sys
from callcenter.settings import host_port, load
settings = load()
(settings.data_dir / "web.pid").write_text(str(os.getpid()))
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
http.server.HTTPServer(host_port(settings.http), Page).serve_forever()
"""
PARENT = """
import sys
from callcenter import installation, settings
parts = [installation.Part("web", (sys.executable, "-c", {pages!r})),
         installation.Part("sleeper", ("sleep", "600"))]
chosen = settings.load()
sys.exit(installation.run(chosen, greeting=lambda: ["All is up."], processes=parts))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if name != "REDIS_URL" and not name.startswith("CALL")
    }
    return {
        **clean,
        "PYTHONPATH": str(ROOT),
        "CALLCENTER_DATA_DIR": str(tmp_path / "some data"),
        "CALLCENTER_HTTP": f"127.0.0.1:{free_port()}",
        "CALLCENTER_SIP": f"127.0.0.1:{free_port()}",
    }


@pytest.fixture
def parent(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    started = start(environment)
    yield started
    if started.poll() is None:
        started.kill()
    started.communicate()


def start(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT.format(pages=KEEPS_PAGES)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    lines: list[str] = []
    assert process.stdout
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"{words!r} was not said: {lines}")


def test_everything_starts_and_stops_in_order(
    parent: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    read_until(parent, "All is up.")
    data = Path(environment["CALLCENTER_DATA_DIR"])
    listens = store.socket_path(data)
    assert listens.stat().st_mode & 0o777 == 0o600
    with redis.Redis.from_url(store.url("", data)) as client:
        client.set("kept", "yes")
    parent.send_signal(signal.SIGTERM)
    assert parent.wait(30) == 0
    assert not store.answers(listens)
    assert not alive(int((data / "web.pid").read_text()))


def test_what_died_is_started_again(parent: subprocess.Popen[str], environment: dict[str, str]) -> None:
    read_until(parent, "All is up.")
    known = Path(environment["CALLCENTER_DATA_DIR"]) / "web.pid"
    first = known.read_text()
    os.kill(int(first), signal.SIGKILL)
    read_until(parent, "web ended (signal SIGKILL)")
    until(lambda: known.read_text() not in {first, ""})


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's death is Linux's")
def test_a_killed_parent_leaves_nothing_and_the_next_start_finds_the_store(
    parent: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    read_until(parent, "All is up.")
    data = Path(environment["CALLCENTER_DATA_DIR"])
    with redis.Redis.from_url(store.url("", data)) as client:
        client.set("kept", "yes")
    pid = int((data / "web.pid").read_text())
    parent.kill()
    until(lambda: not alive(pid) and not store.answers(store.socket_path(data)))
    again = start(environment)
    try:
        read_until(again, "All is up.")
        with redis.Redis.from_url(store.url("", data)) as client:
            assert client.get("kept") == b"yes"
    finally:
        again.terminate()
        again.communicate()


def test_a_second_installation_needs_its_own_folder(
    parent: subprocess.Popen[str], environment: dict[str, str]
) -> None:
    read_until(parent, "All is up.")
    second = start(environment)
    said, _ = second.communicate()
    assert second.returncode == 2
    assert "CALLCENTER_DATA_DIR" in said


def test_two_installations_run_side_by_side(
    parent: subprocess.Popen[str], environment: dict[str, str], tmp_path: Path
) -> None:
    read_until(parent, "All is up.")
    other = {
        **environment,
        "CALLCENTER_DATA_DIR": str(tmp_path / "other"),
        "CALLCENTER_HTTP": f"127.0.0.1:{free_port()}",
        "CALLCENTER_SIP": f"127.0.0.1:{free_port()}",
    }
    second = start(other)
    read_until(second, "All is up.")
    second.terminate()
    second.communicate()
    assert second.returncode == 0


def test_a_taken_port_is_named(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment["CALLCENTER_HTTP"] = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = start(environment)
        said, _ = refused.communicate()
    assert refused.returncode == 2
    assert "CALLCENTER_HTTP" in said
    assert "in use" in said


def test_children_read_the_same_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    chosen = Settings(
        data_dir=tmp_path, clock_scale=0.5, numbers=("hotline", "+862112345678"), open_calls=False
    )
    for name, value in installation.environment(chosen).items():
        monkeypatch.setenv(name, value)
    read = Settings()
    assert read.redis_url == store.url("", tmp_path)
    assert read.model_copy(update={"redis_url": ""}) == chosen


def test_a_socket_path_that_would_be_too_long_moves(tmp_path: Path) -> None:
    deep = tmp_path / ("very long folder name " * 6)
    assert len(bytes(store.socket_path(deep))) <= store.LONGEST_SOCKET_PATH
    assert store.socket_path(deep) == store.socket_path(deep)
    assert store.socket_path(deep) != store.socket_path(tmp_path)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
