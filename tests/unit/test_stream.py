"""Tasks that redis-py makes deaf to one cancellation end all the same."""

import asyncio
import contextlib

from callcenter import stream


async def test_a_task_that_swallows_cancellations_is_ended() -> None:
    heard = 0

    async def deaf() -> None:
        nonlocal heard
        while heard < 3:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            heard += 1

    async def failed() -> None:
        raise OSError("gone")

    tasks = [asyncio.create_task(deaf()), asyncio.create_task(failed())]
    await asyncio.sleep(0)
    await asyncio.wait_for(stream.end(tasks, again_after=0.01), 30)
    assert all(task.done() for task in tasks)
    assert heard == 3
