"""Door of the demo's `callers` process: the town and the agents, until SIGTERM."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Coroutine
from typing import Any

import redis
import structlog
import uvloop

from callcenter import db, events, settings, stream
from callcenter.demo import keys
from callcenter.demo.agents import Staff
from callcenter.demo.backoffice import BackOffice
from callcenter.demo.callers import Town
from callcenter.demo.cast import ANSWERS, LINES
from callcenter.messages import UnknownMessage
from callcenter.settings import Settings
from callcenter.telephony.media.pcm import Samples, from_ulaw
from callcenter.telephony.prompts import Renderer

log = structlog.get_logger()


def main() -> int:
    """Keep the place alive."""
    uvloop.run(_run(settings.load()))
    return 0


async def _run(chosen: Settings) -> None:
    leaving = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leaving.set)
    store = stream.connect_async(chosen.redis_url)
    engine = db.connect(chosen.sql, pool=2)
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(_careful(work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    after = await stream.last_id(store, stream.PUBLIC)
    lines, answers = await _voices(chosen, LINES), await _voices(chosen, ANSWERS)
    kept = keys.read(chosen.data_dir)
    town = Town(chosen.numbers[0], chosen.sip, lines, spawn)
    staff = Staff(chosen, kept, store, town, BackOffice(chosen, engine), answers, spawn)
    try:
        await town.open(kept.trunk)
        spawn(_listen(store, after, town, staff))
        await staff.open()
        for work in (town.live(), staff.work(), staff.rest(), staff.yours.make_room()):
            spawn(work)
        await leaving.wait()
    finally:
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(town.close(), staff.close(), return_exceptions=True)
        await store.aclose()
        engine.dispose()


async def _listen(store: Any, after: str, town: Town, staff: Staff) -> None:
    """Follow the public events."""
    while True:
        for _, entries in await stream.read(store, {stream.PUBLIC: after}):
            for entry, fields in entries:
                after = entry
                with contextlib.suppress(UnknownMessage):
                    message = events.public.decode(fields[b"body"])
                    town.told(message)
                    staff.told(message)


async def _voices(chosen: Settings, texts: dict[str, str]) -> dict[str, Samples]:
    """Spoken texts as samples; a language without a voice is silent."""
    renderer = Renderer(chosen.data_dir)
    try:
        made = {language: await renderer.render(f"say:{language}:{text}") for language, text in texts.items()}
    finally:
        renderer.close()
    return {language: from_ulaw(one.ulaw) for language, one in made.items() if not one.why}


async def _careful(work: Coroutine[Any, Any, None]) -> None:
    """One that fails must not silence the others; with the store away, its process is started again."""
    try:
        await work
    except (redis.RedisError, OSError) as error:
        log.warning("the demo stumbles", error=repr(error))
    except Exception:
        log.exception("the demo stumbles")


if __name__ == "__main__":
    sys.exit(main())
