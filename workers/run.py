"""One worker process for one queue. See the guide's RQ traps: a worker that listens on two queues loses jobs when killed.

Jobs run in this process: they are ours, short, and bounded (SMTP has timeouts). A killed worker's job is found by
the maintenance of any worker of the queue and run again.
"""

import os
import socket
from typing import Any

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.scheduler import RQScheduler
from sqlalchemy.exc import OperationalError

from callcenter import db
from callcenter.ids import new_id
from callcenter.settings import Settings
from workers import healing, place

log = structlog.get_logger()

WORKER_TTL = 20
MAINTENANCE = 5
GRACE = 5


class Worker(SimpleWorker):
    """Runs scheduled retries in its own maintenance: RQ's scheduler is a process that outlives a killed worker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.retries: Any = RQScheduler(self.queues, connection=self.connection, interval=MAINTENANCE)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Seconds behind which a job that began is taken for abandoned: no job of ours runs past its timeout."""
        return int(job.timeout or WORKER_TTL) + GRACE

    def run_maintenance_tasks(self) -> None:
        """Also put failed jobs back whose time has come."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        for queue in self.queues:
            # Two workers must not enqueue one retry twice; RQ's own lock outlives a killed worker by a minute.
            if self.connection.set(f"retries:{queue.name}", self.name, nx=True, ex=MAINTENANCE - 1):
                self.retries.prepare_registries([queue.name])
                self.retries.enqueue_scheduled_jobs()
            if self.connection.set(f"healing:{queue.name}", self.name, nx=True, ex=healing.EVERY):
                heal(queue.name)


def heal(queue: str) -> None:
    """Look for lost jobs; a record that is away now is looked at a minute later."""
    try:
        with db.write(place.here().engine) as session:
            healing.heal(session, queue, db.now())
    except OperationalError as error:
        log.warning("healing waits for the record", error=str(error.orig))


def main(settings: Settings, queue: str) -> int:
    """Work on one queue until SIGTERM or SIGINT; a job that runs is finished first."""
    place.enter(settings)
    client = redis.Redis.from_url(settings.redis_url, socket_connect_timeout=2)
    try:
        worker = Worker(
            [Queue(queue, connection=client)],
            connection=client,
            name=f"{queue}-{socket.gethostname()}-{os.getpid()}-{new_id()[-6:]}",
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE,
        )
        worker.work(logging_level="WARNING")
        return 0
    except (redis.RedisError, OSError) as error:
        log.warning("the worker has no store", error=str(error))
        return 1
    finally:
        place.leave()
        client.close()
