"""Traces and metrics of real processes, received by a collector."""

from typing import Any

import pytest
from lensfeed.user.v1.user_service_pb2 import GetUserRequest
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from tests.meshkit.collector import running_collector
from tests.meshkit.grpc.serving import AS_USER, plain_channel
from tests.meshkit.grpc.tiny import Tiny, tiny
from tests.meshkit.grpc.tiny_service import ASK_PEER

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
    assert ("tiny", "rpc.server.duration") in collector.metrics
    assert front.logs[-1]["telemetry"] is True


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
