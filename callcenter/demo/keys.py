"""The demo's secrets and its trunk's port: made at the first start, kept in `demo.json` for its owner's eyes."""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from callcenter.demo.cast import WORKERS


@dataclass(frozen=True, slots=True)
class Keys:
    """`passwords` sign in at the pages, `phones` register SIP phones, by user name; `trunk`: UDP port of the town."""

    passwords: dict[str, str]
    phones: dict[str, str]
    trunk: int


def keep(data_dir: Path) -> Keys:
    """The kept ones, with a trunk port that is free now."""
    path = data_dir / "demo.json"
    stored = json.loads(path.read_text()) if path.is_file() else {}
    keys = Keys(
        passwords={worker.name: secrets.token_hex(4) for worker in WORKERS} | stored.get("passwords", {}),
        phones={worker.name: secrets.token_hex(8) for worker in WORKERS} | stored.get("phones", {}),
        trunk=_free(stored.get("trunk", 0)),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(keys), file)
    return keys


def read(data_dir: Path) -> Keys:
    """As the callers' process finds them."""
    return Keys(**json.loads((data_dir / "demo.json").read_text()))


def _free(wanted: int) -> int:
    """The port of last time when nobody has it, else any other."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free UDP port on 127.0.0.1")
