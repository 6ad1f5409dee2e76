"""What needs a hand although every part is alive: told by lines (`LineAlarm`) and by the recordings' worker."""

from typing import Any

import orjson
import redis.asyncio

from callcenter import alarms


async def standing(store: redis.asyncio.Redis) -> list[dict[str, Any]]:
    """Every alarm as what, where (a line, or `recordings`; empty for the house), detail."""
    found = [
        {"what": what, "where": one.get("where", alarms.SOURCE), "detail": one["detail"]}
        for what, one in (await alarms.standing(store)).items()
    ]
    lines: Any = await store.hgetall("board:lines")
    for name, body in lines.items():
        for what, detail in orjson.loads(body).get("alarms", {}).items():
            found.append({"what": what, "where": name.decode(), "detail": detail})
    return sorted(found, key=lambda one: (one["what"], one["where"]))
