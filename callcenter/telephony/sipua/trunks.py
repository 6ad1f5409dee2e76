"""The ways to the public network: known by address, or registered there; which are up, and what each carries."""

import asyncio
import socket
import time
from collections.abc import Callable

from callcenter import commands, events
from callcenter.telephony.line import LineConfig, Trunk
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.identity import e164, written
from callcenter.telephony.sipua.outbound import Target
from callcenter.telephony.sipua.probes import Probe
from callcenter.telephony.sipua.registration import Registration
from callcenter.telephony.sipua.transport import Flow, is_address, join_host, split_host

RESOLVED_EVERY = 60.0
"""Seconds between two look-ups of the trunks' names."""
NOBODY = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""From of a caller who withholds the number (RFC 3323 section 4.1.1.3)."""


class _Way:
    """One trunk in use: its registration, its keep-alive, and what was last said of it."""

    def __init__(self, agent: UserAgent, trunk: Trunk, changed: Callable[["_Way"], None]) -> None:
        self.trunk = trunk
        host, port = split_host(trunk.address)
        self.hosts = [host]
        self.told: bool | None = None

        def on_change() -> None:
            changed(self)

        def on_probed() -> None:
            if self.registration is not None and self._probe is not None and self._probe.up:
                self.registration.renew()
            changed(self)

        self.registration = Registration(agent, trunk, on_change=on_change) if trunk.register else None
        flow = Flow(trunk.transport, host, port)
        uri = f"sip:{join_host(host, port)}"
        self._probe = Probe(agent, uri, flow, trunk.keepalive, on_probed) if trunk.keepalive else None

    @property
    def up(self) -> bool | None:
        """None while nothing is known yet."""
        if self.registration is not None and not self.registration.standing:
            return False if self.registration.changed.is_set() else None
        return self._probe.up if self._probe is not None else self.registration is not None or None

    @property
    def why(self) -> str:
        if self.registration is not None and not self.registration.standing:
            return f"registration: {self.registration.code}"
        return f"OPTIONS: {self._probe.code}" if self._probe is not None and self._probe.up is False else ""

    def stop(self) -> None:
        if self.registration is not None:
            self.registration.stop()
        if self._probe is not None:
            self._probe.stop()


class Trunks:
    """Knows which trunk a request came by and which carry a number. `report` gets TrunkChanged."""

    def __init__(
        self, agent: UserAgent, line: str = "", report: Callable[[object], None] = lambda _: None
    ) -> None:
        self._agent = agent
        self._line = line
        self._report = report
        self._config = LineConfig()
        self._ways: dict[str, _Way] = {}
        self._resolving: asyncio.Task[None] | None = None

    def configure(self, config: LineConfig) -> None:
        """Register what is new, leave what is gone."""
        self._config = config
        wanted = {trunk.name: trunk for trunk in config.trunks}
        for name, way in list(self._ways.items()):
            if wanted.get(name) != way.trunk:
                way.stop()
                del self._ways[name]
        for name, trunk in wanted.items():
            if name not in self._ways:
                self._ways[name] = _Way(self._agent, trunk, self._changed)
        if self._resolving is not None:
            self._resolving.cancel()
        if any(not is_address(way.hosts[0]) for way in self._ways.values()):
            self._resolving = asyncio.get_running_loop().create_task(self._resolve())

    def stop(self) -> None:
        if self._resolving is not None:
            self._resolving.cancel()
        for way in self._ways.values():
            way.stop()
        self._ways.clear()

    def of(self, flow: Flow) -> Trunk | None:
        """The trunk that owns this source: its address and port, else its address alone (carriers use many ports).

        On loopback the port decides: there every program has the same address.
        """
        by_host = None
        for way in self._ways.values():
            if flow.host in way.hosts:
                if flow.port == split_host(way.trunk.address)[1]:
                    return way.trunk
                by_host = by_host or way.trunk
        return None if flow.host.startswith("127.") or flow.host == "::1" else by_host

    def at(self, host: str) -> bool:
        """Whether any trunk has this address."""
        return any(host in way.hosts for way in self._ways.values())

    def carrying(self, number: str, name: str = "") -> list[Trunk]:
        """The named trunk, else all whose prefixes fit, in their order; those that are down come last."""
        fitting = [
            trunk
            for trunk in self._config.trunks
            if trunk.name == name or not (name or (trunk.prefixes and not number.startswith(trunk.prefixes)))
        ]
        return sorted(fitting, key=lambda trunk: self.is_down(trunk.name))

    def is_down(self, name: str) -> bool:
        way = self._ways.get(name)
        return way is not None and way.up is False

    def targets(self, trunk: Trunk, command: commands.DialLeg) -> list[Target]:
        """How to ring a number (E.164, or a SIP URI) by a trunk: one way for each of its addresses, one after another.

        By TCP and TLS the connection tries the addresses, and by TLS the name must stay to be proved.
        """
        host, port = split_host(trunk.address)
        where = join_host(host, port)
        number = command.number
        uri = number if number.startswith(("sip:", "sips:")) else f"sip:{written(number, trunk)}@{where}"
        way = self._ways.get(trunk.name)
        hosts = way.hosts[1:] if way is not None and trunk.transport == "udp" else []
        return [
            self._target(trunk, command, uri, Flow(trunk.transport, each, port)) for each in hosts or [host]
        ]

    def registered(self, name: str) -> bool:
        way = self._ways.get(name)
        return way is not None and way.registration is not None and way.registration.standing

    def _target(self, trunk: Trunk, command: commands.DialLeg, uri: str, flow: Flow) -> Target:
        """Who calls: From, and what is asserted to the trunk alone (RFC 3325, RFC 3323, RFC 5806).

        A caller that is no number, such as a phone's name, is nobody to the public network: the trunk's own then.
        """
        given = e164(command.caller, trunk.country)
        shown = written(given or trunk.caller, trunk) or trunk.username
        domain = trunk.address if trunk.register else self._agent.address_towards(flow)
        name = _quotable(command.caller_name)
        sender = f'"{name}" <sip:{shown}@{domain}>' if name else f"<sip:{shown or 'anonymous'}@{domain}>"
        headers: dict[str, str] = {}
        if shown:
            headers["P-Asserted-Identity"] = f"<sip:{shown}@{domain}>"
        if command.withhold:
            headers["Privacy"] = "id"
        if command.diverted_from:
            first = written(command.diverted_from, trunk)
            headers["Diversion"] = f"<sip:{first}@{domain}>;reason=unconditional;counter=1"
        caller = NOBODY if command.withhold else sender
        return Target(uri, flow, caller, trunk.username, trunk.password, headers, trunk.srtp, trunk.name)

    def _changed(self, way: _Way) -> None:
        """Tell of it once; while nothing is known there is nothing to tell."""
        up = way.up
        if up is not None and up != way.told and self._ways.get(way.trunk.name) in (way, None):
            way.told = up
            self._report(events.TrunkChanged(time.time(), self._line, way.trunk.name, up, way.why))

    async def _resolve(self) -> None:
        """A and AAAA records of the trunks' names, again and again; SRV is left to a proxy in front (RFC 3263)."""
        loop = asyncio.get_running_loop()
        while True:
            for way in list(self._ways.values()):
                if is_address(way.hosts[0]):
                    continue
                try:
                    found = await loop.getaddrinfo(way.hosts[0], None, type=socket.SOCK_DGRAM)
                except (OSError, UnicodeError):
                    continue
                way.hosts[1:] = dict.fromkeys(str(entry[4][0]) for entry in found)
            await asyncio.sleep(RESOLVED_EVERY)


def _quotable(name: str) -> str:
    """A display name that cannot break out of its quotes."""
    return "".join(letter for letter in name if letter.isprintable() and letter not in '"\\<>')
