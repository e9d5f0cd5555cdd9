"""Traces and metrics of real processes, received by a collector."""

from importlib.metadata import version
from typing import Any

import pytest
from lensfeed.user.v1.user_service_pb2 import GetUserRequest
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from meshkit.telemetry.catalog import CLIENT_CALL_DURATION, SERVER_CALL_DURATION
from tests.meshkit.grpc.serving import AS_USER, plain_channel
from tests.meshkit.grpc.tiny import Tiny, tiny
from tests.meshkit.grpc.tiny_service import ASK_PEER
from tests.meshkit.telemetry.collector import running_collector

pytestmark = pytest.mark.slow

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def _ask(front: Tiny, *metadata: tuple[str, str]) -> None:
    async with plain_channel(await front.address()) as channel:
        stub: Any = UserServiceStub(channel)
        await stub.GetUser(GetUserRequest(user_id=ASK_PEER), metadata=(*AS_USER, *metadata))


async def _stop(*processes: Tiny) -> None:
    """Stop processes, which flushes their telemetry."""
    for process in processes:
        process.terminate()
        assert await process.exit_code() == 0


async def test_a_sampled_call_is_one_trace_over_services() -> None:
    """The spans of two services belong to the caller's trace, and both services send metrics."""
    async with running_collector() as collector:
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        async with tiny(**otel) as peer, tiny(TINY_PEER=await peer.address(), **otel) as front:
            await _ask(front, ("traceparent", f"00-{TRACE}-{PARENT}-01"))
            await _stop(front, peer)
    by_name = {span.name: span for span in collector.spans}
    assert set(by_name) == {
        "lensfeed.user.v1.UserService/GetUser",
        "lensfeed.user.v1.UserInternalService/BatchGetUsers",
    }
    first = by_name["lensfeed.user.v1.UserService/GetUser"]
    second = by_name["lensfeed.user.v1.UserInternalService/BatchGetUsers"]
    assert first.trace_id == second.trace_id == TRACE
    assert (first.parent_id, second.parent_id) == (PARENT, first.span_id)
    assert first.service == "tiny"
    assert ("tiny", "rpc.server.call.duration") in collector.metrics
    assert front.logs[-1]["telemetry"] is True


async def test_calls_are_measured_by_the_semantic_conventions() -> None:
    """Both ends of a call record its seconds by method and status, in buckets for seconds, and say which process they are."""
    async with running_collector() as collector:
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        peer_otel = {**otel, "OTEL_SERVICE_NAME": "peer"}
        async with tiny(**peer_otel) as peer, tiny(TINY_PEER=await peer.address(), **otel) as front:
            await _ask(front)
            await _stop(front, peer)
    inner = {
        ("rpc.system.name", "grpc"),
        ("rpc.method", "lensfeed.user.v1.UserInternalService/BatchGetUsers"),
        ("rpc.response.status_code", "OK"),
    }
    for found in (
        collector.durations["tiny", CLIENT_CALL_DURATION.name],
        collector.durations["peer", SERVER_CALL_DURATION.name],
    ):
        assert found.counts == {frozenset(inner): 1}
        assert (found.bounds[0], found.bounds[-1]) == (0.005, 10)
    front_resource, peer_resource = collector.resources["tiny"], collector.resources["peer"]
    assert front_resource["service.version"] == version("lensfeed")
    assert front_resource["service.instance.id"] != peer_resource["service.instance.id"]


async def test_a_call_that_is_not_sampled_leaves_no_spans() -> None:
    """A call that the caller does not sample has no spans; a later one is traced."""
    async with running_collector() as collector:
        otel = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint}
        async with tiny(**otel) as peer, tiny(TINY_PEER=await peer.address(), **otel) as front:
            await _ask(front, ("traceparent", f"00-{TRACE}-{PARENT}-00"))
            await _ask(front)
            await _stop(front, peer)
    assert len(collector.spans) == 2
    [trace] = {span.trace_id for span in collector.spans}
    assert trace != TRACE


async def test_without_an_endpoint_there_is_no_telemetry() -> None:
    """A process without a collector does not import an exporter."""
    async with tiny() as peer, tiny(TINY_PEER=await peer.address()) as front:
        await _ask(front, ("traceparent", f"00-{TRACE}-{PARENT}-01"))
        await _stop(front, peer)
    [closing] = [line for line in front.logs if line["event"] == "store_closed"]
    assert closing["telemetry"] is False


async def test_an_unreachable_collector_is_harmless() -> None:
    """Calls are answered and the process exits normally."""
    async with tiny() as peer:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "TINY_PEER": await peer.address()}
        async with tiny(**environment) as front:
            await _ask(front)
            await _stop(front, peer)
