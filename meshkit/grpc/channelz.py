"""channelz: which connections and calls a process has, told to the people who run the mesh.

It stands apart from a process's own methods: what is full must still say with what.
"""

from collections.abc import Mapping
from typing import Any

import grpc
from grpc_channelz.v1 import channelz_pb2, channelz_pb2_grpc
from grpc_channelz.v1._async import ChannelzServicer

from meshkit.grpc.layers import Layer, Method, compose

SERVICE_NAME: str = channelz_pb2.DESCRIPTOR.services_by_name["Channelz"].full_name


def add_channelz(server: grpc.aio.Server, layers: tuple[Layer, ...]) -> None:
    """Let a server answer channelz, each call behind `layers`."""
    channelz_pb2_grpc.add_ChannelzServicer_to_server(ChannelzServicer(), _Behind(server, layers))


class _Behind:
    """Takes what the generated code registers, and hands it on wrapped."""

    def __init__(self, server: Any, layers: tuple[Layer, ...]) -> None:
        self._server, self._layers = server, layers

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """Ignore the older form of registration: it says the same as the next."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Wrap the methods, all of them unary, and register them."""
        wrapped = {name: self._wrapped(f"/{service}/{name}", handler) for name, handler in handlers.items()}
        self._server.add_registered_method_handlers(service, wrapped)

    def _wrapped(self, path: str, handler: Any) -> Any:
        method = Method.of(path, handler.request_deserializer)
        # In the forms of the library: what is not there it answers with a status, and no message.
        return grpc.unary_unary_rpc_method_handler(
            compose(method, self._layers, handler.unary_unary),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )
