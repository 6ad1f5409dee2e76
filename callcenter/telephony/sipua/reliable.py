"""Provisional answers that must arrive (RFC 3262): each is repeated until its PRACK, one after the other."""

import asyncio
import secrets
from collections.abc import Callable

from aiosipua import SipMessage, SipRequest, SipResponse

from callcenter.telephony.sipua.transactions import ServerTransaction, Timers

MOST = 2**31 - 1


def rseq_of(message: SipMessage) -> int:
    """RSeq of a provisional answer that wants a PRACK; 0 for one that does not."""
    text = message.headers.get_first("rseq") or ""
    required = (tag.strip().lower() for tag in message.headers.get("require"))
    return int(text) if text.isdigit() and int(text) <= MOST and "100rel" in required else 0


class Reliable:
    """The reliable answers to one INVITE. `settled` is called whenever none waits any more, `give_up` once when no
    PRACK came for 64 * T1."""

    def __init__(
        self,
        server: ServerTransaction,
        timers: Timers,
        settled: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        self._server, self._timers = server, timers
        self._settled, self._give_up = settled, give_up
        self._rseq = secrets.randbelow(MOST // 2) + 1
        self._queue: list[SipResponse] = []
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0

    @property
    def describing(self) -> bool:
        """Whether SDP of ours waits for its PRACK: then no 2xx may go out (section 3)."""
        return any(response.body for response in self._queue)

    def send(self, response: SipResponse) -> None:
        """Now, or when those before it arrived."""
        response.headers.append("Require", "100rel")
        response.headers.set_single("RSeq", str(self._rseq))
        self._rseq += 1
        self._queue.append(response)
        if len(self._queue) == 1:
            self._begin()

    def knows(self, request: SipRequest) -> bool:
        """Whether a PRACK is for the one that waits for it (section 3)."""
        if not self._queue:
            return False
        wanted = [self._queue[0].headers.get_first("rseq"), str(self._server.inbound.cseq), "INVITE"]
        return (request.headers.get_first("rack") or "").split() == wanted

    def acknowledged(self, request: SipRequest) -> None:
        """It arrived: the next one's turn."""
        if self.knows(request):
            self._queue.pop(0)
            self._begin()

    def stop(self) -> None:
        """A final answer takes their place."""
        self._queue.clear()
        self._cancel()

    def _begin(self) -> None:
        self._cancel()
        if self._queue:
            self._deadline = asyncio.get_running_loop().time() + self._timers.timeout
            self._repeat(self._timers.t1)
        else:
            self._settled()

    def _repeat(self, interval: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._deadline:
            self.stop()
            self._give_up()
            return
        self._server.respond(self._queue[0])
        self._timer = loop.call_later(interval, self._repeat, interval * 2)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
