"""Channels to other services, with shrinking deadlines and retries of idempotent methods."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor

from meshkit.call import current_call
from meshkit.errors import DeadlineExceededError
from meshkit.grpc.call_durations import MeasuredCalls
from meshkit.grpc.layers.caller import REQUEST_KEY, TRACE_KEY
from meshkit.grpc.renewed_channel import RenewedChannel
from meshkit.grpc.targets import target_of
from meshkit.identity.mtls import channel_credentials
from meshkit.identity.parts import MeshIdentity, dns_name
from meshkit.telemetry.switches import has_metrics, has_traces
from meshkit.telemetry.trace_context import UNTRACED, outgoing_traceparent

DEFAULT_TIMEOUT = 10.0
# A page of 200 posts with ten described media each takes about 12 MiB.
MAX_RESPONSE_BYTES = 16 * 1024 * 1024
# The time a caller keeps for itself to answer after its peer.
MARGIN = 0.01
_NOT_IDEMPOTENT = descriptor_pb2.MethodOptions.IDEMPOTENCY_UNKNOWN
if TYPE_CHECKING:
    _ClientInterceptor = grpc.aio.UnaryUnaryClientInterceptor[Any, Any]
else:
    _ClientInterceptor = grpc.aio.UnaryUnaryClientInterceptor  # generic in its stubs only
_RETRY_POLICY = {
    "maxAttempts": 3,
    "initialBackoff": "0.05s",
    "maxBackoff": "0.5s",
    "backoffMultiplier": 2,
    # gRPC answers CANCELLED to calls that arrive while a server begins to stop. No handler has seen them.
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}


def connect(target: str, *services: str, identity: MeshIdentity | None = None) -> grpc.aio.Channel:
    """Open a channel to `target` (any gRPC name, or a list of addresses) for services named as in the contract.

    Calls are balanced by round_robin, and idempotent methods are retried if the peer is unavailable. Each call passes on the
    request id and trace context of the current call and ends before its deadline. With `identity`, the channel uses mutual TLS
    and the peer must have the service's certificate. The caller closes the channel.
    """
    # The stubs have a placeholder type for interceptors.
    interceptors: Any = [_Outgoing(), *([MeasuredCalls()] if has_metrics() else [])]
    options = (
        ("grpc.service_config", json.dumps(service_config(services))),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.max_receive_message_length", MAX_RESPONSE_BYTES),
        ("grpc.use_local_subchannel_pool", 1),
        # By default a process that comes back gets calls only after up to two minutes, and a new one's name is not looked up
        # within 30 seconds of the last time.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    )
    target = target_of(target)
    if identity is None:
        return grpc.aio.insecure_channel(target, options=options, interceptors=interceptors)
    # Whatever its address, the peer is identified by the name of its part: `media` of lensfeed.media.v1.MediaInternalService.
    named = ("grpc.ssl_target_name_override", dns_name(services[0].split(".")[1]))
    own = identity

    def opened() -> grpc.aio.Channel:
        credentials = channel_credentials(own)
        return grpc.aio.secure_channel(target, credentials, options=(*options, named), interceptors=interceptors)

    return RenewedChannel(opened, identity.version)


def service_config(services: tuple[str, ...]) -> dict[str, Any]:
    """Return the gRPC service config. Methods with an `idempotency_level` in the contract are retried."""
    pool = descriptor_pool.Default()
    retried = [name for each in services for name in _idempotent(pool.FindServiceByName(each))]
    methods = [{"name": retried, "retryPolicy": _RETRY_POLICY}] if retried else []
    return {"loadBalancingConfig": [{"round_robin": {}}], "methodConfig": methods}


def _idempotent(service: ServiceDescriptor) -> list[dict[str, str]]:
    return [
        {"service": service.full_name, "method": method.name}
        for method in service.methods
        if method.GetOptions().idempotency_level != _NOT_IDEMPOTENT
    ]


def child_timeout(wanted: float | None) -> float:
    """Return how long a child call may take, in seconds. Raises DeadlineExceededError if no time is left."""
    timeout = DEFAULT_TIMEOUT if wanted is None else wanted
    remaining = current_call().remaining()
    if remaining is None:
        return timeout
    if remaining <= MARGIN:
        raise DeadlineExceededError
    return min(timeout, remaining - MARGIN)


class _Outgoing(_ClientInterceptor):
    """Adds the deadline, request id and trace context to each call."""

    def __init__(self) -> None:
        # What a process does by itself, such as a sweep, is not traced: it would only hide what people's calls do.
        self._untraced = UNTRACED if has_traces() else None

    async def intercept_unary_unary(
        self,
        continuation: Callable[[Any, Any], Any],
        client_call_details: Any,
        request: Any,
    ) -> Any:
        metadata = grpc.aio.Metadata(*(client_call_details.metadata or ()))
        if request_id := current_call().request_id:
            metadata.add(REQUEST_KEY, request_id)
        if traceparent := outgoing_traceparent() or self._untraced:
            metadata.add(TRACE_KEY, traceparent)
        details = client_call_details._replace(timeout=child_timeout(client_call_details.timeout), metadata=metadata)
        return await continuation(details, request)
