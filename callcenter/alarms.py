"""What needs a hand, of the recordings and of the house: written by who watches it, shown by Health and the wallboard."""

from typing import Any

import orjson
import redis
import redis.asyncio

from callcenter import stream
from callcenter.events import AlarmChanged, public

KEY = "recordings:alarms"
"""Store hash: what (disk | storing | missing | keys | dispatch) -> JSON {"since", "detail", "where"}."""
SOURCE = "recordings"


def set_alarm(store: redis.Redis, what: str, detail: str, now: float, where: str = SOURCE) -> None:
    """`detail` says what is wrong, empty when all is well again; whoever watches is told of a difference."""
    kept: Any = store.hget(KEY, what)
    before = orjson.loads(kept)["detail"] if kept else ""
    if detail == before:
        return
    if detail:
        store.hset(KEY, what, orjson.dumps({"since": now, "detail": detail, "where": where}))
    else:
        store.hdel(KEY, what)
    told = AlarmChanged(now, where, what, bool(detail), detail)
    stream.append(store, stream.PUBLIC, public.encode(told))


async def standing(store: redis.asyncio.Redis) -> dict[str, dict[str, Any]]:
    """What -> since, detail."""
    found: Any = await store.hgetall(KEY)
    return {what.decode(): orjson.loads(body) for what, body in found.items()}
