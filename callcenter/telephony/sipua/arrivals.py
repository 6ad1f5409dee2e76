"""INVITEs that begin a call: from which trunk, phone or stranger they come, and for whom."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from callcenter import events
from callcenter.telephony.line import LineConfig, Phone, Trunk
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import flow_of_uri, parse_address_uri, user_of, user_of_uri
from callcenter.telephony.sipua.identity import Caller, caller_of, diverted_from, e164
from callcenter.telephony.sipua.registrar import Registrar, caller_phone
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.transfers import Transfers
from callcenter.telephony.sipua.trunks import Trunks

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that is ours to take. With neither `trunk` nor `phone` it is a stranger's.

    `called`: a number of ours as it is configured, or what our phone dialled. `replaced`: the leg whose place it takes.
    """

    server: ServerTransaction
    caller: Caller
    called: str
    trunk: Trunk | None
    phone: Phone | None
    replaced: str
    diverted: str

    @property
    def source(self) -> str:
        """The address that it came from."""
        return self.server.inbound.flow.host

    @property
    def user(self) -> str:
        """The phone of ours that calls, empty for another."""
        return self.phone.user if self.phone else ""

    def event(self, line: str, leg: str) -> events.CallArrived:
        return events.CallArrived(
            at=time.time(),
            line=line,
            leg=leg,
            caller=self.caller.number,
            called=self.called,
            caller_name=self.caller.name,
            raw_caller=self.caller.raw,
            withheld=self.caller.withheld,
            trunk=self.trunk.name if self.trunk else "",
            phone=self.user,
            replaces=self.replaced,
            diverted_from=self.diverted,
        )


class Arrivals:
    """`strike`: told the address of who rings what is no number of ours."""

    def __init__(
        self,
        agent: UserAgent,
        registrar: Registrar,
        trunks: Trunks,
        transfers: Transfers,
        strike: Callable[[str], None],
    ) -> None:
        self._agent, self._registrar, self._trunks = agent, registrar, trunks
        self._transfers, self._strike = transfers, strike
        self._config = LineConfig()
        self._numbers: dict[str, str] = {}

    def configure(self, config: LineConfig) -> None:
        self._config = config
        self._numbers = {number.lower(): number for number in config.numbers}
        for number in config.numbers:
            self._numbers.setdefault(e164(number, config.country) or number.lower(), number)

    def read(self, server: ServerTransaction) -> Arrival | None:
        """Who calls whom; None when it was answered: challenged, refused, or for nobody here."""
        trunk = self._trunks.of(server.inbound.flow)
        phone = None if trunk else self._calling_phone(server)
        if phone is not None and phone.ha1 and not self._registrar.authenticated(server, phone, proxy=True):
            return None
        if self._agent.closed:
            server.reply(503, headers={"Retry-After": "5"})
            return None
        if trunk is None and phone is None and not self._config.open_calls:
            server.reply(403)
            return None
        replaced = self._transfers.replaced(server, trunk, phone)
        if isinstance(replaced, int):
            server.reply(replaced)
            return None
        country = trunk.country if trunk else self._config.country
        called = self._called(server, country) or (_dialled(server) if phone is not None or replaced else "")
        if not called:
            log.info("no such number: %s", server.request.uri)
            self._strike(server.inbound.flow.host)
            server.reply(404)
            return None
        trusted = trunk is not None and trunk.trusted
        caller = caller_of(server.request, country, trusted)
        diverted = diverted_from(server.request, country) if trusted else ""
        return Arrival(server, caller, called, trunk, phone, replaced, diverted)

    def _calling_phone(self, server: ServerTransaction) -> Phone | None:
        """The phone of ours that this INVITE claims to come from; a stranger's user of the same name is none."""
        phone = self._registrar.phone(caller_phone(server.request))
        if phone is None:
            return None
        domain = flow_of_uri(parse_address_uri(server.request.headers.get("from")[0])).host
        flow = server.inbound.flow
        if not phone.ha1:
            return phone if flow_of_uri(phone.address).host == flow.host else None
        ours = (
            self._config.realm,
            flow_of_uri(server.request.uri).host,
            self._agent.host_towards(flow.host),
        )
        return phone if domain in ours else None

    def _called(self, server: ServerTransaction, country: str) -> str | None:
        """The configured number that the Request-URI means; a registered trunk calls our contact and names it in To."""
        user = user_of_uri(server.request.uri)
        if user == self._agent.user:
            user = user_of(server.request.headers.get("to")[0])
        found = self._numbers.get(user.lower())
        return found or self._numbers.get(e164(user, country))


def _dialled(server: ServerTransaction) -> str:
    """What a phone of ours dialled: digits, or another phone's user part."""
    user = user_of_uri(server.request.uri)
    return user if 0 < len(user) <= 64 and user.isprintable() else ""
