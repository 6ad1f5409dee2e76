"""baresip, the second user agent that is none of ours, steered by its control port (netstrings of JSON).

Its sound card is a loop: whoever talks to it hears himself, both directions of audio in one frequency; the source
`SINE` speaks a tone instead.
"""

import asyncio
import contextlib
import json
from pathlib import Path

from tests import programs
from tests.events import PATIENCE, until
from tests.ports import free_port

LOOP = "aubridge,loop"
CONFIG = """\
sip_listen 127.0.0.1:{sip}
audio_player aubridge,loop
audio_source {source}
audio_alert aubridge,alert
ausrc_srate {rate}
ausrc_channels {channels}
auplay_srate 8000
module_path {modules}
module g711.so
module aubridge.so
module ausine.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


class Baresip:
    """One baresip process with one account, a line of its `accounts` file. `more`: lines of its configuration."""

    def __init__(self, folder: Path, account: str, source: str = LOOP, more: str = "") -> None:
        self.folder, self.control = folder, free_port()
        # The sine speaks nothing but stereo at 48 kHz.
        rate, channels = (8000, 1) if source == LOOP else (48000, 2)
        modules = next(Path("/usr").glob("lib*/**/baresip/modules"))
        (folder / "config").write_text(
            CONFIG.format(
                sip=free_port(),
                control=self.control,
                modules=modules,
                source=source,
                rate=rate,
                channels=channels,
            )
            + more
        )
        (folder / "accounts").write_text(f"{account}\n")
        (folder / "contacts").touch()
        self.said: list[str] = []
        """Types of its events so far, such as CALL_ESTABLISHED."""

    async def start(self) -> None:
        """Waits until it takes orders."""
        program = programs.find("baresip")
        assert program
        self.process = await asyncio.create_subprocess_exec(
            str(program), "-f", str(self.folder),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    reader, self._writer = await asyncio.open_connection("127.0.0.1", self.control)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        self._hearing = asyncio.create_task(self._hear(reader))

    async def tell(self, command: str, params: str = "") -> None:
        """Such as `dial`, `hangup`, `accept`."""
        body = json.dumps({"command": command, "params": params}).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        await self._writer.drain()

    async def established(self) -> None:
        """Its call is up in its own eyes; an order that needs one is nothing to it before."""
        await until(lambda: "CALL_ESTABLISHED" in self.said, "baresip's call is up")

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await self._hearing
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                message = json.loads((await reader.readexactly(length + 1))[:-1])
                if message.get("event"):
                    self.said.append(message["type"])
