"""The public part of the contracts: public services and the files they import."""

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from edge_proxy.contracts import is_public

# Error details are in it, though no method refers to them.
ERRORS_PACKAGE = "google.rpc"


def public_files(descriptors: FileDescriptorSet) -> dict[str, FileDescriptorProto]:
    """Return the files of public services and errors by name, each after its imports."""
    by_name = {file.name: file for file in descriptors.file}
    shown: dict[str, FileDescriptorProto] = {}
    for file in descriptors.file:
        if _is_public(file) or file.package == ERRORS_PACKAGE:
            _collect(file.name, by_name, shown)
    return shown


def service_names(files: dict[str, FileDescriptorProto]) -> list[str]:
    """List the full names of all services in these files."""
    return [f"{file.package}.{service.name}" for file in files.values() for service in file.service]


def _is_public(file: FileDescriptorProto) -> bool:
    return bool(file.service) and all(is_public(service.name) for service in file.service)


def _collect(name: str, by_name: dict[str, FileDescriptorProto], shown: dict[str, FileDescriptorProto]) -> None:
    if name not in shown:
        for needed in by_name[name].dependency:
            _collect(needed, by_name, shown)
        shown[name] = by_name[name]
