"""Envoy's rate limit service: counts calls of all edges together, in Redis.

It uses GCRA (ITU-T I.371), which stores one timestamp per caller and rule; throttled-py runs it as a Redis script.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Self

import grpc
import structlog
from envoy_data_plane.envoy.extensions.common.ratelimit.v3 import RateLimitDescriptor
from envoy_data_plane.envoy.service.ratelimit.v3 import (
    RateLimitRequest,
    RateLimitResponse,
    RateLimitResponseCode,
    RateLimitResponseDescriptorStatus,
)
from grpc_health.v1 import health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from pydantic import model_validator
from redis.exceptions import RedisError
from throttled.asyncio import RedisStore, Throttled
from throttled.exceptions import StoreUnavailableError
from throttled.rate_limiter.base import Quota

from edge_proxy.limits.rules import rules_of
from edge_proxy.settings.rates import RateSettings
from meshkit.identity.mtls import listen, peer_name
from meshkit.identity.parts import EDGE, MeshIdentity
from meshkit.listen_address import refuse_open_listener
from meshkit.logs import LogFormat, set_up_logs

METHOD = "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit"
KEY_PREFIX = "limits"
# Edges let calls pass without an answer. One that comes later than this costs callers more than the limit is worth.
REDIS_SECONDS = 1.0
_log = structlog.get_logger()


class LimitsSettings(RateSettings):
    """The settings of `python -m edge_proxy limits`: the rules of the edges, and where to count."""

    listen_addr: str = "127.0.0.1:0"
    """Where the process serves gRPC and health checks. Port 0 takes a free port."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """The Redis or Valkey in which all edges count together."""
    mesh_tls: Path | None = None
    """The folder of certificates that `lensfeed certs` makes. With it, the parts of a mesh talk to each other by mTLS only."""
    allow_plaintext: bool = False
    """Whether a process without mTLS may listen on an address that other machines can reach. Whoever reaches it is believed."""
    log_level: str = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL. At DEBUG the edge logs every call."""
    log_format: LogFormat = "auto"
    """`console`, `json`, or `auto`: readable on a terminal, JSON elsewhere."""

    @model_validator(mode="after")
    def _keep_private(self) -> Self:
        refuse_open_listener(self.listen_addr, self.mesh_tls, is_meant=self.allow_plaintext)
        return self


class SharedCounters:
    """Counts calls in Redis. Each descriptor names a rule and a caller."""

    def __init__(self, quotas: Mapping[str, Quota], redis_url: str) -> None:
        store = RedisStore(server=redis_url)
        self._limits = {
            name: Throttled(using="gcra", quota=quota, store=store, key_prefix=f"{KEY_PREFIX}:{name}")
            for name, quota in quotas.items()
        }

    async def __call__(self, request: RateLimitRequest) -> RateLimitResponse:
        """Charge a call to each of its limits. It is over the limit if any has too little left.

        The other limits stay charged, so that callers pay for refused calls, too.
        """
        verdicts = await asyncio.gather(*(self._take(each) for each in request.descriptors))
        codes = [RateLimitResponseCode.OVER_LIMIT if is_over else RateLimitResponseCode.OK for is_over in verdicts]
        return RateLimitResponse(
            overall_code=RateLimitResponseCode.OVER_LIMIT if any(verdicts) else RateLimitResponseCode.OK,
            statuses=[RateLimitResponseDescriptorStatus(code=code) for code in codes],
        )

    async def _take(self, descriptor: RateLimitDescriptor) -> bool:
        rule, who = descriptor.entries[0].key, descriptor.entries[-1].value
        limit = self._limits.get(rule)
        if limit is None:
            return False
        return (await limit.limit(who, cost=int(descriptor.hits_addend or 1))).limited


async def run(settings: LimitsSettings) -> None:
    """Serve edges until SIGTERM. While Redis is down, edges get UNAVAILABLE and let calls pass."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    set_up_logs("edge_proxy limits", settings.log_level, settings.log_format)
    async with answering(settings) as address:
        _log.info("serving", address=address)
        await stopping.wait()


@contextlib.asynccontextmanager
async def answering(settings: LimitsSettings) -> AsyncIterator[str]:
    """Serve edges while the body runs; yields the address. Raises SettingsError if a certificate is missing."""
    identity = None if settings.mesh_tls is None else MeshIdentity.find(settings.mesh_tls, EDGE)
    books = SharedCounters({rule.name: rule.quota for rule in rules_of(settings)}, settings.redis_url)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(_handlers(books, only_edges=identity is not None))
    health_pb2_grpc.add_HealthServicer_to_server(HealthServicer(), server)
    port = listen(server, settings.listen_addr, identity)
    await server.start()
    try:
        yield f"{settings.listen_addr.rpartition(':')[0]}:{port}"
    finally:
        await server.stop(1)


def _handlers(
    books: SharedCounters, *, only_edges: bool
) -> "Iterable[grpc.GenericRpcHandler[RateLimitRequest, RateLimitResponse]]":
    async def should_rate_limit(
        request: RateLimitRequest, context: "grpc.aio.ServicerContext[RateLimitRequest, RateLimitResponse]"
    ) -> RateLimitResponse:
        if only_edges and peer_name(context.auth_context()) != EDGE:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "only edges may call this service")
        try:
            async with asyncio.timeout(REDIS_SECONDS):
                return await books(request)
        # throttled-py raises its own error for a Redis that is down, and waits for one that hangs.
        except (StoreUnavailableError, RedisError, OSError) as error:
            _log.warning("limits_not_counted", error=repr(error))
            return await context.abort(grpc.StatusCode.UNAVAILABLE, "Redis does not answer")

    service, _, method = METHOD.lstrip("/").partition("/")
    handler = grpc.unary_unary_rpc_method_handler(
        should_rate_limit, request_deserializer=RateLimitRequest.parse, response_serializer=bytes
    )
    return [grpc.method_handlers_generic_handler(service, {method: handler})]
