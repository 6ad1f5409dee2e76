"""The SIP messages of each call of the last day, for who must show them to a carrier.

Kept in the line's folder, a file an hour, in blocks of a second's messages each (four bytes of length, then deflated
JSON lines), so that a kill loses one second. An index beside each names the call and the place of its blocks, so that
nothing of a day's calls need be kept in memory. Nothing secret is written: answers to digest challenges, SRTP keys and the
keys that a caller pressed are struck out.
"""

import asyncio
import contextlib
import hashlib
import re
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import orjson
import structlog

from callcenter.ids import new_id
from callcenter.telephony.line import SipMessage
from callcenter.telephony.sipua.transport import Flow

log = structlog.get_logger()

KEPT = 24 * 3600.0
"""Seconds that a file is kept behind its last message."""
PACE = 1.0
"""Seconds between two blocks."""
MOST = 400
"""SipMessages of one dialog that are kept; what comes later (a flood of INFO) is left out."""
LINGER = 32.0
"""Seconds that an ended dialog is listened to: 64 * T1, as long as a repetition may come (RFC 3261, 17.1.1.2)."""
STRANGER = 3.0
"""Seconds in which a dialog must become a leg's; one that is challenged or refused otherwise is forgotten."""
_LENGTH = struct.Struct(">I")
_ENTRY = struct.Struct(">8sQ")
"""Of an index: which call, and where a block with messages of it begins."""
_INDEX = ".idx"
_CALL_ID = re.compile(rb"\r\n(?:call-id|i)[ \t]*:[ \t]*([^\r\n]+)", re.IGNORECASE)
_SECRETS = (
    (b"response=", re.compile(r'(response)="?[^",\r\n]*"?', re.IGNORECASE), r'\1="-"'),
    (b"cnonce=", re.compile(r'(cnonce)="?[^",\r\n]*"?', re.IGNORECASE), r'\1="-"'),
    (b"inline:", re.compile(r"inline:[^\s|]+", re.IGNORECASE), "inline:-"),
)
"""What a message with the secret has in it, in small letters; the secret; what stands in its place."""
_PRESSED = re.compile(r"(?m)^(\s*Signal\s*=\s*)\S+|^[0-9A-D*#]\s*$")


@dataclass(slots=True)
class _Dialog:
    """A Call-ID. `leg` is empty until it is known whose it is; `noted`: messages so far; forgotten at `until`."""

    until: float
    leg: str = ""
    call: str = ""
    noted: int = 0


class Ladder:
    """`note` and `bind` on the line's event loop; files are written and read by one thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Files of our own: what a crash tore is never written on.
        self._start = new_id()
        self._dialogs: dict[str, _Dialog] = {}
        self._new: list[tuple[_Dialog, float, str, str, bytes]] = []
        self._of_leg: dict[str, list[_Dialog]] = {}
        self._thread = ThreadPoolExecutor(1, "ladder")
        self._writing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write from now on; what an earlier process kept is found too."""
        loop = asyncio.get_running_loop()
        self._writing = loop.create_task(self._run())
        loop.run_in_executor(self._thread, self._drop_old, time.time())

    async def stop(self) -> None:
        """Write what is left."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        await self._flush()
        self._thread.shutdown()

    def note(self, data: bytes, way: str, flow: Flow) -> None:
        """A message came (`in`) or went (`out`). Only dialogs that an INVITE began are followed."""
        found = _CALL_ID.search(data)
        if found is None:
            return
        call_id = found[1].decode("utf-8", "replace").strip()
        dialog = self._dialogs.get(call_id)
        if dialog is None:
            if not data.startswith(b"INVITE "):
                return
            dialog = self._dialogs[call_id] = _Dialog(time.time() + STRANGER)
        dialog.noted += 1
        if dialog.noted <= MOST:
            self._new.append((dialog, time.time(), way, f"{flow.transport}:{flow.address}", data))

    def bind(self, call_id: str, leg: str, call: str) -> None:
        """The dialog is that leg's, of that call."""
        until = time.time() + KEPT
        dialog = self._dialogs.setdefault(call_id, _Dialog(until))
        if dialog.leg == leg:
            return  # a session that ended before its ACK is kept once more: its dialog lingers as it did
        self._of_leg.setdefault(leg, []).append(dialog)
        dialog.leg, dialog.call, dialog.until = leg, call, until

    def close(self, leg: str) -> None:
        """The leg is over; its last answers may still come."""
        until = time.time() + LINGER
        for dialog in self._of_leg.pop(leg, ()):
            dialog.until = until

    async def find(self, call: str) -> list[SipMessage]:
        """Every message of a call, in order; [] when none is kept."""
        await self._flush()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, call)

    # ---- writing -------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PACE)
            await self._flush()

    async def _flush(self) -> None:
        new, self._new = self._new, []
        now = time.time()
        lines = [
            SipMessage(dialog.call, dialog.leg, at, way, peer, _struck(data))
            for dialog, at, way, peer, data in new
            if dialog.leg
        ]
        for call_id in [key for key, dialog in self._dialogs.items() if dialog.until < now]:
            del self._dialogs[call_id]
        self._new += [one for one in new if not one[0].leg and one[0].until >= now]
        if lines:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._append, now, lines)

    def _append(self, now: float, messages: list[SipMessage]) -> None:
        name = f"{time.strftime('%Y-%m-%dT%H', time.gmtime(now))}-{self._start}.sip"
        body = zlib.compress(b"\n".join(orjson.dumps(message) for message in messages), 6)
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path = self._folder / name
            if not path.exists():
                path.touch(0o600)
                path.with_suffix(_INDEX).touch(0o600)
                self._drop_old(now)
            with path.open("ab") as file, path.with_suffix(_INDEX).open("ab") as index:
                # First the index: a place where a crash let nothing come is harmless.
                at = file.tell()
                index.write(b"".join(_ENTRY.pack(_mark(call), at) for call in {one.call for one in messages}))
                file.write(_LENGTH.pack(len(body)) + body)
        except OSError as error:
            log.warning("SIP messages cannot be kept", error=str(error))

    def _drop_old(self, now: float) -> None:
        for path in self._folder.glob("*.sip"):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime < now - KEPT:
                    path.unlink()
                    path.with_suffix(_INDEX).unlink()

    # ---- reading -------------------------------------------------------------------------------------------------

    def _read(self, call: str) -> list[SipMessage]:
        found: list[SipMessage] = []
        for index in self._folder.glob(f"*{_INDEX}"):
            with contextlib.suppress(OSError):
                for at in _places(index.read_bytes(), call):
                    block = _block(index.with_suffix(".sip"), at)
                    found += [message for message in block if message.call == call]
        return sorted(found, key=lambda message: message.at)


def _mark(call: str) -> bytes:
    return hashlib.blake2b(call.encode(), digest_size=8).digest()


def _places(index: bytes, call: str) -> Iterator[int]:
    """Where blocks with messages of the call begin; a torn last entry does not count."""
    mark, at = _mark(call), -1
    while (at := index.find(mark, at + 1)) >= 0:
        if at % _ENTRY.size == 0 and at + _ENTRY.size <= len(index):
            yield _ENTRY.unpack_from(index, at)[1]


def _block(path: Path, at: int) -> list[SipMessage]:
    """The block there; [] for one that a crash tore."""
    with path.open("rb") as file:
        file.seek(at)
        head = file.read(_LENGTH.size)
        if len(head) < _LENGTH.size:
            return []
        body = file.read(_LENGTH.unpack(head)[0])
    try:
        return [SipMessage(**orjson.loads(line)) for line in zlib.decompress(body).split(b"\n")]
    except (zlib.error, ValueError, TypeError):
        return []


def _struck(data: bytes) -> str:
    """The message as text, without what is secret."""
    text, small = data.decode("utf-8", "replace"), data.lower()
    for sign, secret, instead in _SECRETS:
        if sign in small:
            text = secret.sub(instead, text)
    if b"dtmf" not in small:
        return text
    head, separator, body = text.partition("\r\n\r\n")
    if body and "dtmf" in head.lower():
        body = _PRESSED.sub(lambda found: f"{found[1] or ''}-", body)
    return head + separator + body
