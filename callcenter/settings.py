"""Every setting, by environment (`CALLCENTER_*`) or one TOML file; a wrong one stops the start with a sentence."""

import contextlib
import difflib
import ipaddress
import os
import re
import sys
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

LANGUAGES = ("en", "zh_Hans", "zh_Hant")
SPOKEN = {"en": "en", "zh_Hans": "cmn", "zh_Hant": "yue"}
"""Spoken language of a written one, unless the customer's record says otherwise."""

_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DialClass = Literal["internal", "national", "international", "premium"]
DIALLERS = ("machine", "agent", "lead", "supervisor", "quality", "admin", "auditor")


class TrunkSettings(BaseModel):
    """A way to the public network; see `callcenter.telephony.line.Trunk`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^\S{1,64}$")
    address: str
    country: str = Field(default="", pattern="^([A-Z]{2})?$")
    transport: Literal["udp", "tcp", "tls"] = "udp"
    username: str = ""
    password: str = ""
    register_here: bool = Field(default=False, alias="register")
    caller: str = ""
    prefixes: tuple[str, ...] = ()
    srtp: Literal["off", "may", "must"] = "may"
    channels: int = Field(default=0, ge=0)
    keepalive: float = Field(default=30.0, ge=0)
    number_format: Literal["+e164", "e164", "national"] = "+e164"
    trusted: bool = True
    release: bool = False

    @field_validator("address")
    @classmethod
    def _address(cls, value: str) -> str:
        if not host_port(value)[1]:
            raise ValueError("port 0 is none that can be called")
        return value

    @field_validator("register_here")
    @classmethod
    def _account(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("username"):
            raise ValueError("a trunk that registers needs a username")
        return value


class ExtensionSettings(BaseModel):
    """An extension of a PBX that the driver `pyvoip` registers."""

    model_config = ConfigDict(extra="forbid")

    user: str
    password: str


class Settings(BaseSettings):
    """One installation. Two may run side by side on one machine with other ports and folders."""

    model_config = SettingsConfigDict(
        env_prefix="CALLCENTER_", extra="forbid", populate_by_name=True, allow_inf_nan=False
    )

    data_dir: Path = Path("var")
    http: str = "127.0.0.1:8080"
    sip: str = "127.0.0.1:5060"
    sip_also: tuple[str, ...] = ()
    """More addresses for UDP and TCP, such as `[::]:5060` beside `0.0.0.0:5060`."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_authorities: Path | None = None
    """PEM file of who may sign the certificates of trunks and phones that we call; by default whom the system trusts."""
    tls_minimum: Literal["1.2", "1.3"] = "1.3"
    sip_tls: tuple[str, ...] = ()
    """Addresses for TLS, such as `0.0.0.0:5061`; they need `tls_certificate` and `tls_key`."""
    sip_advertised: str = Field(default="", pattern=r"^[A-Za-z0-9.:\[\]_-]{0,253}$")
    """Host that our Via, Contact and SDP name, when it is not the one we bind (NAT, containers)."""
    rtp_ports: str = "20000-29999"
    phone_keepalive: float = Field(default=20.0, ge=0, le=60)
    """Seconds between two OPTIONS to each registered phone; 0 asks none."""
    srtp: Literal["off", "may", "must"] = "may"
    """Whether phones and strangers have encrypted audio; each trunk has its own."""
    silent_after: float = Field(default=30.0, ge=1, le=600)
    """Seconds without any audio packet from a party that should send, after which it counts as lost."""
    recording_disk_mb: int = Field(default=2048, ge=200)
    """Free megabytes on the disk of the recordings' spool under which there is an alarm, a twentieth of it where that
    is less; under 200 MB nothing more is recorded."""
    driver: Literal["sipua", "pjsua2", "pyvoip", "fake"] = "sipua"
    pjsua2_conversations: int = Field(default=8, ge=1, le=64)
    """PJSIP processes of the driver `pjsua2`: each carries one conversation and takes about 24 MB."""
    pbx: str = ""
    """Address of the PBX at which the driver `pyvoip` registers, host:port."""
    extensions: tuple[ExtensionSettings, ...] = ()
    """The extensions there, each with `user` and `password`; a user is one of `numbers`, or To names one."""
    line: str = Field(default="line1", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    """Name of this line process; unique over all lines of the installation."""
    database_url: str = ""
    redis_url: str = Field(
        default="", validation_alias=AliasChoices("redis_url", "REDIS_URL", "CALLCENTER_REDIS_URL")
    )
    country: str = "CN"
    zone: str = "Asia/Shanghai"
    languages: tuple[str, ...] = LANGUAGES
    numbers: tuple[str, ...] = ("hotline",)
    """User parts that reach the default plan; any other called number is answered 404."""
    trunks: tuple[TrunkSettings, ...] = ()
    destinations: tuple[str, ...] = (r"\+[1-9]\d{6,14}", r"[1-9]\d{2,5}")
    """Regular expressions, one of which a number that we dial must match whole; a SIP URI at a host that is no trunk's
    only one that begins with `sip`. Each line enforces its own."""
    dial_classes: tuple[DialClass, ...] = ("internal", "national", "international")
    """Classes of numbers that anybody here may dial: internal | national | international | premium."""
    dial_plans: dict[str, tuple[DialClass, ...]] = Field(default_factory=dict)
    """Role (of `people.rights`, or `machine` for calls that the house places) -> the classes it may dial;
    DIAL_CLASSES for a role that is not named."""
    phone_hosts: tuple[str, ...] = ()
    """Hosts outside of private networks at which phones that do not register may be rung."""
    calls_per_minute: int = Field(default=600, ge=0)
    """Calls to numbers that one line places; 0 = no limit, as in all that follow."""
    calls_per_minute_trunk: int = Field(default=300, ge=0)
    calls_per_minute_phone: int = Field(default=20, ge=0)
    """Calls that one of our phones places."""
    calls_per_minute_source: int = Field(default=60, ge=0)
    """Calls from one address that is neither a trunk's nor a phone's."""
    calls_at_once_source: int = Field(default=20, ge=0)
    calls_per_minute_class: dict[str, int] = Field(
        default_factory=lambda: {"international": 60, "premium": 10}
    )
    calls_at_once_class: dict[str, int] = Field(default_factory=lambda: {"international": 30, "premium": 5})
    messages_per_second: int = Field(default=100, ge=0)
    """SIP messages from one stranger's address; who sends more is banned. 0 = nobody is."""
    ban_seconds: float = Field(default=3600.0, ge=1)
    """How long a scanner, a flood or a guesser is not heard."""
    refuse_withheld: bool = False
    """Refuse callers who hide their number."""
    refusal: Literal["silent", "spoken"] = "silent"
    """Whether barred callers hear a sentence (before any answer: it costs them nothing) or are refused without a word."""
    lock_after: int = Field(default=10, ge=0, le=1000)
    """Wrong passwords in a row after which nobody signs in by that name until an administrator unlocks; 0 = never."""
    supervision: Literal["open", "private"] = "open"
    """Whether the agent sees that a supervisor is in the call."""
    second_call: Literal["refuse", "wait"] = "refuse"
    """A colleague's call to an agent who is busy: refused (486), or let the phone signal it (call waiting)."""
    resume_within: float = Field(default=300.0, ge=0, le=3600)
    """Seconds in which a caller who hung up while waiting, or was cut off, has the place back; 0 = never."""
    trusted_sources: tuple[str, ...] = ("127.0.0.1", "::1")
    """Addresses that are never limited or banned as strangers, such as a proxy in front."""
    open_calls: bool = True
    """Let calls in from sources that are neither trunk nor registered phone."""
    smtp: str = ""
    """`smtp://user:password@host:port` or `smtps://...`; empty sends no mail."""
    mail_from: str = "hotline@localhost"
    public_url: str = ""
    """Address of the pages in mails; by default http://<CALLCENTER_HTTP>."""
    outbound_hours: str = "08:00-21:00"
    """When a machine may call, at the called party's local time."""
    outbound_attempts: int = Field(default=3, ge=1, le=20)
    outbound_gap: float = Field(default=900.0, gt=0)
    """Seconds between two attempts; doubled at each further one."""
    callback_delay: float = Field(default=0.0, ge=0)
    """Seconds from a settlement that was reported back to the callback; 0 = the next working day at opening."""
    callback_mode: Literal["customer_first", "agent_first"] = "customer_first"
    survey_delay: float = Field(default=300.0, ge=0)
    """Seconds from closing to the survey call."""
    clock_scale: float = Field(default=1.0, gt=0)
    """Factor on every policy's target; the demo and tests run policies in seconds."""
    greeting: bool = True
    recording_key: str = ""
    """Keys of the recordings, base64 of 32 bytes each, the first one seals; empty: DATA_DIR/recording.key."""
    recordings: str = ""
    """Folder of the sealed recordings; empty: DATA_DIR/recordings."""
    recording_format: Literal["flac", "mp3"] = "flac"
    recording_pause: float = Field(default=120.0, ge=5, le=3600)
    """Seconds after which a pause for card data ends by itself."""
    agents_hear_own: bool = False
    """Agents may hear the calls they spoke in."""
    guests_go_on: bool = True
    """Whether a customer and a number outside may go on when the agent leaves their conference."""
    demo: bool = False

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, _toml_file())

    @field_validator("pbx")
    @classmethod
    def _pbx(cls, value: str) -> str:
        if value:
            host_port(value)
        return value

    @field_validator("http", "sip")
    @classmethod
    def _host_port(cls, value: str) -> str:
        host_port(value)
        return value

    @field_validator("trunks")
    @classmethod
    def _trunks(cls, value: tuple[TrunkSettings, ...]) -> tuple[TrunkSettings, ...]:
        names = [trunk.name for trunk in value]
        if len(set(names)) < len(names):
            raise ValueError("two trunks have the same name")
        return value

    @field_validator("sip_also", "sip_tls")
    @classmethod
    def _host_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            host_port(address)
        return value

    @field_validator("sip_tls")
    @classmethod
    def _certified(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and not (info.data.get("tls_certificate") and info.data.get("tls_key")):
            raise ValueError("it needs CALLCENTER_TLS_CERTIFICATE and CALLCENTER_TLS_KEY")
        return value

    @field_validator("numbers")
    @classmethod
    def _numbers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = next(
            (one for one in value if not re.fullmatch(r"[\w.+*#!~'()&=$,;?/-]{1,64}", one, re.ASCII)), None
        )
        if wrong is not None:
            raise ValueError(f"{wrong!r} is no number that can be called")
        return value

    @field_validator("trusted_sources")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            ipaddress.ip_address(address)
        return value

    @field_validator("tls_certificate", "tls_key", "tls_authorities")
    @classmethod
    def _file(cls, value: Path | None) -> Path | None:
        if value is not None and not os.access(value, os.R_OK):
            raise ValueError(f"{value} is no file that can be read")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_url(cls, value: str) -> str:
        if value and not re.match(r"(redis|rediss|unix)://.", value):
            raise ValueError("not redis://, rediss:// or unix:// with an address")
        return value

    @field_validator("database_url")
    @classmethod
    def _database_url(cls, value: str) -> str:
        if value and not re.match(r"(sqlite://|postgres(ql)?(\+psycopg)?://).", value):
            raise ValueError("not sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        return value

    @field_validator("zone")
    @classmethod
    def _zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not an IANA time zone such as Asia/Shanghai")
        return value

    @field_validator("country")
    @classmethod
    def _country(cls, value: str) -> str:
        if not re.fullmatch("[A-Z]{2}", value):
            raise ValueError(f"{value!r} is not an ISO 3166 country code such as CN")
        return value

    @field_validator("languages")
    @classmethod
    def _languages(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [language for language in value if language not in LANGUAGES]
        if unknown or not value:
            raise ValueError(f"choose from {', '.join(LANGUAGES)}")
        return value

    @field_validator("rtp_ports")
    @classmethod
    def _rtp_ports(cls, value: str, info: ValidationInfo) -> str:
        first, last = port_range(value)
        for address in (info.data.get("sip", ""), *info.data.get("sip_also", ())):
            if address and first <= host_port(address)[1] <= last:
                raise ValueError(f"{value} holds the port of {address}, by which SIP comes: keep them apart")
        return value

    @field_validator("phone_hosts")
    @classmethod
    def _phone_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host(one) for one in value)

    @field_validator("outbound_hours")
    @classmethod
    def _outbound_hours(cls, value: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)", value):
            raise ValueError(f"{value!r} is not HH:MM-HH:MM")
        return value

    @field_validator("dial_plans")
    @classmethod
    def _dial_plans(cls, value: dict[str, tuple[DialClass, ...]]) -> dict[str, tuple[DialClass, ...]]:
        if set(value) - set(DIALLERS):
            raise ValueError(f"choose from {', '.join(DIALLERS)}")
        return value

    @field_validator("calls_per_minute_class", "calls_at_once_class")
    @classmethod
    def _by_class(cls, value: dict[str, int]) -> dict[str, int]:
        if set(value) - set(get_args(DialClass)) or any(most < 0 for most in value.values()):
            raise ValueError(f"choose from {', '.join(get_args(DialClass))}, and 0 or more calls")
        return value

    @field_validator("destinations")
    @classmethod
    def _destinations(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return value

    @property
    def sql(self) -> str:
        """SQLAlchemy URL of the record."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.absolute() / 'callcenter.db'}"
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", self.database_url)

    @property
    def file_store(self) -> Path:
        """Folder of the sealed recordings."""
        return Path(self.recordings) if self.recordings else self.data_dir / "recordings"

    @property
    def home_zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def pages(self) -> str:
        """Address of the pages, without a slash at the end."""
        return (self.public_url or f"http://{self.http}").rstrip("/")


def load(**overrides: Any) -> Settings:
    """Read settings; on a wrong one print a sentence that names it and leave with 2."""
    for name in sorted(os.environ):
        if name.startswith("CALLCENTER_") and name not in _variables():
            likely = difflib.get_close_matches(name, _variables(), 1)
            print(f"{name} is no setting{f'; {likely[0]} is' if likely else ''}.", file=sys.stderr)
            raise SystemExit(2)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        for problem in error.errors():
            name = ".".join(str(part) for part in problem["loc"])
            text = problem["msg"].removeprefix("Value error, ")
            field = name.partition(".")[0].upper()
            variable = field if field == "REDIS_URL" else f"CALLCENTER_{field}"
            print(f"Setting {name.lower()} (environment {variable}) is wrong: {text}", file=sys.stderr)
        raise SystemExit(2) from None
    except SettingsError as error:
        found = re.search('field "([a-z_]+)"', str(error))
        where = f"Setting {found[1]} (environment CALLCENTER_{found[1].upper()})" if found else "A setting"
        print(f"{where} is wrong: it is not JSON", file=sys.stderr)
        raise SystemExit(2) from None
    except ValueError as error:
        print(f"The settings cannot be read: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    settings.data_dir = settings.data_dir.expanduser().absolute()
    return settings


def _variables() -> set[str]:
    return {f"CALLCENTER_{name.upper()}" for name in Settings.model_fields} | {"CALLCENTER_CONFIG"}


def host_port(value: str) -> tuple[str, int]:
    """`127.0.0.1:5060` or `[::1]:5060`. ValueError with a sentence otherwise."""
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([^:\s\[\]]+)):(\d{1,5})", value)
    if not found or int(found[3]) > 65535:
        raise ValueError(f"{value!r} is not host:port, such as 127.0.0.1:5060")
    return found[1] or found[2], int(found[3])


def host(value: str) -> str:
    """An IP address, without brackets, or a host's name (RFC 1123, 2.1). ValueError with a sentence otherwise."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(value.removeprefix("[").removesuffix("]")))
    # what ends in a number is an address that was mistyped (RFC 3696, 2)
    if len(value) > 253 or not re.fullmatch(rf"({_LABEL}\.)*(?!\d+$){_LABEL}", value):
        raise ValueError(f"{value!r} is no host, such as phones.example.org or 203.0.113.7, without a port")
    return value.lower()


def port_range(value: str) -> tuple[int, int]:
    """`20000-29999`: first and last port, with room for the two parties of a call. ValueError with a sentence otherwise."""
    found = re.fullmatch(r"(\d{1,5})-(\d{1,5})", value)
    if not found or not 1024 <= int(found[1]) < int(found[2]) <= 65535:
        raise ValueError(f"{value!r} is not FIRST-LAST within 1024-65535, such as 20000-29999")
    first, last = int(found[1]), int(found[2])
    if (last - first - first % 2 + 1) // 2 < 2:
        raise ValueError(
            f"{value} has no room for a call: each of its two parties needs an even port and the next one"
        )
    return first, last


def _toml_file() -> Path | None:
    """`CALLCENTER_CONFIG`, else `callcenter.toml` in the data folder when it exists."""
    named = os.environ.get("CALLCENTER_CONFIG")
    if named:
        if not Path(named).is_file():
            raise ValueError(f"CALLCENTER_CONFIG names {named}, which is no file")
        return Path(named)
    beside = Path(os.environ.get("CALLCENTER_DATA_DIR", "var")) / "callcenter.toml"
    return beside if beside.is_file() else None
