"""Which browser tab holds an agent's desk: `desk:<user>` in the store, a lease that the tab's connection refreshes.

The conductor reads it: with the lease gone, the agent's desk is lost and no call is offered. A tab that shows the desk
itself (`desk`) takes it from one that only shows the strip on another page (`strip`), never from another desk.
"""

import redis.asyncio

LEASE = 15_000
"""Milliseconds."""
REFRESH = 4.0
"""Seconds."""

# Takes a free seat, refreshes that of our own tab; a desk takes a strip's.
_HOLD = """
local held = redis.call('GET', KEYS[1])
local function tab(seat) return string.sub(seat, string.find(seat, ':', 1, true) + 1) end
local ours = held and tab(held) == tab(ARGV[1])
if ours or (not held) or ARGV[3] == '1'
        or (string.sub(held, 1, 6) == 'strip:' and string.sub(ARGV[1], 1, 5) == 'desk:') then
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
end
return 0
"""


async def hold(store: redis.asyncio.Redis, agent: str, tab: str, by_force: bool = False) -> bool:
    """False when another tab has it. `tab` is `desk:ID` or `strip:ID`."""
    return bool(await store.eval(_HOLD, 1, key(agent), tab, LEASE, "1" if by_force else "0"))


async def leave(store: redis.asyncio.Redis, agent: str) -> bool:
    """Give it up; whether anybody held it."""
    return bool(await store.delete(key(agent)))


def key(agent: str) -> str:
    """The lease's name in the store."""
    return f"desk:{agent}"
