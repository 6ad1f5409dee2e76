"""SIPp as a caller whose voice is a `Party`: SIPp does the signalling, real RTP comes from Python (see TELEPHONY)."""

import asyncio
import re
from pathlib import Path

from tests import programs
from tests.party import Party, until

CALL = """<?xml version="1.0" encoding="UTF-8"?>
<scenario name="customer">
  <send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: "[name]" <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[caller]@[local_ip]:[local_port];transport=[transport]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [audio] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=sendrecv
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200" rrs="true">
    <action>
      <ereg regexp="m=audio ([0-9]+)" search_in="body" check_it="true" assign_to="line,port"/>
      <log message="media port [$port]"/>
    </action>
  </recv>
  <Reference variables="line"/>
  <send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
Max-Forwards: 70
From: "[name]" <sip:[caller]@[local_ip]:[local_port]>;tag=[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Content-Length: 0

  ]]></send>
  <recv request="BYE"/>
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

  ]]></send>
</scenario>
"""


class Caller:
    """One call by SIPp to `service`; it waits for the other side's BYE. The voice is `party`."""

    def __init__(self, folder: Path, server: str, service: str, caller: str, name: str = "caller") -> None:
        self.folder, self.server, self.service, self.caller, self.name = folder, server, service, caller, name
        self.party = Party()
        self.process: asyncio.subprocess.Process | None = None

    async def ring(self) -> None:
        """Start, and wait until the call is answered and our voice knows where to go."""
        scenario, log = self.folder / "customer.xml", self.folder / "customer.log"
        scenario.write_text(CALL)
        sipp = programs.find("sipp")
        assert sipp
        self.process = await asyncio.create_subprocess_exec(
            str(sipp), self.server, "-sf", str(scenario), "-s", self.service, "-m", "1", "-i", "127.0.0.1",
            "-key", "caller", self.caller, "-key", "name", self.name, "-key", "audio", str(self.party.port),
            "-trace_logs", "-log_file", str(log), "-trace_err", "-error_file", str(self.folder / "errors.log"),
            "-nostdin", "-timeout", "300",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, cwd=self.folder,
        )  # fmt: skip
        await until(lambda: log.exists() and "media port" in log.read_text(), "SIPp's call to be answered")
        found = re.search(r"media port\s+(\d+)", log.read_text())
        assert found
        self.party.to = int(found[1])

    async def over(self) -> int:
        """Wait for the end; SIPp's exit code, 0 when the whole scenario was followed."""
        assert self.process
        return await asyncio.wait_for(self.process.wait(), 60)

    def kill(self) -> None:
        if self.process and self.process.returncode is None:
            self.process.kill()
