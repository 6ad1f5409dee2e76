"""Jobs by name: slices enqueue here and never import `workers`.

A job takes ids, is idempotent and keyed by a row, so that running it twice is harmless; each is retried by RQ when its
worker is killed (see STACK: without Retry a killed job is FAILED for good).
"""

import redis
from rq import Queue, Retry

QUEUES = ("callbacks", "surveys", "notices", "recordings")
LONGEST = 20
"""Seconds that a job may take; when its worker is killed it is run again that much later."""
LONGEST_OF = {"recordings": 300}
"""Of the queues whose jobs take longer."""
AGAIN_AFTER = (0, 1, 5, 15, 60, 120, 300, 600, 600)
"""Seconds until a failed job is run again: a database that restarts takes longer than five tries in a row."""


def enqueue(client: redis.Redis, queue: str, job: str, *ids: str | int) -> None:
    """Put `workers.<module>.<function>` with its ids onto a queue. `queue` is one of QUEUES."""
    if queue not in QUEUES:
        raise ValueError(f"no queue {queue!r}")
    Queue(queue, connection=client).enqueue(
        f"workers.{job}",
        *ids,
        retry=Retry(max=len(AGAIN_AFTER), interval=list(AGAIN_AFTER)),
        result_ttl=0,
        failure_ttl=7 * 86400,
        job_timeout=LONGEST_OF.get(queue, LONGEST),
    )
