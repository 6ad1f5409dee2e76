"""Where SIP comes from and goes to: a `Flow`, and addresses as text. Pure."""

import ipaddress
from dataclasses import dataclass

SIP_PORT, SIPS_PORT = 5060, 5061


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from or shall go. `transport` is udp | tcp | tls.

    `connection` numbers a connection, or the socket that a datagram came to; 0 when there is none yet.
    """

    transport: str
    host: str
    port: int
    connection: int = 0

    @property
    def address(self) -> str:
        return join_host(self.host, self.port)

    @property
    def reliable(self) -> bool:
        """Over a connection, which repeats what is lost and says when it breaks."""
        return self.transport != "udp"


def join_host(host: str, port: int) -> str:
    """`host:port`, an IPv6 literal in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


def split_host(address: str, default_port: int = SIP_PORT) -> tuple[str, int]:
    """`host:port`, `[v6]:port` or `host` taken apart. Raises ValueError for a port that is no number."""
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        return host, int(rest[1:]) if rest.startswith(":") else default_port
    host, colon, port = address.rpartition(":")
    if not colon or ":" in host:
        return address, default_port
    return host, int(port)


def is_address(host: str) -> bool:
    """Whether `host` is an IP literal, which needs no look-up."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
