"""A caller's trace context decides nothing about what services sample.

Before: `traceparent: …-01` on each call made every service record and export it, and `…-00` hid calls from the operator.
Now: the edge keeps the caller's trace in its log only, and services begin their own.
"""

import pytest

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge
from tests.edge_proxy.protocols import ALL, ReadFeed

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


@pytest.mark.parametrize("read_feed", ALL)
@pytest.mark.parametrize("flags", ["00", "01", "ff"])
async def test_a_callers_trace_reaches_no_service(
    edge: Edge, backend: Backend, bearer: dict[str, str], read_feed: ReadFeed, flags: str
) -> None:
    """Neither the trace id nor the sampling flag of a caller reaches a service as trace context."""
    await read_feed(edge, {**bearer, "traceparent": f"{TRACE}-{flags}", "tracestate": "vendor=1"})
    assert not {"traceparent", "tracestate"} & set(backend.last.metadata)
