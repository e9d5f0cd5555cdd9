"""Write `build/public.binpb`: what an app may call, for generators of any language.

Run by `make protos`, after protos/generate.py. Of `build/lensfeed.binpb` it keeps the public services with the messages that
they need, and their comments. What only the server reads is taken out (rules of validation, REST paths, the costs of calls),
and with it every import from elsewhere: only `google/protobuf/` is left, which each protobuf library brings along.
Standard options stay, such as `idempotency_level`.
"""

import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message

BUILD = Path(__file__).parent.parent / "build"
PACKAGE = "lensfeed."
INTERNAL_SUFFIX = "InternalService"
FIRST_EXTENSION = 1000
"""Descriptors leave the field numbers from here on to options that others define."""


def public_services(files: FileDescriptorSet) -> list[str]:
    """Name the services that the edge routes."""
    return [
        f"{file.package}.{service.name}"
        for file in files.file
        if file.package.startswith(PACKAGE)
        for service in file.service
        if not service.name.endswith(INTERNAL_SUFFIX)
    ]


def with_options(message: Message) -> Iterator[Message]:
    """Walk through a descriptor: all messages in it that have options."""
    for field, value in message.ListFields():
        if field.message_type is None or field.name in ("options", "source_code_info"):
            continue
        for each in value if field.is_repeated else (value,):
            yield from with_options(each)
    if message.DESCRIPTOR.fields_by_name.get("options") and message.HasField("options"):
        yield message


def strip_options(file: FileDescriptorProto) -> None:
    """Take the options out that are not protobuf's own, with what the source says about them."""
    for message in with_options(file):
        options = message.options  # type: ignore[attr-defined]  # every message that with_options gives has them
        for field, _ in options.ListFields():
            if field.is_extension:
                options.ClearExtension(field)
        options.DiscardUnknownFields()
        if not options.ByteSize():
            message.ClearField("options")
    locations = file.source_code_info.location
    # No file has a thousand messages, nor a message as many fields: so large a number in a path is that of an option.
    kept = [each for each in locations if all(number < FIRST_EXTENSION for number in each.path)]
    del locations[:]
    locations.extend(kept)


def main() -> None:
    """Write the set."""
    everything = FileDescriptorSet.FromString((BUILD / "lensfeed.binpb").read_bytes())
    for file in everything.file:
        strip_options(file)
        # A Java class for each message, not one around all messages of a file. No contract states it: nothing else reads it.
        file.options.java_multiple_files |= file.package.startswith(PACKAGE)
    # buf leaves out what no public service needs, and moves the comments of what stays to its new places.
    buf = str(Path(sysconfig.get_path("scripts")) / "buf")
    types = [f"--type={service}" for service in public_services(everything)]
    out = str(BUILD / "public.binpb")
    command = (buf, "build", "-#format=binpb", "--as-file-descriptor-set", *types, "--output", out)
    subprocess.run(command, input=everything.SerializeToString(), check=True)


if __name__ == "__main__":
    main()
