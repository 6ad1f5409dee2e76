"""Files of others that the pages use (Turbo, uPlot): named with their hashes in `package-lock.json`, never committed.

They are fetched once from the registry that npm is configured for, without Node. The pages work without them.
"""

import base64
import hashlib
import io
import json
import os
import shutil
import ssl
import subprocess
import tarfile
import urllib.parse
import urllib.request
from pathlib import Path

LOCK = Path(__file__).parent.parent / "package-lock.json"

WANTED = {
    "node_modules/@hotwired/turbo": {"dist/turbo.es2017-esm.js": "turbo.js"},
    "node_modules/uplot": {"dist/uPlot.esm.js": "uplot.js", "dist/uPlot.min.css": "uplot.css"},
}
"""Package -> file in its archive -> name under which the pages know it."""

LARGEST = 20 * 1024 * 1024
"""Bytes of one archive, packed; SHA-512 is checked before anything is unpacked."""


class FetchFailed(RuntimeError):
    """The text says what is missing and why."""


def folder(data_dir: Path) -> Path:
    """Beside the source when it is a writable tree, so that installations share it; else in the data folder."""
    return (
        LOCK.parent / ".assets" if LOCK.exists() and os.access(LOCK.parent, os.W_OK) else data_dir / "assets"
    )


def present(where: Path) -> bool:
    """Whether every file of this lock is there."""
    stamp = where / "lock.sha512"
    return LOCK.exists() and stamp.exists() and stamp.read_text() == _digest(LOCK.read_bytes())


def fetch(where: Path, timeout: float = 10.0) -> None:
    """Download, check and unpack what is missing. `timeout` in seconds per archive. Raises FetchFailed."""
    if present(where):
        return
    if not LOCK.exists():
        raise FetchFailed("package-lock.json does not lie beside the program.")
    where.mkdir(parents=True, exist_ok=True)
    source, locked = registry(), json.loads(LOCK.read_text())["packages"]
    for package, files in WANTED.items():
        name, entry = package.removeprefix("node_modules/"), locked[package]
        url = f"{source}/{name}/-/{name.rpartition('/')[2]}-{entry['version']}.tgz"
        packed = _download(url, name, timeout)
        algorithm, _, expected = entry["integrity"].partition("-")
        if algorithm != "sha512" or base64.b64encode(hashlib.sha512(packed).digest()).decode() != expected:
            raise FetchFailed(f"{name} is not what the lock names: its SHA-512 differs.")
        _unpack(packed, files, where)
    (where / "lock.sha512").write_text(_digest(LOCK.read_bytes()))


def registry() -> str:
    """Where npm is told to look: environment, else npm's own configuration. Raises FetchFailed when neither says."""
    value = os.environ.get("npm_config_registry") or _ask_npm()
    if urllib.parse.urlsplit(value).scheme not in {"https", "http"}:
        raise FetchFailed("No npm registry is known: install npm, or set npm_config_registry to its address.")
    return value.rstrip("/")


def _ask_npm() -> str:
    program = shutil.which("npm")
    if not program:
        return ""
    try:
        asked = subprocess.run(
            [program, "config", "get", "registry"],
            cwd=LOCK.parent,
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip()


def _download(url: str, name: str, timeout: float) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=timeout, context=ssl.create_default_context()) as answer:  # noqa: S310
            packed = answer.read(LARGEST + 1)
    except OSError as error:
        raise FetchFailed(f"{name} could not be fetched: {error}") from None
    if len(packed) > LARGEST:
        raise FetchFailed(f"{name} is larger than any release of it was.")
    return bytes(packed)


def _unpack(packed: bytes, files: dict[str, str], where: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        for inside, outside in files.items():
            member = archive.extractfile(f"package/{inside}")
            if member is None:
                raise FetchFailed(f"{inside} is not in its package.")
            part = where / f".{outside}.{os.getpid()}"
            part.write_bytes(member.read())
            part.replace(where / outside)


def _digest(content: bytes) -> str:
    return hashlib.sha512(content).hexdigest()
