"""An HTTP/2 client that opens streams, sends most of a body on each, and never ends one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import cast

from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamReset
from h2.exceptions import ProtocolError

CHUNK = bytes(16 * 1024)


class Greedy(asyncio.Protocol):
    """One connection with many open streams. Counts the statuses that it is answered."""

    def __init__(self, headers: Mapping[str, str], streams: int, body_bytes: int) -> None:
        self._headers = list(headers.items())
        self._left = dict.fromkeys(range(1, 2 * streams, 2), body_bytes)
        self._h2 = H2Connection()
        self.statuses: list[int] = []
        self.resets = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open all streams."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is not one by its class
        self._h2.initiate_connection()
        for stream in self._left:
            self._h2.send_headers(stream, self._headers)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Send on wherever a window has opened."""
        with contextlib.suppress(ProtocolError):
            for event in self._h2.receive_data(data):
                if isinstance(event, ResponseReceived):
                    self.statuses.append(int(dict(event.headers)[b":status"]))
                elif isinstance(event, StreamReset):
                    self.resets += 1
                elif isinstance(event, DataReceived):
                    self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if isinstance(event, ResponseReceived | StreamReset):
                    self._left.pop(event.stream_id or 0, None)
            self._send()

    def close(self) -> None:
        """Hang up."""
        self._transport.abort()

    def _send(self) -> None:
        for stream in self._left:
            with contextlib.suppress(ProtocolError):
                while size := min(self._left[stream], len(CHUNK), self._h2.local_flow_control_window(stream)):
                    self._h2.send_data(stream, CHUNK[:size])
                    self._left[stream] -= size
        self._transport.write(self._h2.data_to_send())


@contextlib.asynccontextmanager
async def greedy(
    address: str, headers: Mapping[str, str], *, connections: int, streams: int, body_bytes: int
) -> AsyncIterator[list[Greedy]]:
    """Hold streams open on several connections while the body runs."""
    host, _, port = address.partition(":")
    loop = asyncio.get_running_loop()
    opened = []
    try:
        for _ in range(connections):
            _, protocol = await loop.create_connection(lambda: Greedy(headers, streams, body_bytes), host, int(port))
            opened.append(protocol)
        yield opened
    finally:
        for each in opened:
            each.close()
