"""The gRPC server for reflection and health, next to Envoy."""

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
from grpc_health.v1 import health_pb2

from edge_proxy.admin import Admin, admin_of
from edge_proxy.answers.reflection import reflection_handlers
from edge_proxy.answers.services import HEALTH_METHOD, HEALTH_SERVICE
from edge_proxy.contracts import SERVICES, read_descriptors
from edge_proxy.settings.edge import EdgeSettings
from edge_proxy.sockets import builtin_socket

# A request holds little more than a name.
OPTIONS = (("grpc.max_receive_message_length", 16 * 1024),)


async def answer(settings: EdgeSettings) -> None:
    """Serve until cancelled. If that fails, log why and return: other calls do not need this server."""
    socket = builtin_socket(settings.edge_dir)
    try:
        server = await _started(settings, socket)
    except RuntimeError as error:
        sys.stderr.write(f"cannot listen on {socket} ({error}); gRPC reflection and health are off\n")
        return
    try:
        await server.wait_for_termination()
    finally:
        await server.stop(None)


async def _started(settings: EdgeSettings, socket: Path) -> grpc.aio.Server:
    server = grpc.aio.server(options=OPTIONS)
    if settings.edge_reflection:
        server.add_generic_rpc_handlers(reflection_handlers(read_descriptors(settings.descriptor_set)))
    server.add_generic_rpc_handlers([_health_handlers(admin_of(settings))])
    server.add_insecure_port(f"unix:{quote(str(socket))}")
    await server.start()
    return server


def _health_handlers(admin: Admin) -> "grpc.GenericRpcHandler[Any, Any]":
    """Answer gRPC health checks for the whole mesh (the empty service name), as /healthz does."""

    async def check(request: Any, context: Any) -> health_pb2.HealthCheckResponse:
        if request.service:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, "only the whole mesh has a health status: use an empty service name"
            )
        try:
            is_serving = await admin.is_serving(SERVICES)
        except OSError:
            is_serving = False
        response = health_pb2.HealthCheckResponse
        return response(status=response.SERVING if is_serving else response.NOT_SERVING)

    handler = grpc.unary_unary_rpc_method_handler(
        check,
        request_deserializer=health_pb2.HealthCheckRequest.FromString,
        response_serializer=health_pb2.HealthCheckResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(HEALTH_SERVICE, {HEALTH_METHOD: handler})
