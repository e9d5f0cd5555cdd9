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
OURS = "lensfeed."
_SHOWS_NO_OTHERS = frozenset({options_pb2.SHOWS_OWN, options_pb2.SHOWS_NOTHING})


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC method of the contract.

    `is_read`: it changes nothing, so its requests contain no secrets. `shows_others`: its answer has what belongs to accounts
    other than the caller's.
    """

    path: str
    service: str
    name: str
    needs_user: bool
    is_read: bool
    parse: Callable[[bytes], Any]
    shows_others: bool = False

    @classmethod
    def of(cls, path: str, parse: Callable[[bytes], Any]) -> "Method":
        """Look a method up by its path, `/package.Service/Name`."""
        service, _, name = path.lstrip("/").partition("/")
        descriptor: MethodDescriptor = descriptor_pool.Default().FindMethodByName(f"{service}.{name}")
        options = descriptor.GetOptions()
        access = options.Extensions[options_pb2.access]
        is_public = service.startswith(OURS) and not service.endswith(INTERNAL_SUFFIX)
        needs_user = not service.endswith(INTERNAL_SUFFIX) and access != options_pb2.ACCESS_ANYONE
        is_read = options.idempotency_level == descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
        shows_others = is_public and options.Extensions[options_pb2.shows] not in _SHOWS_NO_OTHERS
        return cls(path, service, name, needs_user, is_read, parse, shows_others)


Layer = Callable[[Method, Handler], Handler]
