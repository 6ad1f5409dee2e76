"""What a line lets out and in by its own settings, whatever commands and configurations say.

The store is reachable by our processes alone; should somebody write into it all the same, a forged command or a forged
`LineConfig` finds these bounds: destinations, classes, trunks, hosts of phones, calls a minute.
"""

import dataclasses
import ipaddress
import re
import time

from callcenter import commands
from callcenter.telephony import dialplan
from callcenter.telephony.dialplan import EMERGENCY, Bounds
from callcenter.telephony.limits import Limits, Traffic
from callcenter.telephony.line import LineConfig, Phone, Trunk
from callcenter.telephony.sipua.dialogs import flow_of_uri, user_of_uri
from callcenter.telephony.sipua.identity import Caller
from callcenter.telephony.sipua.transport import Flow, is_address, split_host

_EXTENSION = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,31}|[0-9]{1,6}")
"""User part at which a phone behind a trunk's own address may be rung: never a number of the public network."""

_NEAR = [
    ipaddress.ip_network(one)
    for one in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]


class Gate:
    """Asked by the driver for each call that goes out or comes in."""

    def __init__(self, bounds: Bounds, limits: Limits) -> None:
        self.traffic = Traffic(limits)
        self._bounds = bounds
        self._config = LineConfig()
        self._barred: dict[str, float] = {}

    def bound(self, config: LineConfig) -> LineConfig:
        """The configuration without trunks and phones that our own settings do not allow."""
        known = self._bounds.trunks
        trunks = tuple(one for one in config.trunks if known is None or (one.name, one.address) in known)
        self._config = dataclasses.replace(config, trunks=trunks)
        self._barred = {one.number: one.until for one in config.barred}
        phones = tuple(phone for phone in config.phones if phone.ha1 or self._may_stand_there(phone))
        open_calls = config.open_calls and self._bounds.open_calls
        self._config = dataclasses.replace(self._config, phones=phones, open_calls=open_calls)
        return self._config

    def class_of(self, number: str) -> str:
        """EMERGENCY, a class of `dialplan.CLASSES`, or empty for what cannot be dialled. Of a SIP URI its user part
        counts; one that is no number is as far away as a number abroad."""
        if not is_uri(number):
            return dialplan.class_of(number, self._config.country)
        kind = dialplan.class_of(user_of_uri(number), self._config.country)
        return "international" if kind in ("", EMERGENCY) else kind

    def refusal(self, command: commands.DialLeg, kind: str, trunk: Trunk | None) -> str:
        """Empty when the number may be dialled now, else the code of the `CommandRefused`."""
        if kind == EMERGENCY:
            return ""
        number, config = command.number, self._config
        if not kind or not dialplan.may_dial(config.plans, command.role, kind):
            return "not_allowed"
        if is_uri(number) and self.trunk_at(flow_of_uri(number)) is not None:
            number = user_of_uri(number)
        if not dialplan.matches(config.destinations, number) or not self._bounds.admit(number, kind):
            return "not_allowed"
        free = self.traffic.may_place(kind, trunk.name if trunk else "", time.monotonic())
        return "" if free else "no_capacity"

    def may_ring(self, uri: str, flow: Flow) -> bool:
        """Whether a phone's contact may be rung: one at a trunk's own address only by an extension, for else a phone
        would be a way around the dial plan."""
        return self.trunk_at(flow) is None or bool(_EXTENSION.fullmatch(user_of_uri(uri)))

    def is_emergency(self, number: str) -> bool:
        return dialplan.is_emergency(number, self._config.country)

    def is_barred(self, caller: Caller, now: float) -> bool:
        """Whether this caller is refused. `now`: seconds since 1970."""
        if caller.withheld:
            return self._config.refuse_withheld
        until = self._barred.get(caller.number)
        return until is not None and (not until or now < until)

    def trunk_at(self, flow: Flow) -> Trunk | None:
        """The trunk whose own address this is."""
        for trunk in self._config.trunks:
            if split_host(trunk.address) == (flow.host, flow.port):
                return trunk
        return None

    def _may_stand_there(self, phone: Phone) -> bool:
        if not phone.address:
            return False
        flow = flow_of_uri(phone.address)
        hosts = self._bounds.phone_hosts
        near = hosts is None or flow.host.lower() in hosts or _is_near(flow.host)
        return near and self.may_ring(phone.address, flow)


def is_uri(number: str) -> bool:
    return number.startswith(("sip:", "sips:"))


def _is_near(host: str) -> bool:
    """Loopback, or an address of a private network (RFC 1918, RFC 4193)."""
    if not is_address(host):
        return False
    address = ipaddress.ip_address(host.strip("[]"))
    return any(address in network for network in _NEAR)
