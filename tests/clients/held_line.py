"""An HTTP proxy in front of the storage that passes some PUTs and then hangs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx


@dataclass
class HeldLine:
    """The proxy. It passes `passes` PUTs before it hangs."""

    http: httpx.AsyncClient
    passes: int
    url: str = ""
    passed: list[int] = field(default_factory=list)
    """The numbers of the parts that reached the storage, in order."""
    holds: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the first request hangs."""
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection and at most one request."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            target, headers = _head((await reader.readuntil(b"\r\n\r\n")).decode())
            body = await reader.readexactly(int(headers["content-length"]))
            async with self._turn:
                if len(self.passed) == self.passes:
                    self.holds.set()
                    await asyncio.Event().wait()
                response = await self.http.put(target, content=body, headers=headers)
                self.passed.append(int(parse_qs(urlsplit(target).query)["partNumber"][0]))
            etag = response.headers["etag"]
            head = (
                f"HTTP/1.1 {response.status_code} x\r\nETag: {etag}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode())
            await writer.drain()


@contextlib.asynccontextmanager
async def held_line(passes: int) -> AsyncIterator[HeldLine]:
    """Run a proxy until the block ends."""
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        line = HeldLine(http, passes)
        connections: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            connections.add(asyncio.create_task(line.serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=2**20)
        line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield line
        finally:
            server.close()
            for each in connections:
                each.cancel()
            await asyncio.gather(*connections, return_exceptions=True)


def _head(text: str) -> tuple[str, dict[str, str]]:
    first, *rest = text.strip().split("\r\n")
    method, target, _ = first.split(" ")
    assert method == "PUT"
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}
    return target, {name: value for name, value in headers.items() if "connection" not in name}
