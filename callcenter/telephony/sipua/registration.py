"""A registration of ours with a trunk or another registrar (RFC 3261 section 10.2), by digest."""

import asyncio
from collections.abc import Callable

from aiosipua import SipRequest, generate_call_id, generate_tag, parse_address

from callcenter.telephony.line import Trunk
from callcenter.telephony.sipua import digest
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import parse_address_uri
from callcenter.telephony.sipua.transport import Flow, join_host, split_host
from callcenter.telephony.sipua.wire import PRODUCT, Inbound

PERIOD = 600
"""Seconds that we ask a registration to last."""
AGAIN = 30.0
"""Seconds to wait after a registration that failed; doubled each time that we are refused, for whoever tries a wrong
password every half minute is taken for a guesser and banned."""
LONGEST = 480.0
"""The longest such wait."""


class Registration:
    """One registration of ours with a trunk or a registrar, renewed at 80 % of what it granted.

    `standing` says whether it holds now: a registrar that is silent or ails leaves us what it granted, one that
    refuses us does not. `on_change` is called whenever it was settled anew. Also used by the scripted `Phone`.
    """

    def __init__(
        self,
        agent: UserAgent,
        trunk: Trunk,
        period: int = PERIOD,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.trunk = trunk
        self.standing = False
        self._on_change = on_change
        self._good_until = 0.0
        self.code = 0
        self.changed = asyncio.Event()
        self._agent = agent
        self._period = period
        host, port = split_host(trunk.address)
        self._flow = Flow(trunk.transport, host, port)
        self._domain = join_host(host, port)
        self._call_id = generate_call_id(agent.host_towards(host))
        self._tag = generate_tag()
        self._cseq = 0
        self._tries = self._refused = 0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False
        self._send(self._period)

    def stop(self) -> None:
        """Take the binding back; the answer does not matter."""
        if self._timer is not None:
            self._timer.cancel()
        if not self._stopped:
            self._stopped = True
            self._tries = 0
            self._send(0)

    def renew(self) -> None:
        """Register at once: the registrar was away, and may have forgotten us."""
        if self._timer is not None and not self._stopped:
            self._timer.cancel()
            self._send(self._period)

    def _send(self, expires: int, authorization: tuple[str, str] | None = None) -> None:
        self._timer = None
        self._cseq += 1
        request = SipRequest(method="REGISTER", uri=f"sip:{self._domain}")
        headers = request.headers
        address = f"<sip:{self.trunk.username}@{self._domain}>"
        headers.set_single("Max-Forwards", "70")
        headers.set_single("From", f"{address};tag={self._tag}")
        headers.set_single("To", address)
        headers.set_single("Call-ID", self._call_id)
        headers.set_single("CSeq", f"{self._cseq} REGISTER")
        headers.set_single("Contact", self._agent.contact(self._flow))
        headers.set_single("Expires", str(expires))
        headers.set_single("User-Agent", PRODUCT)
        if authorization is not None:
            headers.set_single(*authorization)
        self._request = request
        self._agent.send(request, self._flow, lambda inbound: self._answered(inbound, expires), self._failed)

    def _answered(self, inbound: Inbound, expires: int) -> None:
        response = inbound.response
        code = response.status_code
        if code < 200:
            return
        if code in (401, 407) and (self._tries == 0 or (self._tries < 3 and digest.was_stale(response))):
            authorization = digest.answer(self._request, response, self.trunk.username, self.trunk.password)
            if authorization is not None:
                self._tries += 1
                self._send(expires, authorization)
                return
        if code == 423 and expires:
            least = response.headers.get_first("min-expires") or ""
            self._period = max(self._period + 1, int(least) if least.isdigit() else 0)
        granted = self._granted(inbound) if 200 <= code < 300 and expires else 0.0
        self._settle(code, granted)
        if not self._stopped:
            self._refused = self._refused + 1 if 400 <= code < 500 and code not in (408, 423) else 0
            again = min(AGAIN * 2 ** max(0, self._refused - 1), LONGEST)
            self._plan(granted * 0.8 if granted else 0.0 if code == 423 else again)

    def _failed(self) -> None:
        self._settle(408, 0.0)
        if not self._stopped:
            self._plan(AGAIN)

    def _settle(self, code: int, granted: float) -> None:
        now = asyncio.get_running_loop().time()
        if granted:
            self._good_until = now + granted
        elif not (code == 408 or code >= 500) or self._stopped:
            self._good_until = 0.0
        self.code, self.standing = code, now < self._good_until
        self._tries = 0
        self.changed.set()
        self._on_change()

    def _plan(self, delay: float) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(delay, 0.5), self._send, self._period)

    def _granted(self, inbound: Inbound) -> float:
        """Seconds that the other side gave our own contact."""
        headers = inbound.message.headers
        own = parse_address_uri(self._agent.contact(self._flow))
        for value in headers.get("contact"):
            if parse_address_uri(value) == own:
                text = parse_address(value).params.get("expires") or ""
                if text.isdigit():
                    return float(text)
        text = headers.get_first("expires") or ""
        return float(text) if text.isdigit() else float(self._period)
