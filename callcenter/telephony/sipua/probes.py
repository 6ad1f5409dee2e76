"""OPTIONS as a keep-alive: whether a trunk or a phone still answers (RFC 3261 section 11)."""

import asyncio
from collections.abc import Callable

from aiosipua import SipRequest, generate_call_id, generate_tag

from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.transport import Flow
from callcenter.telephony.sipua.wire import PRODUCT, Inbound

SILENCE = 8
"""Times T1 that an answer may take: 4 seconds and three repetitions."""


def ask(agent: UserAgent, uri: str, flow: Flow, answered: Callable[[int], None]) -> None:
    """Send one OPTIONS; `answered` is told the status once, 408 for silence and for a connection that broke."""
    request = SipRequest(method="OPTIONS", uri=uri)
    headers = request.headers
    own = agent.contact(flow)
    headers.set_single("Max-Forwards", "70")
    headers.set_single("From", f"{own};tag={generate_tag()}")
    headers.set_single("To", f"<{uri}>")
    headers.set_single("Call-ID", generate_call_id(agent.host_towards(flow.host)))
    headers.set_single("CSeq", "1 OPTIONS")
    headers.set_single("Contact", own)
    headers.set_single("Accept", "application/sdp")
    headers.set_single("User-Agent", PRODUCT)
    open_ = True

    def settle(code: int) -> None:
        nonlocal open_
        if open_ and code >= 200:
            open_ = False
            patience.cancel()
            answered(code)

    def heard(inbound: Inbound) -> None:
        settle(inbound.response.status_code)

    patience = asyncio.get_running_loop().call_later(SILENCE * agent.timers.t1, settle, 408)
    agent.send(request, flow, heard, lambda: settle(408))


class Probe:
    """Asks every `interval` seconds. One that fell silent is asked again after a fifth of that.

    `up` is None before the first answer or silence. It changes after `TURNS` results in a row that say the same, so
    that one lost packet is no alarm; a first answer decides alone. `on_change` is called at each change.
    """

    TURNS = 2

    def __init__(
        self, agent: UserAgent, uri: str, flow: Flow, interval: float, on_change: Callable[[], None]
    ) -> None:
        self.up: bool | None = None
        self.code = 0
        self._agent, self._uri, self._flow = agent, uri, flow
        self._interval = interval
        self._on_change = on_change
        self._against = 0
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self._ask()

    def stop(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()

    def _ask(self) -> None:
        ask(self._agent, self._uri, self._flow, self._answered)

    def _answered(self, code: int) -> None:
        """Any answer shows that somebody is there, but one that says it takes no calls: 503."""
        if self._stopped:
            return
        well = code not in (408, 503)
        self.code = code
        self._against = 0 if well == self.up else self._against + 1
        changes = self._against >= self.TURNS or (self.up is None and well)
        if changes:
            self.up, self._against = well, 0
        wait = self._interval if well == self.up else self._interval / 5
        self._timer = asyncio.get_running_loop().call_later(wait, self._ask)
        if changes:
            self._on_change()
