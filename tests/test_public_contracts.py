"""The descriptor set from which stubs are generated contains exactly the public methods."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from tests.rpcs import DESCRIPTORS, RPCS

PUBLIC = DESCRIPTORS.parent / "public.binpb"
# Numbers of fields in FileDescriptorProto, DescriptorProto and ServiceDescriptorProto: the paths of source info are made of them.
MESSAGES, SERVICES, FIELDS, METHODS = 4, 6, 2, 2


def read(path: Path) -> FileDescriptorSet:
    """Read a descriptor set."""
    return FileDescriptorSet.FromString(path.read_bytes())


def ours(files: FileDescriptorSet) -> list[FileDescriptorProto]:
    """Return the files that are lensfeed's."""
    return [file for file in files.file if file.package.startswith("lensfeed.")]


def comments(file: FileDescriptorProto) -> dict[str, str]:
    """Return the comment above each service, method, message and field of a file, by its full name."""
    by_path = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}
    named: dict[str, str] = {}
    for i, service in enumerate(file.service):
        named[f"{file.package}.{service.name}"] = by_path[SERVICES, i]
        for j, method in enumerate(service.method):
            named[f"{file.package}.{service.name}.{method.name}"] = by_path[SERVICES, i, METHODS, j]
    for i, message in enumerate(file.message_type):
        named[f"{file.package}.{message.name}"] = by_path[MESSAGES, i]
        for j, field in enumerate(message.field):
            named[f"{file.package}.{message.name}.{field.name}"] = by_path[MESSAGES, i, FIELDS, j]
    return named


def every_message(message: Message) -> Iterator[Message]:
    """Walk through a message and all that are in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else (value,):
                yield from every_message(each)


def types_of(message: DescriptorProto) -> set[str]:
    """Name the messages that a message needs next."""
    return {field.type_name for each in (message, *message.nested_type) for field in each.field if field.type_name}


def test_every_public_method_is_in_it_and_no_internal_one() -> None:
    """The set contains exactly the methods that the edge routes, with their idempotency levels."""
    levels = {
        f"/{file.package}.{service.name}/{method.name}": method.options.idempotency_level
        for file in ours(read(PUBLIC))
        for service in file.service
        for method in service.method
    }
    full = {
        f"/{file.package}.{service.name}/{method.name}": method.options.idempotency_level
        for file in ours(read(DESCRIPTORS))
        for service in file.service
        for method in service.method
    }
    assert len(levels) > 20
    assert levels == {rpc.path: full[rpc.path] for rpc in RPCS if rpc.is_public}


def test_it_contains_only_the_needed_messages() -> None:
    """Each message is a request or response of a public method, or part of one."""
    messages = {f".{file.package}.{each.name}": each for file in ours(read(PUBLIC)) for each in file.message_type}
    methods = [each for file in ours(read(PUBLIC)) for service in file.service for each in service.method]
    needed = {name for method in methods for name in (method.input_type, method.output_type)}
    waiting = list(needed)
    while waiting:
        found = types_of(messages[waiting.pop()]) & set(messages) - needed
        needed |= found
        waiting += found
    assert set(messages) == needed


def test_it_has_no_foreign_options_or_imports() -> None:
    """A generator needs only protobuf itself."""
    assert {file.name.split("/v1/")[0] for file in ours(read(DESCRIPTORS))} >= {"lensfeed/options"}
    assert all(file.name.startswith(("lensfeed/", "google/protobuf/")) for file in read(PUBLIC).file)
    for message in every_message(read(PUBLIC)):
        assert not [field.full_name for field, _ in message.ListFields() if field.is_extension]
        assert len(UnknownFieldSet(message)) == 0, message


def test_comments_are_kept() -> None:
    """Each service, method, message and field has the comment of its contract."""
    full = {name: said for file in ours(read(DESCRIPTORS)) for name, said in comments(file).items()}
    public = {name: said for file in ours(read(PUBLIC)) for name, said in comments(file).items()}
    assert len(public) > 100
    assert all(public.values())
    assert public == {name: full[name] for name in public}


def test_it_compiles_alone(tmp_path: Path) -> None:
    """A compiler can generate code from it without other files."""
    names = [file.name for file in ours(read(PUBLIC))]
    protoc = (sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={PUBLIC}")
    subprocess.run([*protoc, f"--python_out={tmp_path}", f"--grpc_python_out={tmp_path}", *names], check=True)
    assert sum(1 for _ in tmp_path.rglob("*_pb2.py")) == len(names)
