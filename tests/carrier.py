"""SIPp as a carrier: how it answers is said by the last three digits of the number that is dialled (`carrier.xml`).

Signalling is SIPp's; the voice of whoever is called there is a `Party` with a tone.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from aiosipua import SipMessage, SipRequest

from tests import programs
from tests.party import Party
from tests.ports import free_port
from tests.tones import loudest

SCENARIO = Path(__file__).parent / "sip" / "scenarios" / "carrier.xml"
REFUSALS = (403, 404, 480, 486, 500, 503, 603)
_TEST = """<ereg regexp="INVITE sip:[+0-9]*{code}@" search_in="msg" assign_to="is{code}"/>"""
_REFUSAL = """<label id="not{code}"/>
  <send next="acknowledged"><![CDATA[
SIP/2.0 {code} As dialled
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

  ]]></send>"""


class Carrier:
    """One SIPp on a loopback port of its own; it takes any number of calls."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.party = Party()
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._scenario = folder / "carrier.xml"
        self._scenario.write_text(_scenario())

    def invites(self, number: str) -> list[SipRequest]:
        """Every INVITE to this number (as it stands in the Request-URI) that came, retransmissions too."""
        found = [one for one in self._heard("INVITE") if f" sip:{number}@" in one.partition("\n")[0]]
        return [message for one in found if isinstance(message := SipMessage.parse(one), SipRequest)]

    def received(self, method: str) -> int:
        """Requests of this kind that came, retransmissions too."""
        return len(self._heard(method))

    def loudest(self) -> float:
        """Hz of what the party heard in the last half second."""
        return loudest(self.party.heard()[-4000:])

    def listen_to(self) -> int:
        """Send the party's voice to where the newest call wants it; that port, 0 without one."""
        log = self._folder / "carrier.log"
        ports = re.findall(r"media port\s+(\d+)", log.read_text()) if log.exists() else []
        self.party.to = int(ports[-1]) if ports else 0
        return self.party.to

    def _heard(self, method: str) -> list[str]:
        log = self._folder / "messages.log"
        text = log.read_text() if log.exists() else ""
        return [
            part.lstrip().replace("\n", "\r\n")
            for part in re.findall(r"message received \[\d+\] bytes :\s(.*?)(?=\n-{20}|\Z)", text, re.DOTALL)
            if part.lstrip().startswith(f"{method} ")
        ]

    @contextlib.asynccontextmanager
    async def running(self, tone: float) -> AsyncIterator["Carrier"]:
        sipp = programs.find("sipp")
        assert sipp
        process = await asyncio.create_subprocess_exec(
            str(sipp), "-sf", str(self._scenario), "-i", "127.0.0.1", "-p", str(self.port),
            "-key", "audio", str(self.party.port), "-nostdin", "-aa",
            "-trace_logs", "-log_file", "carrier.log", "-trace_err", "-error_file", "errors.log",
            "-trace_msg", "-message_file", "messages.log",
            cwd=self._folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        self.party.speak(tone)
        speaking = asyncio.create_task(self.party.run())
        try:
            yield self
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)
            if process.returncode is None:
                process.kill()
            await process.wait()


def _scenario() -> str:
    """SIPp cannot compute a status: each has a branch of its own."""
    tests = "\n".join(_TEST.format(code=code) for code in REFUSALS)
    ways = "\n".join(f'<nop next="not{code}" test="is{code}"/>' for code in REFUSALS)
    refusals = "\n".join(_REFUSAL.format(code=code) for code in REFUSALS)
    marked = {"tests of the status": tests, "refusals": f'{ways}\n<nop next="not404"/>\n{refusals}'}
    text = SCENARIO.read_text()
    for mark, meant in marked.items():
        text = text.replace(f"<!-- {mark} -->", meant)
    return text
