"""What the contracts say about the methods that the edge serves."""

from dataclasses import dataclass
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto, MethodOptions
from lensfeed.options.v1 import options_pb2

# The services behind the edge, by the names of their clusters.
SERVICES = ("user", "follow", "post", "media", "feed")
PICK_RENDITION = "/lensfeed.media.v1.MediaService/PickRendition"
# Services for other services; nothing outside may reach them.
INTERNAL_SUFFIX = "InternalService"
READ_COST, CHANGE_COST = 1, 3


class ContractsError(Exception):
    """The descriptor set cannot be read. Its text is for the person who started the process."""


@dataclass(frozen=True, slots=True)
class Method:
    """A public method. `service` is the full name of its proto service."""

    service: str
    name: str
    is_open: bool
    """Anybody may call it. Only what says so in its contract is open."""
    is_repeatable: bool
    """Calling it twice does what calling it once does."""
    cost: int
    """What one call counts against limits, in points."""
    is_log_in: bool
    """A call tries a password, or makes an account."""

    @property
    def path(self) -> str:
        """Its path in gRPC, which REST calls get too once they are transcoded."""
        return f"/{self.service}/{self.name}"

    @property
    def cluster(self) -> str:
        """The name of the service that has it: `user` of `lensfeed.user.v1.UserService`."""
        return self.service.split(".")[1]


def read_descriptors(path: Path) -> FileDescriptorSet:
    """Read a descriptor set. Raises ContractsError."""
    try:
        return FileDescriptorSet.FromString(path.read_bytes())
    except OSError as error:
        raise ContractsError(
            f"LENSFEED_DESCRIPTOR_SET: {path} cannot be read ({error.strerror}); `make protos` makes it"
        ) from None


def public_methods(descriptors: FileDescriptorSet) -> tuple[Method, ...]:
    """List every method that apps may call, in the order of the contracts."""
    return tuple(
        _method(f"{file.package}.{service.name}", method)
        for file in descriptors.file
        for service in file.service
        if not service.name.endswith(INTERNAL_SUFFIX)
        for method in service.method
    )


def _method(service: str, method: MethodDescriptorProto) -> Method:
    return Method(
        service=service,
        name=method.name,
        is_open=method.options.Extensions[options_pb2.access] == options_pb2.ACCESS_ANYONE,
        is_repeatable=method.options.idempotency_level != MethodOptions.IDEMPOTENCY_UNKNOWN,
        cost=method.options.Extensions[options_pb2.cost] or _usual_cost(method.options),
        is_log_in=method.options.Extensions[options_pb2.is_log_in],
    )


def _usual_cost(options: MethodOptions) -> int:
    return READ_COST if options.idempotency_level == MethodOptions.NO_SIDE_EFFECTS else CHANGE_COST
