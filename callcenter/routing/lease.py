"""One writer: who holds the conductor's lease writes the board, everybody else's scripts change nothing.

The lease is a key that lives TTL; its value names holder and epoch. Each commit is one Lua script that compares it,
and a sequence number, so that a commit whose answer was lost is not written twice.
"""

import asyncio
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from redis.commands.core import AsyncScript

from callcenter import commands, events, stream
from callcenter.routing import board
from callcenter.routing.step import Effects

LEASE = "conductor:lease"
EPOCH = "conductor:epoch"
TTL_MS = 3000
LIMIT = 5.0
"""Seconds that the store may take for one script."""
Operation = tuple[Any, ...]

# A lease that would live longer than it was given is one of before the store's clock was set back: its holder, if alive,
# renews it each second. The epoch never falls, not even with the store wiped: lines refuse commands of an older one.
_TAKE = """
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= tonumber(ARGV[2]) then return 0 end
local epoch = math.max(tonumber(redis.call('GET', KEYS[2]) or '0') + 1, tonumber(redis.call('TIME')[1]))
redis.call('SET', KEYS[2], string.format('%.0f', epoch))
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%.0f', epoch), 'PX', ARGV[2])
return epoch
"""
_RENEW = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
_LEAVE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
_COMMIT = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local seq, mine = tonumber(redis.call('HGET', KEYS[2], 'seq') or '0'), tonumber(ARGV[2])
if seq == mine then return 1 end
if seq ~= mine - 1 then return 0 end
local i, last = 5, #ARGV
while i <= last do
  local what, key, a, b = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  if what == 'h' then redis.call('HSET', key, a, b)
  elseif what == 'd' then redis.call('HDEL', key, a)
  elseif what == 's' then redis.call('SET', key, a)
  elseif what == 'x' then redis.call('XADD', key, 'MAXLEN', '~', ARGV[4], '*', 'body', a)
  else redis.call('XADD', key, 'MAXLEN', '~', ARGV[4], '*', 'body', a, 'epoch', b) end
  i = i + 4
end
redis.call('HSET', KEYS[2], 'seq', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""


class LeaseLost(Exception):
    """Another conductor may be writing: what this one has in memory is worth nothing any more."""


@dataclass(slots=True)
class Lease:
    """Held by `holder` in `epoch`; `seq` is the number of the last commit."""

    client: redis.asyncio.Redis
    holder: str
    epoch: int = 0
    seq: int = 0

    @property
    def value(self) -> str:
        return f"{self.holder}:{self.epoch}"

    async def take(self) -> bool:
        """Whether it is ours now; when another one holds it, it is not."""
        self.epoch = int(await self._run(_TAKE, [LEASE, EPOCH], self.holder, TTL_MS))
        if not self.epoch:
            return False
        self.seq = int(await self._seq() or 0)
        return True

    async def renew(self) -> None:
        """Live on; LeaseLost when it is not ours any more."""
        if not int(await self._run(_RENEW, [LEASE], self.value, TTL_MS)):
            raise LeaseLost

    async def leave(self) -> None:
        """Let a standby take over at once."""
        await self._run(_LEAVE, [LEASE], self.value)

    async def commit(self, operations: Iterable[Operation]) -> None:
        """Write all or nothing. LeaseLost: nothing was written. May be called again after a connection error."""
        flat: list[Any] = []
        for what, key, a, *b in operations:
            flat += (what, key, a, b[0] if b else "")
        sent = await self._run(
            _COMMIT, [LEASE, board.CURSOR], self.value, self.seq + 1, TTL_MS, stream.KEEP, *flat
        )
        if not int(sent):
            raise LeaseLost
        self.seq += 1

    def operations(self, effects: Effects) -> list[Operation]:
        """What a step's effects are in the store."""
        found: list[Operation] = [
            ("d", key, name) if body is None else ("h", key, name, body)
            for key, name, body in effects.changes
        ]
        found += [("x", stream.PUBLIC, events.public.encode(event)) for event in effects.events]
        found += [
            ("c", stream.line_commands(line), commands.line.encode(command), self.epoch)
            for line, command in effects.commands
        ]
        return found

    async def _seq(self) -> Any:
        answer: Any = self.client.hget(board.CURSOR, "seq")
        return await answer

    async def _run(self, script: str, keys: Sequence[str], *arguments: Any) -> Any:
        async with asyncio.timeout(LIMIT):
            return await _script(self.client, script)(keys=list(keys), args=list(arguments))


@functools.lru_cache
def _script(client: redis.asyncio.Redis, text: str) -> AsyncScript:
    return client.register_script(text)
