"""People's pages as a server sees them: the sign-in form, the page, and its live connection read to the end."""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator

import httpx

SHOWN = re.compile(rb'data-call=\\"([^"\\]+)\\"')
NOW = re.compile(rb'"now":([0-9.]+)')
TOKEN = re.compile(r'name="page-token" content="([^"]*)"')
AFTER = re.compile(r'<live-feed[^>]*src="(?:/desk|/board)/live[^"]*" after="([^"]*)"')
ROOM = 2**16
"""Bytes that wait at the socket, and as many in this process, when nobody reads."""


class Watcher:
    """One person's browser. `pops`: call -> (seconds since 1970 when its frame left the server, when it was here)."""

    def __init__(self, http: str, name: str, page: str) -> None:
        self.http, self.name, self.page = http, name, page
        self.pops: dict[str, tuple[float, float]] = {}
        self.shown = asyncio.Event()
        self.frames = self.bytes = 0
        self._cookie = self._token = self._after = ""
        self._task: asyncio.Task[None] | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading = asyncio.Event()
        self._reading.set()

    async def sign_in(self, password: str) -> None:
        """By the form; then the page is loaded."""
        async with httpx.AsyncClient(base_url=f"http://{self.http}", timeout=120, trust_env=False) as client:
            answer = await client.post("/sign-in", data={"name": self.name, "password": password})
            assert answer.status_code == 303, answer.text
            page = (await client.get(self.page)).text
            self._cookie = client.cookies["callcenter"]
        token, after = TOKEN.search(page), AFTER.search(page)
        assert token, page
        assert after, page
        self._token, self._after = token[1], after[1]

    async def open(self) -> None:
        """Open the live connection, with room for little that is not read."""
        path = f"{self.page}/live?after={self._after}&tab={self.name}"
        host, port = self.http.split(":")
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
        reader, self._writer = await asyncio.open_connection(sock=sock, limit=ROOM)
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {self.http}\r\nAccept: text/event-stream\r\n"
            f"Cookie: callcenter={self._cookie}\r\n\r\n".encode()
        )
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        self._task = asyncio.create_task(self._read(reader))

    async def choose(self, status: str) -> None:
        """The agent's own status, by the page's form."""
        headers = {"cookie": f"callcenter={self._cookie}", "x-page-token": self._token}
        async with httpx.AsyncClient(base_url=f"http://{self.http}", timeout=120, trust_env=False) as client:
            answer = await client.put("/desk/status", json={"status": status}, headers=headers)
        assert answer.status_code in (202, 303), answer.text

    def stall(self) -> None:
        """Read nothing any more; the connection stays."""
        self._reading.clear()

    def vanish(self) -> None:
        """Break the connection without a word."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def close(self) -> None:
        """The page is closed."""
        self._reading.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.vanish()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for chunk in _chunks(reader):
            here = time.time()
            self.frames += 1
            self.bytes += len(chunk)
            call = SHOWN.search(chunk) if b'"pop"' in chunk else None
            # A call that was shown before may be drawn again while the next one rings.
            if call and (name := call[1].decode()) not in self.pops:
                sent = NOW.search(chunk)
                self.pops[name] = (float(sent[1]) if sent else 0.0, here)
                self.shown.set()
            await self._reading.wait()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The parts of a chunked body (RFC 9112, 7.1), until it ends or the connection does."""
    try:
        while size := int(await reader.readline() or b"0", 16):
            yield (await reader.readexactly(size + 2))[:-2]
    except (asyncio.IncompleteReadError, ConnectionError):
        return
