"""The types of layers."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from lensfeed.options.v1 import options_pb2

# The request is bytes outside of the parsing layer and a message inside. The response is a message or a serialized one.
Handler = Callable[[Any, "grpc.aio.ServicerContext[Any, Any]"], Awaitable[Any]]
INTERNAL_SUFFIX = "InternalService"


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC method of the contract. `is_read`: it changes nothing, so its requests contain no secrets."""

    path: str
    service: str
    name: str
    needs_user: bool
    is_read: bool
    parse: Callable[[bytes], Any]

    @classmethod
    def of(cls, path: str, parse: Callable[[bytes], Any]) -> "Method":
        """Look a method up by its path, `/package.Service/Name`."""
        service, _, name = path.lstrip("/").partition("/")
        descriptor: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
        options = descriptor.GetOptions()
        access = options.Extensions[options_pb2.access]
        needs_user = not service.endswith(INTERNAL_SUFFIX) and access != options_pb2.ACCESS_ANYONE
        is_read = options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        return cls(path, service, name, needs_user, is_read, parse)


Layer = Callable[[Method, Handler], Handler]
