"""Reads the caller, ids and deadline from a call's metadata."""

import time
import uuid
from typing import Any

from meshkit.call import CURRENT, Call, Effects
from meshkit.grpc.layers.base import Handler, Layer, Method

USER_KEY = "x-user-id"
SESSION_KEY = "x-session-id"
REQUEST_KEY = "x-request-id"
TRACE_KEY = "traceparent"
USER_AGENT_KEY = "user-agent"
ADDRESS_KEY = "x-lensfeed-address"
IDEMPOTENCY_KEY = "idempotency-key"
# Only the edge sets it (edge_proxy/envoy/filters/lua/rest_requests.lua).
REST_KEY = "x-lensfeed-rest"
CONDITION_KEY = "if-none-match"
# A client may set any deadline, but no call of ours should take longer.
MAX_DEADLINE = 300.0


def caller(default_deadline: float) -> Layer:
    """Create the layer that sets the current Call. A call without a deadline gets `default_deadline` seconds."""

    def layer(_method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            metadata = dict(context.invocation_metadata())
            remaining = context.time_remaining()
            user = metadata.get(USER_KEY)
            seconds = default_deadline if remaining is None else min(remaining, MAX_DEADLINE)
            CURRENT.set(
                # By position, which takes half as long.
                Call(
                    metadata.get(REQUEST_KEY) or uuid.uuid4().hex,
                    int(user) if user and user.isdecimal() else None,
                    metadata.get(SESSION_KEY),
                    metadata.get(IDEMPOTENCY_KEY),
                    metadata.get(TRACE_KEY),
                    time.monotonic() + seconds,
                    metadata.get(USER_AGENT_KEY, ""),
                    metadata.get(ADDRESS_KEY, ""),
                    Effects(),
                    REST_KEY in metadata,
                    metadata.get(CONDITION_KEY, ""),
                )
            )
            return await handler(request, context)

        return call

    return layer
