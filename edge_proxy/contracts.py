"""The public methods and their options, read from the contracts."""

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto, MethodOptions
from lensfeed.options.v1 import options_pb2

# The services behind the edge; also the names of their clusters.
SERVICES = ("user", "follow", "post", "media", "feed")
# A field that REST sends as the header If-None-Match. Its methods answer 304.
CONDITION_FIELD = "if_none_match"
PICK_RENDITION = "/lensfeed.media.v1.MediaService/PickRendition"
# Services that only other services may call, and those that only the edge calls itself.
INTERNAL_SUFFIX, EDGE_SUFFIX = "InternalService", "EdgeService"
# `GetFeedJson` of `FeedEdgeService` answers REST calls of `FeedService.GetFeed`.
JSON_SUFFIX = "Json"
READ_COST, CHANGE_COST = 1, 3
DEFAULT_BODY_KIB, MAX_BODY_KIB = 64, 1024


class Repeat(Enum):
    """When a client may repeat a call whose answer was lost."""

    ALWAYS = "always"
    WITH_KEY = "with-key"
    SOON = "soon"
    NOT_BEGUN = "not-begun"


class ContractsError(Exception):
    """The contracts cannot be read or used. The text is for the person who started the process."""


@dataclass(frozen=True, slots=True)
class Method:
    """A public method. `service` is the full name of its service."""

    service: str
    name: str
    is_open: bool
    """It needs no token, because its contract says so."""
    is_repeatable: bool
    """Calling it twice has the same effect as calling it once."""
    cost: int
    """The points that a call costs against rate limits."""
    is_log_in: bool
    """A call checks a password or creates an account."""
    verb: str = ""
    """Its HTTP verb, in capitals, and its path template, as `/posts/{post_id}`; empty for a method without REST."""
    template: str = ""
    max_body_bytes: int = DEFAULT_BODY_KIB * 1024
    takes_key: bool = False
    """It reads an idempotency key, which makes it repeatable."""
    repeatable_seconds: int = 0
    """How long a repeat is answered as the first call was."""
    is_conditional: bool = False
    """It may answer that the caller already has the answer."""
    json_path: str = ""
    """The path of the method that answers its REST calls with ready JSON; empty if the edge translates the answers."""

    @property
    def repeat(self) -> Repeat:
        """When a client may repeat it."""
        if self.is_repeatable:
            return Repeat.ALWAYS
        if self.takes_key:
            return Repeat.WITH_KEY
        return Repeat.SOON if self.repeatable_seconds else Repeat.NOT_BEGUN

    @property
    def path(self) -> str:
        """The gRPC path. Transcoded REST calls have it, too."""
        return f"/{self.service}/{self.name}"

    @property
    def rest_pattern(self) -> str:
        """A regular expression of its path in REST. A variable is one segment."""
        parts = re.split(r"\{[^}]*\}", self.template)
        return "[^/]+".join(re.escape(part) for part in parts)

    @property
    def cluster(self) -> str:
        """The cluster of its service: `user` for `lensfeed.user.v1.UserService`."""
        return self.service.split(".")[1]


def read_descriptors(path: Path) -> FileDescriptorSet:
    """Read a descriptor set. Raises ContractsError."""
    try:
        return FileDescriptorSet.FromString(path.read_bytes())
    except OSError as error:
        raise ContractsError(
            f"LENSFEED_DESCRIPTOR_SET: {path} cannot be read ({error.strerror}); run `make protos` to create it"
        ) from None


def is_public(service: str) -> bool:
    """Tell by its name whether apps may call a service."""
    return not service.endswith((INTERNAL_SUFFIX, EDGE_SUFFIX))


def public_methods(descriptors: FileDescriptorSet) -> tuple[Method, ...]:
    """List the methods that apps may call, in the order of the contracts."""
    json_paths = _json_paths(descriptors)
    conditional = {
        f".{file.package}.{message.name}"
        for file in descriptors.file
        for message in file.message_type
        if any(field.name == CONDITION_FIELD for field in message.field)
    }
    return tuple(
        _method(
            f"{file.package}.{service.name}",
            method,
            is_conditional=method.input_type in conditional,
            json_path=json_paths.get(f"/{file.package}.{service.name}/{method.name}", ""),
        )
        for file in descriptors.file
        for service in file.service
        if is_public(service.name)
        for method in service.method
    )


def _json_paths(descriptors: FileDescriptorSet) -> dict[str, str]:
    """Return the path of each method that answers with ready JSON, by the path of the public method."""
    return {
        f"/{file.package}.{service.name.replace(EDGE_SUFFIX, 'Service')}/{method.name.removesuffix(JSON_SUFFIX)}": (
            f"/{file.package}.{service.name}/{method.name}"
        )
        for file in descriptors.file
        for service in file.service
        if service.name.endswith(EDGE_SUFFIX)
        for method in service.method
    }


def _method(service: str, method: MethodDescriptorProto, *, is_conditional: bool, json_path: str) -> Method:
    rule = method.options.Extensions[annotations_pb2.http]
    verb = rule.WhichOneof("pattern") or ""
    return Method(
        service=service,
        name=method.name,
        is_open=method.options.Extensions[options_pb2.access] == options_pb2.ACCESS_ANYONE,
        is_repeatable=method.options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
        cost=method.options.Extensions[options_pb2.cost] or _usual_cost(method.options),
        is_log_in=method.options.Extensions[options_pb2.is_log_in],
        verb=verb.upper(),
        template=getattr(rule, verb) if verb else "",
        max_body_bytes=1024 * (method.options.Extensions[options_pb2.max_body_kib] or DEFAULT_BODY_KIB),
        takes_key=method.options.Extensions[options_pb2.takes_key],
        repeatable_seconds=method.options.Extensions[options_pb2.repeatable_seconds],
        is_conditional=is_conditional,
        json_path=json_path,
    )


def _usual_cost(options: MethodOptions) -> int:
    return READ_COST if options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS else CHANGE_COST
