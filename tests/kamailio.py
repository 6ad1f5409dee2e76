"""Kamailio as the registrar and proxy of a small office: whoever knows the secret registers, and whoever registered is
found by everybody."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

from tests import programs
from tests.events import PATIENCE
from tests.party import until

CONFIG = """\
#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
shm_force_alloc=no
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "max_contacts", 2)
modparam("registrar", "max_expires", {longest})
modparam("registrar", "min_expires", 1)
modparam("tm", "fr_inv_timer", 60000)
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_auth_check("office", "{secret}", "0", "0")) {{
            auth_challenge("office", "0");
            exit;
        }}
        save("location");
        xlog("L_ALERT", "registered <$tU>\\n");
        exit;
    }}
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        t_relay();
        exit;
    }}
    if (!is_method("INVITE") || !lookup("location")) {{
        if (!is_method("ACK")) sl_send_reply("404", "Not Found");
        exit;
    }}
    t_relay();
}}
"""


class Kamailio:
    """One Kamailio on a loopback port of its own; everybody's password is `secret`; it grants at most `longest` seconds."""

    def __init__(self, folder: Path, port: int, secret: str = "secret", longest: int = 3600) -> None:
        self.folder, self.port = folder, port
        self.address = f"127.0.0.1:{port}"
        modules = next(Path("/usr").glob("lib*/**/kamailio/modules"))
        (folder / "kamailio.cfg").write_text(
            CONFIG.format(port=port, modules=modules, secret=secret, longest=longest)
        )

    async def start(self) -> None:
        program = programs.find("kamailio")
        assert program
        self.log = self.folder / "kamailio.log"
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(program), "-f", str(self.folder / "kamailio.cfg"), "-DD", "-E", "-m", "16", "-M", "8",
                "-Y", str(self.folder), "-P", str(self.folder / "pid"),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        await until(self._listens, "Kamailio listens")

    def knows(self, user: str) -> bool:
        """Whether this user has registered."""
        return self.registrations(user) > 0

    def registrations(self, user: str) -> int:
        """How often this user has registered, or renewed it, since the start."""
        return self.log.read_text().count(f"registered <{user}>")

    async def stop(self) -> None:
        """SIGKILL, children too: one that is told to end while it still starts may wait a minute for its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()

    def _listens(self) -> bool:
        assert self.process.returncode is None, self.log.read_text()[-2000:]
        wanted = f":{self.port:04X} "
        return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())
