"""A TCP proxy between a client and the edge that breaks the connection when certain answers come back."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from hpack import Decoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_BYTES = 9
HEADERS, PADDED, PRIORITY = 1, 0x8, 0x20
CHUNK_BYTES = 65_536
_REQUEST_LINE = re.compile(rb"^(?:POST|GET|PUT|DELETE) (\S+) HTTP/1\.1\r$", re.MULTILINE)


@dataclass
class LossyLine:
    """The proxy. `losses` says how many answers of each method to lose; the requests always arrive."""

    losses: Counter[str]
    url: str = ""
    lost: list[str] = field(default_factory=list)
    """The methods whose answers were lost, in order."""

    def loses(self, path: str) -> bool:
        """Decide whether to lose an answer."""
        if not self.losses[path]:
            return False
        self.losses[path] -= 1
        self.lost.append(path)
        return True


class LostAnswerError(Exception):
    """An answer was lost: the connection breaks."""


@dataclass
class Connection:
    """One connection through the proxy, in HTTP/2 (gRPC) or HTTP/1.1 (gRPC-Web and REST)."""

    line: LossyLine
    decoder: Decoder = field(default_factory=Decoder)
    paths: dict[int, str] = field(default_factory=dict)
    """The path of each stream's request; of HTTP/1.1, the newest at 0."""
    is_http2: bool | None = None

    async def to_edge(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass requests on, and note their paths."""
        unread = b""
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            unread += chunk
            if self.is_http2 is None:
                if len(unread) < len(PREFACE) and PREFACE.startswith(unread):
                    continue
                self.is_http2 = unread.startswith(PREFACE)
                unread = unread[len(PREFACE) :] if self.is_http2 else unread
            if self.is_http2:
                frames, unread = frames_of(unread)
                for kind, flags, stream, payload in frames:
                    if kind == HEADERS:
                        self.paths[stream] = self._path(flags, payload)
            elif found := _REQUEST_LINE.findall(unread):
                self.paths[0], unread = found[-1].decode(), b""

    async def to_client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass answers back, until one is to be lost."""
        unread = b""
        while chunk := await reader.read(CHUNK_BYTES):
            if self.is_http2:
                frames, rest = frames_of(unread + chunk)
                for kind, _, stream, _ in frames:
                    # The first frame of headers begins the answer, the second ends it.
                    if kind == HEADERS and (path := self.paths.pop(stream, None)) and self.line.loses(path):
                        raise LostAnswerError(path)
                writer.write((unread + chunk)[: len(unread + chunk) - len(rest)])
                unread = rest
            else:
                if (path := self.paths.pop(0, None)) and self.line.loses(path):
                    raise LostAnswerError(path)
                writer.write(chunk)

    def _path(self, flags: int, payload: bytes) -> str:
        padding = payload[0] if flags & PADDED else 0
        start = (1 if flags & PADDED else 0) + (5 if flags & PRIORITY else 0)
        headers = dict(self.decoder.decode(payload[start : len(payload) - padding], raw=True))
        return bytes(headers[b":path"]).decode()


def frames_of(content: bytes) -> tuple[list[tuple[int, int, int, bytes]], bytes]:
    """Split bytes into whole HTTP/2 frames (type, flags, stream, payload) and the rest."""
    frames: list[tuple[int, int, int, bytes]] = []
    while len(content) >= HEAD_BYTES:
        end = HEAD_BYTES + int.from_bytes(content[:3], "big")
        if len(content) < end:
            break
        stream = int.from_bytes(content[5:HEAD_BYTES], "big")
        frames.append((content[3], content[4], stream, content[HEAD_BYTES:end]))
        content = content[end:]
    return frames, content


@contextlib.asynccontextmanager
async def lossy_line(edge: str, losses: Mapping[str, int]) -> AsyncIterator[LossyLine]:
    """Run a proxy to the edge (host:port) until the block ends. `losses` counts the answers to lose by method."""
    line, tasks = LossyLine(Counter(losses)), set[asyncio.Task[None]]()
    host, _, port = edge.partition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            from_edge, edge_writer = await asyncio.open_connection(host, int(port))
            writers.append(edge_writer)
            connection = Connection(line)
            pumps = [
                asyncio.create_task(connection.to_edge(reader, edge_writer)),
                asyncio.create_task(connection.to_client(from_edge, writer)),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            for each in writers:
                each.transport.abort()
            for each in writers:
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.create_task(serve(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    line.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
