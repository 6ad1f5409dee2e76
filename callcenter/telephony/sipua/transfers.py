"""What the URIs and dialogs of transfers mean to this line (RFC 3515, RFC 3891)."""

from aiosipua import parse_uri

from callcenter.telephony.line import LineConfig, Phone, Trunk
from callcenter.telephony.sipua.agent import UserAgent
from callcenter.telephony.sipua.dialogs import flow_of_uri, user_of_uri
from callcenter.telephony.sipua.identity import e164
from callcenter.telephony.sipua.legs import Leg, leg_of
from callcenter.telephony.sipua.registrar import Registrar
from callcenter.telephony.sipua.replaces import NotReplaces, read_replaces
from callcenter.telephony.sipua.transactions import ServerTransaction
from callcenter.telephony.sipua.transport import join_host
from callcenter.telephony.sipua.trunks import Trunks


class Transfers:
    """Reads the trunks, the phones and the dialogs; changes nothing."""

    def __init__(self, agent: UserAgent, trunks: Trunks, registrar: Registrar) -> None:
        self._agent, self._trunks, self._registrar = agent, trunks, registrar
        self._config = LineConfig()

    def configure(self, config: LineConfig) -> None:
        self._config = config

    def refer_to(self, target: str, leg: Leg) -> str:
        """A trunk places the call itself; a phone calls through us."""
        if target.startswith(("sip:", "sips:", "tel:")):
            return target
        dialog = leg.session.dialog if leg.session is not None else None
        if dialog is None:
            return ""
        flow = dialog.flow
        trunk = self._trunks.of(flow)
        own = join_host(self._agent.host_towards(flow.host), self._agent.port)
        return f"sip:{target}@{trunk.address if trunk is not None else own}"

    def meant(self, uri: str) -> str:
        """The number or user that a URI of ours (or any with a number) means; another place's URI as it is."""
        user = user_of_uri(uri)
        if uri[:4].lower() == "tel:":
            # Visual separators (RFC 3966 section 5.1.1).
            return user.translate({ord(mark): None for mark in "-.()"})
        if e164(user, self._config.country):
            return user
        host, port = flow_of_uri(uri).host, parse_uri(uri).port
        if host in (self._config.realm, self._agent.host_towards(host)):
            # Another port of our host is another program, unless a proxy of ours has the name in its care.
            known = self._registrar.phone(user) is not None or user in self._config.numbers
            return user if known or port in (None, self._agent.port) else uri
        contacts = self._registrar.contacts(user)
        return user if any(flow_of_uri(contact).host == host for contact, _ in contacts) else uri

    def replaced(self, server: ServerTransaction, trunk: Trunk | None, phone: Phone | None) -> str | int:
        """The leg whose place the caller wants (RFC 3891 section 3), empty for none, or the status of a refusal."""
        wanted = server.request.headers.get("replaces")
        if not wanted:
            return ""
        try:
            replaces = read_replaces(", ".join(wanted))
        except NotReplaces:
            return 400
        session = self._agent.find(replaces)
        leg = leg_of(self._agent, replaces)
        if session is None or session.dialog is None or leg is None:
            return 603 if self._agent.ended_lately(replaces) else 481
        if phone is None and (trunk is None or self._trunks.of(session.dialog.flow) != trunk):
            return 403
        if replaces.early_only and session.up:
            return 486
        return leg.id if session.up or not leg.inbound else 481
