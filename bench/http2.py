"""A minimal gRPC client that uses little CPU, so that benchmarks measure the server.

grpc.aio's client takes as much CPU per call as a bare server. This one sends prepared HTTP/2 frames (RFC 9113, literal
headers of RFC 7541) and checks only length and end of responses. Anything unexpected raises AnswerError.
"""

import asyncio
import struct
import time
from collections.abc import Callable, Sequence

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 1, 1, 4
_HEADER_SIZE = 9
# The largest window, so that the client never delays responses.
_WINDOW = 2**31 - 1
_DEFAULT_WINDOW = 65_535
_SHORT, _MORE = 127, 128
_INITIAL_WINDOW_SIZE = 4
# The five bytes before a gRPC message.
PREFIX_SIZE = 5


class AnswerError(Exception):
    """A server sent an unexpected response."""


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Return an HTTP/2 frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def request(path: str, message: bytes, metadata: Sequence[tuple[str, str]] = ()) -> Callable[[int], bytes]:
    """Return a function that makes the frames of a unary call on a given stream."""
    pseudo = b"\x83\x86" + _literal(b"\x04", path) + _literal(b"\x01", "bench")  # POST, http, :path, :authority
    others = (("content-type", "application/grpc"), ("te", "trailers"), *metadata)
    headers = pseudo + b"".join(_literal(b"\x00" + _text(name), value) for name, value in others)
    body = b"\x00" + struct.pack(">I", len(message)) + message

    def frames(stream: int) -> bytes:
        return frame(_HEADERS, _END_HEADERS, stream, headers) + frame(_DATA, _END_STREAM, stream, body)

    return frames


class Caller(asyncio.Protocol):
    """A connection with `at_once` concurrent calls until `stop`. Records the seconds of each call."""

    def __init__(self, requests: Sequence[Callable[[int], bytes]], answer_size: int, at_once: int) -> None:
        self._requests = requests
        self._answer_size = answer_size + PREFIX_SIZE
        self._at_once = at_once
        self._stream = 1
        self._got: dict[int, int] = {}
        self._sent: dict[int, float] = {}
        self._unread = b""
        self._credit = 0
        self._is_stopping = False
        self._transport: asyncio.WriteTransport
        self.seconds: list[float] = []
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first calls."""
        self._transport = transport  # type: ignore[assignment]  # a stream's transport writes
        settings = struct.pack(">HI", _INITIAL_WINDOW_SIZE, _WINDOW)
        window = struct.pack(">I", _WINDOW - _DEFAULT_WINDOW)
        hello = _PREFACE + frame(_SETTINGS, 0, 0, settings) + frame(_WINDOW_UPDATE, 0, 0, window)
        self._transport.write(hello + b"".join(self._call() for _ in range(self._at_once)))

    def data_received(self, data: bytes) -> None:
        """Handle complete frames and send the next calls."""
        data = self._unread + data
        start, out = 0, []
        while len(data) - start >= _HEADER_SIZE:
            size = int.from_bytes(data[start : start + 3])
            end = start + _HEADER_SIZE + size
            if len(data) < end:
                break
            kind, flags = data[start + 3], data[start + 4]
            stream = int.from_bytes(data[start + 5 : start + 9])
            out.append(self._frame(kind, flags, stream, data[start + _HEADER_SIZE : end]))
            start = end
        self._unread = data[start:]
        if written := b"".join(out):
            self._transport.write(written)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail, unless all calls are done."""
        if not self.ended.done():
            self.ended.set_exception(AnswerError(f"the connection was lost: {exc}"))

    def stop(self) -> None:
        """Make no more calls. `ended` is set once all are answered."""
        self._is_stopping = True

    def _call(self) -> bytes:
        stream, self._stream = self._stream, self._stream + 2
        self._got[stream] = 0
        self._sent[stream] = time.perf_counter()
        return self._requests[stream // 2 % len(self._requests)](stream)

    def _frame(self, kind: int, flags: int, stream: int, payload: bytes) -> bytes:
        answer = b""
        if kind == _DATA:
            self._got[stream] += len(payload)
            answer = self._window(len(payload))
        elif kind == _SETTINGS and not flags & _ACK:
            return frame(_SETTINGS, _ACK, 0, b"")
        elif kind == _PING and not flags & _ACK:
            return frame(_PING, _ACK, 0, payload)
        elif kind in (_RST_STREAM, _GOAWAY):
            self._fail(f"frame {kind} on stream {stream}: {payload!r}")
        if kind in (_DATA, _HEADERS) and flags & _END_STREAM:
            answer += self._answered(stream)
        return answer

    def _answered(self, stream: int) -> bytes:
        self.seconds.append(time.perf_counter() - self._sent.pop(stream))
        if (size := self._got.pop(stream)) != self._answer_size:
            self._fail(f"response of {size - PREFIX_SIZE} bytes instead of {self._answer_size - PREFIX_SIZE}")
        if not self._is_stopping:
            return self._call()
        if not self._got and not self.ended.done():
            self.ended.set_result(None)
            self._transport.close()
        return b""

    def _window(self, size: int) -> bytes:
        self._credit += size
        if self._credit < _WINDOW // 4:
            return b""
        credit, self._credit = self._credit, 0
        return frame(_WINDOW_UPDATE, 0, 0, struct.pack(">I", credit))

    def _fail(self, text: str) -> None:
        if not self.ended.done():
            self.ended.set_exception(AnswerError(text))
        self._transport.abort()


def _literal(name: bytes, value: str) -> bytes:
    """Encode a header without indexing. `name` is an index byte, or zero and the encoded name."""
    return name + _text(value)


def _text(value: str) -> bytes:
    """Encode a string for HPACK: its length as a 7-bit prefix integer (RFC 7541, 5.1), then the bytes."""
    encoded = value.encode()
    if len(encoded) < _SHORT:
        return bytes([len(encoded)]) + encoded
    length, rest = [_SHORT], len(encoded) - _SHORT
    while rest >= _MORE:
        length.append(rest % _MORE + _MORE)
        rest //= _MORE
    return bytes([*length, rest]) + encoded
