"""Every method of every contract, from the descriptors, so that new ones are tested as well."""

import re
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto
from lensfeed.options.v1 import options_pb2

DESCRIPTORS = Path(__file__).parents[1] / "build" / "lensfeed.binpb"
VERBS = ("get", "post", "delete", "patch", "put")


@dataclass(frozen=True)
class Rpc:
    """One method. `verb` and `rest_path` are empty without REST; path parameters are 1."""

    service: str
    name: str
    is_open: bool
    verb: str
    rest_path: str

    @property
    def path(self) -> str:
        """Its path in gRPC."""
        return f"/{self.service}/{self.name}"

    @property
    def part(self) -> str:
        """The part of the mesh that has it."""
        return self.service.split(".")[1]

    @property
    def is_internal(self) -> bool:
        """Whether it is for other services only."""
        return self.service.endswith("InternalService")

    @property
    def is_public(self) -> bool:
        """Whether apps may call it. The edge itself calls the methods of an EdgeService."""
        return not self.service.endswith(("InternalService", "EdgeService"))

    def __str__(self) -> str:
        return self.path


def _all() -> tuple[Rpc, ...]:
    files = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file
    return tuple(
        _rpc(f"{file.package}.{service.name}", method)
        for file in files
        if file.package.startswith("lensfeed.")
        for service in file.service
        for method in service.method
    )


def _rpc(service: str, method: MethodDescriptorProto) -> Rpc:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = next((verb for verb in VERBS if getattr(rule, verb)), "")
    path = re.sub(r"\{[^}]*\}", "1", getattr(rule, verb)) if verb else ""
    is_open = method.options.Extensions[options_pb2.access] == options_pb2.ACCESS_ANYONE
    return Rpc(service, method.name, is_open, verb.upper(), path)


RPCS = _all()
PUBLIC = tuple(rpc for rpc in RPCS if rpc.is_public)
HIDDEN = tuple(rpc for rpc in RPCS if not rpc.is_public)
