"""The public contract: its services and the messages and enums they use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from edge_proxy.answers.openapi.comments import ENUM, MEMBER, MESSAGE, SERVICE, Comments
from edge_proxy.contracts import ContractsError, Method, is_public, public_methods


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message."""

    proto: FieldDescriptorProto
    comment: str

    @property
    def name(self) -> str:
        """The field's JSON name."""
        return self.proto.json_name

    @property
    def is_repeated(self) -> bool:
        """Whether it is a list or a map."""
        return self.proto.label == FieldDescriptorProto.LABEL_REPEATED

    @property
    def type_name(self) -> str:
        """The full name of its message or enum; empty for scalars."""
        return self.proto.type_name.removeprefix(".")


@dataclass(frozen=True, slots=True)
class Message:
    """A message, or the entry type of a map."""

    name: str
    comment: str
    fields: tuple[Field, ...]
    is_map_entry: bool = False


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum. `values` are pairs of name and comment."""

    name: str
    comment: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Rpc:
    """A public method and its REST mapping."""

    method: Method
    comment: str
    request: str
    """The full name of the request message."""
    response: str
    verb: str
    """`get`, `post`, …"""
    template: str
    """The path template, such as `/users/{user_id}`."""
    has_body: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A public service."""

    name: str
    comment: str
    rpcs: tuple[Rpc, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """All public services, with messages and enums by full name."""

    services: tuple[Service, ...]
    messages: Mapping[str, Message]
    enums: Mapping[str, Enum]


def read_contract(descriptors: FileDescriptorSet) -> Contract:
    """Read the contract from descriptors with comments. Raises ContractsError if REST cannot express it."""
    methods = {method.path: method for method in public_methods(descriptors)}
    services: list[Service] = []
    messages: dict[str, Message] = {}
    enums: dict[str, Enum] = {}
    for file in descriptors.file:
        comments = Comments(file)
        for index, enum in enumerate(file.enum_type):
            enums[f"{file.package}.{enum.name}"] = _enum(file, comments, index, enum)
        for index, message in enumerate(file.message_type):
            messages |= _messages(f"{file.package}.{message.name}", comments, (MESSAGE, index), message)
        for index, service in enumerate(file.service):
            if is_public(service.name):
                services.append(_service(file, comments, index, service, methods))
    return Contract(tuple(services), messages, enums)


def _enum(file: FileDescriptorProto, comments: Comments, index: int, enum: EnumDescriptorProto) -> Enum:
    values = tuple((value.name, comments.at(ENUM, index, MEMBER, at)) for at, value in enumerate(enum.value))
    return Enum(f"{file.package}.{enum.name}", comments.at(ENUM, index), values)


def _messages(name: str, comments: Comments, place: Sequence[int], message: DescriptorProto) -> dict[str, Message]:
    """Return a message and its nested ones (the entries of its maps)."""
    fields = tuple(Field(field, comments.at(*place, MEMBER, at)) for at, field in enumerate(message.field))
    found = {name: Message(name, comments.at(*place), fields, message.options.map_entry)}
    for nested in message.nested_type:
        found |= _messages(f"{name}.{nested.name}", comments, (), nested)
    return found


def _service(
    file: FileDescriptorProto,
    comments: Comments,
    index: int,
    service: ServiceDescriptorProto,
    methods: Mapping[str, Method],
) -> Service:
    name = f"{file.package}.{service.name}"
    rpcs = tuple(
        _rpc(methods[f"/{name}/{method.name}"], comments.at(SERVICE, index, MEMBER, at), method)
        for at, method in enumerate(service.method)
    )
    return Service(name, comments.at(SERVICE, index), rpcs)


def _rpc(method: Method, comment: str, proto: MethodDescriptorProto) -> Rpc:
    rule = proto.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern")
    if verb not in {"get", "put", "post", "delete", "patch"} or rule.body not in {"", "*"} or rule.additional_bindings:
        raise ContractsError(f"{method.path}: the OpenAPI document does not support this kind of google.api.http")
    return Rpc(
        method=method,
        comment=comment,
        request=proto.input_type.removeprefix("."),
        response=proto.output_type.removeprefix("."),
        verb=verb,
        template=getattr(rule, verb),
        has_body=rule.body == "*",
    )
