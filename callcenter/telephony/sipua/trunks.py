"""The ways to the public network: known by address, or registered there by digest (RFC 3261 section 10.2)."""

import asyncio
import socket

from aiosipua import SipRequest, generate_call_id, generate_tag, parse_address

from callcenter.telephony.line import LineConfig, Trunk
from callcenter.telephony.sipua import digest
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import parse_address_uri
from callcenter.telephony.sipua.outbound import Target
from callcenter.telephony.sipua.transport import Flow, is_address, join_host, split_host
from callcenter.telephony.sipua.wire import PRODUCT, Inbound

PERIOD = 600
"""Seconds that we ask a registration to last."""
AGAIN = 30.0
"""Seconds to wait after a registration that failed."""


class Trunks:
    """Knows which trunk a request came by and which one carries a number; keeps registrations alive."""

    def __init__(self, agent: UserAgent) -> None:
        self._agent = agent
        self._config = LineConfig()
        self._registrations: dict[str, Registration] = {}
        self._hosts: dict[str, set[str]] = {}
        self._resolving: asyncio.Task[None] | None = None

    def configure(self, config: LineConfig) -> None:
        """Register what is new, leave what is gone."""
        self._config = config
        self._hosts = {trunk.name: {split_host(trunk.address)[0]} for trunk in config.trunks}
        if any(not is_address(split_host(trunk.address)[0]) for trunk in config.trunks):
            self._resolving = asyncio.get_running_loop().create_task(self._resolve(config))
        wanted = {trunk.name: trunk for trunk in config.trunks if trunk.register}
        for name, registration in list(self._registrations.items()):
            if wanted.get(name) != registration.trunk:
                registration.stop()
                del self._registrations[name]
        for name, trunk in wanted.items():
            if name not in self._registrations:
                self._registrations[name] = Registration(self._agent, trunk)

    def stop(self) -> None:
        if self._resolving is not None:
            self._resolving.cancel()
        for registration in self._registrations.values():
            registration.stop()
        self._registrations.clear()

    def of(self, flow: Flow) -> Trunk | None:
        """The trunk that owns this source: its address and port, else its address alone (carriers use many ports).

        On loopback the port decides: there every program has the same address.
        """
        by_host = None
        for trunk in self._config.trunks:
            if flow.host in self._hosts.get(trunk.name, ()):
                if flow.port == split_host(trunk.address)[1]:
                    return trunk
                by_host = by_host or trunk
        return None if flow.host.startswith("127.") or flow.host == "::1" else by_host

    def carrying(self, number: str, name: str = "") -> Trunk | None:
        """The named trunk, or the first whose prefixes fit; with `name` given, no other will do."""
        for trunk in self._config.trunks:
            if name and trunk.name != name:
                continue
            if name or not trunk.prefixes or number.startswith(trunk.prefixes):
                return trunk
        return None

    def target(self, trunk: Trunk, number: str, caller: str, caller_name: str) -> Target:
        """How to ring a number (E.164, or a SIP URI's user) by a trunk."""
        host, port = split_host(trunk.address)
        where, flow = join_host(host, port), Flow(trunk.transport, host, port)
        shown = trunk.caller or caller or trunk.username or "anonymous"
        name = f'"{_quotable(caller_name)}" ' if caller_name else ""
        return Target(
            uri=number if number.startswith(("sip:", "sips:")) else f"sip:{number}@{where}",
            flow=flow,
            caller=f"{name}<sip:{shown}@{where if trunk.register else self._agent.address_towards(flow)}>",
            username=trunk.username,
            password=trunk.password,
            srtp=trunk.srtp,
        )

    def registered(self, name: str) -> bool:
        registration = self._registrations.get(name)
        return registration is not None and registration.standing

    async def _resolve(self, config: LineConfig) -> None:
        loop = asyncio.get_running_loop()
        for trunk in config.trunks:
            host, port = split_host(trunk.address)
            if not is_address(host):
                try:
                    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
                except OSError:
                    continue
                self._hosts[trunk.name] |= {str(entry[4][0]) for entry in found}


class Registration:
    """One registration of ours with a trunk or a registrar, renewed at 80 % of what it granted.

    `standing` says whether it holds now. Also used by the scripted `Phone`.
    """

    def __init__(self, agent: UserAgent, trunk: Trunk, period: int = PERIOD) -> None:
        self.trunk = trunk
        self.standing = False
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
        self._tries = 0
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

    def _send(self, expires: int, authorization: tuple[str, str] | None = None) -> None:
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
        self._settle(code, 200 <= code < 300 and expires > 0)
        if not self._stopped:
            self._plan(self._granted(inbound) * 0.8 if self.standing else 0.0 if code == 423 else AGAIN)

    def _failed(self) -> None:
        self._settle(408, False)
        if not self._stopped:
            self._plan(AGAIN)

    def _settle(self, code: int, standing: bool) -> None:
        self.code, self.standing = code, standing
        self._tries = 0
        self.changed.set()

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


def _quotable(name: str) -> str:
    """A display name that cannot break out of its quotes."""
    return "".join(letter for letter in name if letter.isprintable() and letter not in '"\\<>')
