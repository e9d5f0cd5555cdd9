"""The contracts as the world may see them: the public services, what these are made of, and nothing that is between services."""

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from edge_proxy.contracts import INTERNAL_SUFFIX

# Details of errors are of it, and no method names them.
ERRORS_PACKAGE = "google.rpc"


def public_files(descriptors: FileDescriptorSet) -> dict[str, FileDescriptorProto]:
    """Return the files of public services and of errors with all that they import, by name, each after what it needs."""
    by_name = {file.name: file for file in descriptors.file}
    shown: dict[str, FileDescriptorProto] = {}
    for file in descriptors.file:
        if _is_public(file) or file.package == ERRORS_PACKAGE:
            _collect(file.name, by_name, shown)
    return shown


def service_names(files: dict[str, FileDescriptorProto]) -> list[str]:
    """List the full names of the services of files."""
    return [f"{file.package}.{service.name}" for file in files.values() for service in file.service]


def _is_public(file: FileDescriptorProto) -> bool:
    return bool(file.service) and not any(service.name.endswith(INTERNAL_SUFFIX) for service in file.service)


def _collect(name: str, by_name: dict[str, FileDescriptorProto], shown: dict[str, FileDescriptorProto]) -> None:
    if name not in shown:
        for needed in by_name[name].dependency:
            _collect(needed, by_name, shown)
        shown[name] = by_name[name]
