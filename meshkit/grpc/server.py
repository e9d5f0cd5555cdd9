"""The gRPC server of every process: start, serve, drain, stop."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from pydantic import field_validator, model_validator

from meshkit.crash_points import parse
from meshkit.errors import LensfeedError, UnimplementedError
from meshkit.grpc.channelz import SERVICE_NAME as CHANNELZ
from meshkit.grpc.channelz import add_channelz
from meshkit.grpc.health import Check, Health
from meshkit.grpc.in_flight import InFlight
from meshkit.grpc.layers import Layer, Method, compose, ops_layers
from meshkit.grpc.status import code_of, trailers_of
from meshkit.identity.mtls import listen
from meshkit.identity.parts import MeshIdentity
from meshkit.listen_address import refuse_open_listener
from meshkit.logs import LogFormat
from meshkit.settings import Settings
from meshkit.telemetry.prometheus import serving_metrics

# Adds a servicer: the generated `add_…Servicer_to_server` with its servicer bound.
Registration = Callable[[Any], None]
# A background loop. It returns soon after the event is set; if it returns or raises earlier, the process ends.
Background = Callable[[asyncio.Event], Awaitable[None]]
MAX_MESSAGE_BYTES = 1024 * 1024
# How long clients may take to notice the shutdown before their health watches are cancelled.
NOTICE_SECONDS = 0.5
# How long a cancelled handler may take for its `finally`.
CANCELLED_SECONDS = 2.0
# Client keepalive is 30 s (channels.py), the edge's 5 s; a server minimum above it would answer GOAWAY too_many_pings.
OPTIONS = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 3_000),
    ("grpc.keepalive_permit_without_calls", 1),
)
# The services of every process in addition to its own.
BUILT_IN_SERVICES = (health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME, CHANNELZ)
_BUILT_IN_PATHS = tuple(f"/{service}/" for service in BUILT_IN_SERVICES)
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
    allow_plaintext: bool = False
    """Whether a process without mTLS may listen on an address that other machines can reach. Whoever reaches it is believed."""
    metrics_addr: str | None = None
    """Where to serve [metrics](metrics.md) to Prometheus, at `/metrics` over HTTP. Off if unset. It shows no user's data, but
    anyone who reaches it can read it."""
    drain_seconds: float = 10.0
    """How long calls in progress may take to finish after SIGTERM."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL. At DEBUG the edge logs every call."""
    log_format: LogFormat = "auto"
    """`console`, `json`, or `auto`: readable on a terminal, JSON elsewhere."""
    crashpoint: str = ""
    """For tests: the place where the process kills itself, and at which time of reaching it, such as `event.handled:20`."""

    @field_validator("crashpoint")
    @classmethod
    def _check_crashpoint(cls, setting: str) -> str:
        if setting:
            parse(setting)
        return setting

    @model_validator(mode="after")
    def _keep_private(self) -> Self:
        if self.metrics_addr is not None and not self.metrics_addr.rpartition(":")[2].isdecimal():
            raise ValueError(f"LENSFEED_METRICS_ADDR: {self.metrics_addr} is not host:port")
        refuse_open_listener(self.listen_addr, self.mesh_tls, is_meant=self.allow_plaintext)
        return self

    def identity_of(self, part: str) -> MeshIdentity | None:
        """Return the certificate of a part (user, feed, …), or None without mTLS. Raises SettingsError."""
        return None if self.mesh_tls is None else MeshIdentity.find(self.mesh_tls, part)


@dataclass(frozen=True, slots=True)
class Process:
    """What one process does: its services, background loops and dependencies."""

    name: str
    """The name in logs: its package, and its command unless that is `serve` (`feed_svc`, `post_svc work`)."""
    registrations: Sequence[Registration] = ()
    background: Mapping[str, Background] = field(default_factory=dict)
    dependencies: Mapping[str, Check] = field(default_factory=dict)
    layers: Sequence[Layer] = ()
    """Layers in addition to the default ones, just inside of them."""

    @property
    def part(self) -> str:
        """The part of the mesh, such as `post` for `post_svc work`."""
        return self.name.partition(" ")[0].removesuffix("_svc")


class LoopEndedError(Exception):
    """A background loop returned although the process was not stopped."""


async def serve(process: Process, settings: ServerSettings) -> None:
    """Serve until SIGTERM or SIGINT, then drain: finish the calls in flight and stop the background loops.

    If a background loop raises, the process drains and this raises the same exception.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    with serving_metrics(settings.metrics_addr) as metrics_address:
        async with running(process, settings, stopping) as address:
            _leave_out_of_collections()
            _log.info("serving", address=address, **({"metrics": metrics_address} if metrics_address else {}))
            await stopping.wait()
            _log.info("draining")


def _leave_out_of_collections() -> None:
    """Keep the garbage collector from looking at what a process has loaded, which lives as long as the process."""
    gc.collect()
    gc.freeze()


@contextlib.asynccontextmanager
async def running(
    process: Process, settings: ServerSettings, stopping: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """Run a process's server and loops during the block. Yields the address it listens on."""
    stopping = stopping or asyncio.Event()
    health = Health(process.dependencies)
    in_flight = InFlight()
    identity = settings.identity_of(process.part)
    layers = _layers(settings, mutual_tls=identity is not None) if process.registrations else ()
    server, names = build_server(process.registrations, (in_flight.layer, *layers, *process.layers))
    health_pb2_grpc.add_HealthServicer_to_server(health.servicer, server)
    add_channelz(
        server, ops_layers(default_deadline=settings.default_deadline_seconds, mutual_tls=identity is not None)
    )
    reflection.enable_server_reflection([*names, *BUILT_IN_SERVICES], server)
    host, _, _ = settings.listen_addr.rpartition(":")
    port = listen(server, settings.listen_addr, identity)
    await health.check()
    await server.start()
    loops = {"health": health.watch, **process.background}
    tasks = [asyncio.create_task(_run_loop(name, loop, stopping), name=name) for name, loop in loops.items()]
    try:
        yield f"{host}:{port}"
    finally:
        stopping.set()
        await health.drain()
        await _drain(server, in_flight, settings.drain_seconds)
        await _stop_loops(tasks, settings.drain_seconds)


def _layers(settings: ServerSettings, *, mutual_tls: bool) -> tuple[Layer, ...]:
    # Imported here because a worker has no methods, and the checks of requests take 11 MB.
    from meshkit.grpc.layers.default import default_layers

    return default_layers(
        max_in_flight=settings.max_in_flight,
        default_deadline=settings.default_deadline_seconds,
        mutual_tls=mutual_tls,
    )


def build_server(registrations: Sequence[Registration], layers: tuple[Layer, ...]) -> tuple[grpc.aio.Server, list[str]]:
    """Build a server with all methods behind the same layers. Returns it with its services' names."""
    methods = _Methods(layers)
    for register in registrations:
        register(methods)
    server = grpc.aio.server(options=OPTIONS)
    server.add_generic_rpc_handlers((methods,))
    return server, sorted(methods.services)


async def _run_loop(name: str, loop: Background, stopping: asyncio.Event) -> None:
    try:
        await loop(stopping)
        if not stopping.is_set():
            raise LoopEndedError(f"the loop {name!r} returned before the process was stopped")  # noqa: TRY301 - handled like an exception of the loop
    except Exception:
        _log.error("loop_ended", loop=name)  # the exception is logged after the drain
        raise
    finally:
        stopping.set()


async def _drain(server: grpc.aio.Server, in_flight: InFlight, seconds: float) -> None:
    """Refuse new calls, wait for those in flight, and cancel the rest after `seconds`.

    gRPC's own stop would wait for open health watches, but not for the `finally` blocks of cancelled handlers.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    stopped = asyncio.create_task(server.stop(seconds))
    await in_flight.wait(seconds)
    await asyncio.wait({stopped}, timeout=NOTICE_SECONDS)
    await in_flight.wait(end - loop.time())  # calls that arrived meanwhile
    await server.stop(None)
    await stopped
    await in_flight.wait(CANCELLED_SECONDS)


async def _stop_loops(tasks: Sequence[asyncio.Task[None]], seconds: float) -> None:
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
    if late:
        _, stuck = await asyncio.wait(late, timeout=CANCELLED_SECONDS)
        for task in stuck:  # it swallows cancellation; the process ends all the same
            _log.error("loop_stuck", loop=task.get_name())
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error


class _Methods(_GenericRpcHandler):
    """Collects and wraps the methods that the generated code registers, and refuses unknown paths."""

    def __init__(self, layers: tuple[Layer, ...]) -> None:
        self._layers = layers
        self._handlers: dict[str, _RpcMethodHandler] = {}
        self.services: set[str] = set()

    def add_generic_rpc_handlers(self, handlers: Sequence[_GenericRpcHandler]) -> None:
        """Ignore the generated code's older form of registration, which repeats the next."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, _RpcMethodHandler]) -> None:
        """Register a service's methods, which are all unary."""
        self.services.add(service)
        for name, registered in handlers.items():
            path = f"/{service}/{name}"
            handler: Any = registered  # its attributes are optional in the stubs
            method = Method.of(path, handler.request_deserializer)
            self._handlers[path] = grpc.unary_unary_rpc_method_handler(
                compose(method, self._layers, handler.unary_unary)
            )

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> _RpcMethodHandler | None:
        """Return the handler of a path; None for health, reflection and channelz, which have handlers of their own."""
        path = handler_call_details.method
        if (handler := self._handlers.get(path)) is not None:
            return handler
        return None if path.startswith(_BUILT_IN_PATHS) else _UNKNOWN


async def _refuse(_request: bytes, context: Any) -> None:
    error: LensfeedError = UnimplementedError("METHOD_UNKNOWN", "there is no such method")
    await context.abort(code_of(error), error.message, trailers_of(error))


_UNKNOWN = grpc.unary_unary_rpc_method_handler(_refuse)
