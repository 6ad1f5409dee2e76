"""`./run demo` as a newcomer sees it: it opens, calls happen, complaints are logged, and Ctrl-C leaves nothing."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session, func, select

from callcenter import db
from callcenter.calls.models import Call
from callcenter.tickets.models import Ticket
from tests.place import Place, until


def count(engine: Engine, what: Any, *where: Any) -> int:
    with Session(engine) as session:
        return int(session.exec(select(func.count()).select_from(what).where(*where)).one())


def alive(pids: set[int]) -> set[int]:
    """Those that run; a process that has ended and waits for its parent does not."""
    found = set()
    for pid in pids:
        status = Path(f"/proc/{pid}/stat")
        if status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z":
            found.add(pid)
    return found


def family(pid: int) -> set[int]:
    """A process and all below it."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = {int(child) for task in tasks for child in task.read_text().split()}
    return {pid} | {one for child in children for one in family(child)}


def test_the_demo_opens_lives_and_ends(tmp_path: Path) -> None:
    place = Place(tmp_path)
    out = tmp_path / "demo.out"
    with out.open("wb") as said:
        demo = subprocess.Popen(
            [sys.executable, "-m", "callcenter", "demo"], env=place.environment, stdout=said, stderr=said
        )
    engine = db.connect(f"sqlite:///{tmp_path / 'callcenter.db'}")
    try:
        until(lambda: "Stop with Ctrl-C" in out.read_text() or demo.poll() is not None, "the greeting")
        assert demo.poll() is None, out.read_text()
        assert "password" in out.read_text()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{place.http}/sign-in", timeout=20) as page:
            assert page.status == 200

        seeded = count(engine, Ticket)
        until(lambda: count(engine, Call, Call.outcome == "answered", Call.ended_by == "agent"), "a call")
        until(lambda: count(engine, Ticket) > seeded, "a complaint")
        everybody = family(demo.pid)
        assert len(everybody) > 8
    finally:
        demo.send_signal(signal.SIGINT)
        try:
            code = demo.wait(30)
        except subprocess.TimeoutExpired:
            for pid in family(demo.pid):
                os.kill(pid, signal.SIGKILL)
            raise
        finally:
            engine.dispose()
    assert code == 0, out.read_text()
    until(lambda: not alive(everybody), "every process to be gone", patience=20)
