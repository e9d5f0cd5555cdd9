"""channelz: shows operators the connections and calls of a process.

It does not pass the load-shedding layer, because an overloaded process must still be inspectable.
"""

from collections.abc import Mapping
from typing import Any

import grpc
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_channelz.v1._async import ChannelzServicer

from meshkit.grpc.layers import Layer, Method, compose

SERVICE_NAME: str = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name


def add_channelz(server: grpc.aio.Server, layers: tuple[Layer, ...]) -> None:
    """Add channelz to a server, with each call behind `layers`."""
    channelz_pb2_grpc.add_ChannelzServicer_to_server(ChannelzServicer(), _Behind(server, layers))


class _Behind:
    """Wraps the methods that the generated code registers in layers."""

    def __init__(self, server: Any, layers: tuple[Layer, ...]) -> None:
        self._server, self._layers = server, layers

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Ignore the older form of registration, which repeats the next."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Wrap and register the methods, which are all unary."""
        wrapped = {name: self._wrapped(f"/{service}/{name}", handler) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, wrapped),))

    def _wrapped(self, path: str, handler: Any) -> Any:
        method = Method.of(path, handler.request_deserializer)
        # Keep the library's serializers: for a missing item it sets a status and returns no message.
        return grpc.unary_unary_rpc_method_handler(
            compose(method, self._layers, handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
