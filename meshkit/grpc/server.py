"""The gRPC server that every process runs, and its whole life: start, serve, drain, close."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from meshkit.errors import LensfeedError, UnimplementedError
from meshkit.grpc.channelz import SERVICE_NAME as CHANNELZ
from meshkit.grpc.channelz import add_channelz
from meshkit.grpc.health import Check, Health
from meshkit.grpc.in_flight import InFlight
from meshkit.grpc.layers import Layer, Method, compose, default_layers, ops_layers
from meshkit.grpc.status import code_of, trailers_of
from meshkit.identity.mtls import listen
from meshkit.identity.parts import MeshIdentity
from meshkit.logs import LogFormat
from meshkit.settings import Settings

# What adds a servicer: the generated `add_…Servicer_to_server`, with its servicer bound.
Registration = Callable[[Any], None]
# A loop beside the server. It returns soon after the event is set; one that returns or raises before ends the process.
Background = Callable[[asyncio.Event], Awaitable[None]]
MAX_MESSAGE_BYTES = 1024 * 1024
# How long clients may take to hear that we go, before their health watches are cut.
FAREWELL_SECONDS = 0.5
# What a handler that was cancelled may take for its `finally`.
CANCELLED_SECONDS = 2.0
# Client keepalive is 30 s (channels.py), the edge's 5 s; a server minimum above it would answer GOAWAY too_many_pings.
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
# What every process answers beside its own services.
BESIDE = (health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME, CHANNELZ)
_log = structlog.get_logger()
if TYPE_CHECKING:
    _GenericRpcHandler = grpc.GenericRpcHandler[Any, Any]
    _RpcMethodHandler = grpc.RpcMethodHandler[Any, Any]
else:  # generic in their stubs only
    _GenericRpcHandler = grpc.GenericRpcHandler
    _RpcMethodHandler = grpc.RpcMethodHandler


class ServerSettings(Settings):
    """The settings of every service and worker."""

    listen_addr: str = "127.0.0.1:0"
    """Where the process serves gRPC and health checks. Port 0 takes a free port."""
    max_in_flight: int = 512
    """Calls served at once. Further calls are refused with OVERLOADED."""
    default_deadline_seconds: float = 15.0
    """The deadline of a call that states none."""
    mesh_tls: Path | None = None
    """The folder of certificates that `lensfeed certs` makes. With it, the parts of a mesh talk to each other by mTLS only."""
    drain_seconds: float = 10.0
    """How long calls in progress may take to finish after SIGTERM."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL. At DEBUG the edge logs every call."""
    log_format: LogFormat = "auto"
    """`console`, `json`, or `auto`: readable on a terminal, JSON elsewhere."""

    def identity_of(self, part: str) -> MeshIdentity | None:
        """Return who `part` (user, feed, …) is by its certificate, or None in a mesh without mTLS. Raises SettingsError."""
        return None if self.mesh_tls is None else MeshIdentity.find(self.mesh_tls, part)


@dataclass(frozen=True, slots=True)
class Process:
    """What one process does: the services it answers for, the loops beside them, and what it cannot work without."""

    name: str
    """As in logs: its room, and what it does beside serving (`feed_svc`, `post_svc work`)."""
    registrations: Sequence[Registration] = ()
    background: Mapping[str, Background] = field(default_factory=dict)
    dependencies: Mapping[str, Check] = field(default_factory=dict)
    layers: Sequence[Layer] = ()
    """What calls pass beside the layers that every server has, right inside of them."""

    @property
    def part(self) -> str:
        """The part of the mesh that it belongs to: `post` of `post_svc work`."""
        return self.name.partition(" ")[0].removesuffix("_svc")


class LoopEndedError(Exception):
    """A background loop returned although nobody stopped the process."""


async def serve(process: Process, settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain: NOT_SERVING, no new calls, those in flight finish, loops end.

    Raises what a background loop raised, after the drain: a process without one of its loops must not go on.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with running(process, settings, stopping) as address:
        _log.info("serving", address=address)
        await stopping.wait()
        _log.info("draining")


@contextlib.asynccontextmanager
async def running(
    process: Process, settings: ServerSettings, stopping: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """Run a process's server and loops while the body runs; yields the address it listens on."""
    stopping = stopping or asyncio.Event()
    health = Health(process.dependencies)
    in_flight = InFlight()
    identity = settings.identity_of(process.part)
    layers = default_layers(
        max_in_flight=settings.max_in_flight,
        default_deadline=settings.default_deadline_seconds,
        mutual_tls=identity is not None,
    )
    server, names = build_server(process.registrations, (in_flight.layer, *layers, *process.layers))
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, server)
    add_channelz(
        server, ops_layers(default_deadline=settings.default_deadline_seconds, mutual_tls=identity is not None)
    )
    reflection.enable_server_reflection([*names, *BESIDE], server)
    host, _, _ = settings.listen_addr.rpartition(":")
    port = listen(server, settings.listen_addr, identity)
    await health.ask()
    await server.start()
    loops = {"health": health.watch, **process.background}
    tasks = [asyncio.create_task(_keep(name, loop, stopping), name=name) for name, loop in loops.items()]
    try:
        yield f"{host}:{port}"
    finally:
        stopping.set()
        await health.leave()
        await _drain(server, in_flight, settings.drain_seconds)
        await _end(tasks, settings.drain_seconds)


def build_server(registrations: Sequence[Registration], layers: tuple[Layer, ...]) -> tuple[grpc.aio.Server, list[str]]:
    """Build a server whose methods all stand behind the same layers. Returns it with its services' names."""
    methods = _Methods(layers)
    for register in registrations:
        register(methods)
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((methods,))
    return server, sorted(methods.services)


async def _keep(name: str, loop: Background, stopping: asyncio.Event) -> None:
    try:
        await loop(stopping)
        if not stopping.is_set():
            raise LoopEndedError(f"the loop {name!r} returned while the process was to go on")  # noqa: TRY301 - as it died
    except Exception:
        _log.error("loop_ended", loop=name)  # what it raised is shown after the drain
        raise
    finally:
        stopping.set()


async def _drain(server: grpc.aio.Server, in_flight: InFlight, seconds: float) -> None:
    """Refuse new calls, let those in flight finish, and cancel what is left after `seconds`.

    grpc's own stop would wait for open health watches as for calls, and not at all for what cancelled handlers still do.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    stopped = asyncio.create_task(server.stop(seconds))
    await in_flight.wait(seconds)
    await asyncio.wait({stopped}, timeout=FAREWELL_SECONDS)
    await in_flight.wait(end - loop.time())  # a call that crossed our farewell
    await server.stop(None)
    await stopped
    await in_flight.wait(CANCELLED_SECONDS)


async def _end(tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


class _Methods(_GenericRpcHandler):
    """Collects what the generated code registers, wraps it, and answers for every path, the unknown ones too."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers
        self._handlers: dict[str, _RpcMethodHandler] = {}
        self.services: set[str] = set()

    def add_generic_rpc_handlers(self, handlers: Sequence[_GenericRpcHandler]) -> None:
        """Ignore the generated code's older form of registration: it says the same as the next."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, _RpcMethodHandler]) -> None:
        """Take a service's methods. All of lensfeed's are unary."""
        self.services.add(service)
        for name, registered in handlers.items():
            path = f"/{service}/{name}"
            handler: Any = registered  # every attribute of it is optional to the stubs
            method = Method.of(path, handler.request_deserializer)
            self._handlers[path] = grpc.unary_unary_rpc_method_handler(
                compose(method, self._layers, handler.unary_unary)
            )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _RpcMethodHandler | None:
        """Return the handler of a path. Health, reflection and channelz were registered apart, and come first."""
        handler: _RpcMethodHandler = self._handlers.get(handler_call_details.method, _UNKNOWN)
        return handler


async def _refuse(_request: bytes, context: Any) -> None:
    error: LensfeedError = UnimplementedError("METHOD_UNKNOWN", "there is no such method")
    await context.abort(code_of(error), error.message, trailers_of(error))


_UNKNOWN = grpc.unary_unary_rpc_method_handler(_refuse)
