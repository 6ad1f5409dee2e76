"""Which driver the settings name, and what it is told."""

from callcenter.settings import SPOKEN, Settings, host_port, port_range
from callcenter.telephony import pyvoip
from callcenter.telephony.dialplan import Bounds
from callcenter.telephony.fake import FakeLine
from callcenter.telephony.limits import Limits
from callcenter.telephony.line import Line
from callcenter.telephony.pjsua2 import driver as pjsua2
from callcenter.telephony.sipua.driver import Options, SipuaLine
from callcenter.telephony.sipua.guard import Rules
from callcenter.telephony.sipua.tls import Tls
from callcenter.telephony.sipua.transport import Listen


class Unavailable(RuntimeError):
    """The driver that the settings name cannot run here; the text says why and what to do."""


def driver(settings: Settings) -> Line:
    """The driver that the settings name. Raises Unavailable with a sentence when it cannot run here, OSError for
    certificates that cannot be used."""
    match settings.driver:
        case "fake":
            return FakeLine(settings.line, spool=options(settings).spool)
        case "pjsua2":
            if why := pjsua2.missing():
                raise Unavailable(f"Setting driver (environment CALLCENTER_DRIVER) is pjsua2, but {why}.")
            return pjsua2.PjsuaLine(options(settings), settings.pjsua2_conversations)
        case "pyvoip":
            return _pyvoip(settings)
    return SipuaLine(options(settings))


def _pyvoip(settings: Settings) -> Line:
    why = pyvoip.missing()
    if not why and not (settings.pbx and settings.extensions):
        why = (
            "it needs a PBX: set pbx (CALLCENTER_PBX) to its host:port and extensions (CALLCENTER_EXTENSIONS) "
            'to a list such as [{"user": "hotline", "password": "..."}]'
        )
    if not why and settings.sip.startswith(("0.0.0.0:", "[")):
        why = "pyVoIP needs the one IPv4 address of this machine that the PBX reaches: set sip (CALLCENTER_SIP) to it"
    if why:
        raise Unavailable(f"Setting driver (environment CALLCENTER_DRIVER) is pyvoip, but {why}.")
    from callcenter.telephony.pyvoip.driver import PyvoipLine

    accounts = tuple((one.user, one.password) for one in settings.extensions)
    return PyvoipLine(options(settings), host_port(settings.pbx), accounts)


def options(settings: Settings) -> Options:
    """What every driver with a network is told."""
    host, port = host_port(settings.sip)
    return Options(
        line=settings.line,
        host=host,
        port=port,
        also=(
            *(Listen(*host_port(address)) for address in settings.sip_also),
            *(Listen(*host_port(address), tls=True) for address in settings.sip_tls),
        ),
        tls=Tls(settings.tls_certificate, settings.tls_key, settings.tls_authorities, settings.tls_minimum),
        advertised=settings.sip_advertised,
        rtp_ports=port_range(settings.rtp_ports),
        data_dir=settings.data_dir.absolute(),
        silent_after=settings.silent_after,
        phone_keepalive=settings.phone_keepalive,
        bounds=bounds(settings),
        limits=limits(settings),
        guard=Rules(settings.messages_per_second, settings.ban_seconds, frozenset(settings.trusted_sources)),
        disk_limit=settings.recording_disk_mb * 1024 * 1024,
        farewell=tuple(SPOKEN[one] for one in settings.languages) if settings.refusal == "spoken" else (),
    )


def bounds(settings: Settings) -> Bounds:
    """What this line allows at most, whatever the store tells it."""
    every = set(settings.dial_classes).union(*settings.dial_plans.values())
    return Bounds(
        destinations=settings.destinations,
        classes=tuple(sorted(every)),
        trunks=frozenset((trunk.name, trunk.address) for trunk in settings.trunks),
        phone_hosts=frozenset(settings.phone_hosts),
        open_calls=settings.open_calls,
    )


def limits(settings: Settings) -> Limits:
    """How many calls this line places and takes."""
    return Limits(
        placed=settings.calls_per_minute,
        trunk=settings.calls_per_minute_trunk,
        phone=settings.calls_per_minute_phone,
        source=settings.calls_per_minute_source,
        source_at_once=settings.calls_at_once_source,
        classes=settings.calls_per_minute_class,
        classes_at_once=settings.calls_at_once_class,
    )
