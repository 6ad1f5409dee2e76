"""Jobs as they run: real store, real worker processes, killed in the middle."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from rq import Queue
from rq.job import Job
from rq.registry import ScheduledJobRegistry, StartedJobRegistry
from sqlalchemy import Engine
from sqlmodel import select

from callcenter import commands, db, jobs, stream, timers
from callcenter.callbacks import desk
from callcenter.callbacks.models import Callback
from callcenter.installation import environment
from callcenter.outbound.models import Attempt
from callcenter.settings import Settings
from callcenter.tickets.models import Notice, Ticket
from tests.complaints import NUMBER, House, house
from workers import callbacks, escalations, healing, place, surveys

WITHIN = 90.0


@pytest.fixture
def seconds(settings: Settings) -> Settings:
    """Policies in seconds, callbacks and surveys at once, at any hour."""
    return settings.model_copy(
        update={
            "clock_scale": 1e-5,
            "callback_delay": 0.01,
            "survey_delay": 0.01,
            "outbound_hours": "00:00-24:00",
            "outbound_gap": 0.01,
        }
    )


@pytest.fixture
def centre(engine: Engine, seconds: Settings) -> Iterator[House]:
    place.enter(seconds)
    yield house(engine, seconds)
    place.leave()


def until(condition: Callable[[], Any], seconds: float = WITHIN) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def placed(store: redis.Redis) -> list[Any]:
    """Commands that workers wrote for the conductor."""
    found: Any = store.xrange(stream.DESK_COMMANDS)
    return [commands.desk.decode(fields[b"body"]) for _, fields in found]


def reported(centre: House) -> Ticket:
    """A complaint whose answer is to be told now."""
    now = db.now() - timedelta(seconds=5)
    ticket = centre.open(now)
    with db.write(centre.engine) as session:
        ticket = centre.desk.propose(session, ticket, centre.ana, "ok", now, ticket.version)
        return centre.desk.report_back(session, ticket, centre.ana, now, ticket.version)


def run_twice(job: Callable[..., None], *ids: Any) -> None:
    job(*ids)
    job(*ids)


def test_the_loop_by_jobs_each_run_twice(centre: House, store: str) -> None:
    client = stream.connect(store)
    ticket = reported(centre)
    with db.read(centre.engine) as session:
        callback = session.exec(select(Callback)).one()
    run_twice(callbacks.dial, str(callback.id), 1)
    (command,) = placed(client)
    assert (command.number, command.agent, command.ticket) == (NUMBER, "ana", ticket.id)
    call = centre.attempt_ends(command.attempt, ticket.id or 0, db.now(), "conversation")
    run_twice(callbacks.settle, command.attempt)
    callbacks.sweep_attempt(command.attempt, 1)
    with db.write(centre.engine) as session:
        current = centre.ticket(ticket.id)
        assert centre.desk.close(session, current, centre.ana, call, db.now(), current.version)
        survey_timer = session.exec(select(timers.Timer).where(timers.Timer.kind == "survey")).one()
    time_passes(survey_timer)
    run_twice(surveys.dial, survey_timer.ref, 1)
    command = placed(client)[-1]
    assert (command.survey, command.language, len(placed(client))) == (int(survey_timer.ref), "cmn", 2)
    run_twice(surveys.record, command.attempt, 2)
    found = centre.ticket(ticket.id)
    assert (found.state, found.cycle, found.owner_id, found.score) == ("in_progress", 2, centre.ana.id, 2)
    client.close()


def time_passes(timer: timers.Timer) -> None:
    until(lambda: db.now() >= timer.due)


def test_a_lost_command_makes_the_attempt_unknown_and_another_follows(centre: House, store: str) -> None:
    reported(centre)
    client = stream.connect(store)
    with db.write(centre.engine) as session:
        callback = session.exec(select(Callback)).one()
        command = desk.start(session, centre.settings, callback.id or 0, db.now())
        assert command is not None
    client.hset(callbacks.SEEN, command.attempt, "{}")
    callbacks.sweep_attempt(command.attempt, 1)
    with db.read(centre.engine) as session:
        assert session.get(Attempt, command.attempt).state == "claimed"  # type: ignore[union-attr]
    client.hdel(callbacks.SEEN, command.attempt)
    run_twice(callbacks.sweep_attempt, command.attempt, 1)
    with db.read(centre.engine) as session:
        assert session.get(Attempt, command.attempt).state == "unknown"  # type: ignore[union-attr]
        timer = session.exec(select(timers.Timer).where(timers.Timer.kind == "callback")).one()
        assert timer.state == "armed"
    time_passes(timer)
    callbacks.dial(timer.ref, timer.epoch)
    assert [sent.attempt for sent in placed(client)] != [command.attempt]
    client.close()


def worker(settings: Settings, queue: str) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    return door(settings, "worker", queue)


@contextlib.contextmanager
def door(settings: Settings, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "callcenter", *command],
        env=environment(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def test_timers_and_workers_carry_a_complaint(centre: House, seconds: Settings, store: str) -> None:
    """Nobody watches: levels are sent as time passes, the callback is placed, the survey behind it."""
    client = stream.connect(store)
    ticket = centre.open(db.now())

    def levels() -> set[int]:
        with db.read(centre.engine) as session:
            rows = session.exec(
                select(Notice.level).where(Notice.ticket_id == ticket.id, Notice.state == "sent")
            )
            return set(rows)

    with (
        door(seconds, "timers"),
        worker(seconds, "notices"),
        worker(seconds, "callbacks"),
        worker(seconds, "surveys"),
    ):
        until(lambda: levels() >= {2})
        current = centre.ticket(ticket.id)
        with db.write(centre.engine) as session:
            current = centre.desk.propose(session, current, centre.ana, "ok", db.now(), current.version)
            centre.desk.report_back(session, current, centre.ana, db.now(), current.version)
        (command,) = until(lambda: placed(client))
        call = centre.attempt_ends(command.attempt, ticket.id or 0, db.now(), "conversation")
        jobs.enqueue(client, "callbacks", "callbacks.settle", command.attempt)
        until(lambda: state_of(centre, command.callback) == "talked")
        with db.write(centre.engine) as session:
            current = centre.ticket(ticket.id)
            centre.desk.close(session, current, centre.ana, call, db.now(), current.version)
        until(lambda: len(placed(client)) == 2)
        jobs.enqueue(client, "surveys", "surveys.record", placed(client)[-1].attempt, 1)
        until(lambda: centre.ticket(ticket.id).cycle == 2)
    client.close()


def state_of(centre: House, callback: int) -> str:
    with db.read(centre.engine) as session:
        found = session.get(Callback, callback)
        assert found is not None
        return found.state


def test_two_workers_place_one_attempt(centre: House, seconds: Settings, store: str) -> None:
    reported(centre)
    client = stream.connect(store)
    with db.read(centre.engine) as session:
        callback = session.exec(select(Callback)).one()
    with worker(seconds, "callbacks"), worker(seconds, "callbacks"):
        for _ in range(20):
            jobs.enqueue(client, "callbacks", "callbacks.dial", str(callback.id), 1)
        queue = Queue("callbacks", connection=client)
        until(lambda: queue.count == 0 and not StartedJobRegistry(queue=queue).count)
    assert len(placed(client)) == 1
    client.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_job_whose_worker_is_killed_is_run_again(centre: House, seconds: Settings, store: str) -> None:
    """The record's lock holds the job in the middle; its worker dies there."""
    reported(centre)
    client = stream.connect(store)
    with db.read(centre.engine) as session:
        callback = session.exec(select(Callback)).one()
    queue = Queue("callbacks", connection=client)
    with worker(seconds, "callbacks") as first, db.write(centre.engine):
        jobs.enqueue(client, "callbacks", "callbacks.dial", str(callback.id), 1)
        until(lambda: StartedJobRegistry(queue=queue).count)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    assert placed(client) == []
    with worker(seconds, "callbacks"):
        until(lambda: len(placed(client)) == 1, 150)
    client.close()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_job_that_fails_is_tried_again_later(centre: House, seconds: Settings, store: str) -> None:
    """At once, then behind growing pauses, without RQ's scheduler process."""
    with stream.connect(store) as client, worker(seconds, "surveys"):
        jobs.enqueue(client, "surveys", "surveys.record", "no-attempt", 9)
        registry = ScheduledJobRegistry("surveys", connection=client)
        (job,) = until(lambda: registry.get_job_ids())
        tried = until(lambda: Job.fetch(job, connection=client).retries_left == len(jobs.AGAIN_AFTER) - 3)
    assert tried


def test_a_job_that_was_lost_is_run_again(centre: House) -> None:
    """The store was wiped between timer and job."""
    reported(centre)
    later = db.now() + timedelta(hours=1)
    with db.write(centre.engine) as session:
        for due in timers.claim(session, later):
            timers.fired(session, due, db.now())
        assert not any(healing.heal(session, queue, db.now()) for queue in jobs.QUEUES), "only slow"
        assert healing.heal(session, "callbacks", later) == 1
        assert healing.heal(session, "callbacks", later) == 0
        assert healing.heal(session, "notices", later) == 2, "keep informed and resolution"
        assert {due.kind for due in timers.claim(session, later)} == {"callback", "clock"}


def test_levels_are_sent_once_however_often_the_job_runs(centre: House) -> None:
    ticket = centre.open(db.now() - timedelta(days=1))
    with db.read(centre.engine) as session:
        clocks = session.exec(select(timers.Timer.ref).where(timers.Timer.kind == "clock")).all()
    for ref in clocks:
        run_twice(escalations.fire, ref, 1)
    with db.read(centre.engine) as session:
        sent = session.exec(select(Notice).where(Notice.ticket_id == ticket.id, Notice.state == "sent")).all()
    assert len(sent) == len({(n.clock_id, n.epoch, n.level, n.recipient_id, n.channel) for n in sent})
    assert {notice.level for notice in sent} == {2, 4}
