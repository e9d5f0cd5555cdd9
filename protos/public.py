"""Write `build/public.binpb`, the public contracts for code generators of any language.

Run by `make protos`, after protos/generate.py. It keeps the public services of `build/lensfeed.binpb` with their messages and
comments. It drops what only the server reads (validation rules, REST paths, the costs of calls) and thereby every foreign
import except `google/protobuf/`, which each protobuf library includes. Standard options such as `idempotency_level` stay.
"""

import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.message import Message

BUILD = Path(__file__).parent.parent / "build"
PACKAGE = "lensfeed."
NOT_PUBLIC = ("InternalService", "EdgeService")
FIRST_EXTENSION = 1000
"""Custom options have field numbers from here on."""


def public_services(files: FileDescriptorSet) -> list[str]:
    """Return the names of the services that the edge routes."""
    return [
        f"{file.package}.{service.name}"
        for file in files.file
        if file.package.startswith(PACKAGE)
        for service in file.service
        if not service.name.endswith(NOT_PUBLIC)
    ]


def with_options(message: Message) -> Iterator[Message]:
    """Iterate over all messages of a descriptor that have options."""
    for field, value in message.ListFields():
        if field.message_type is None or field.name in ("options", "source_code_info"):
            continue
        for each in value if field.is_repeated else (value,):
            yield from with_options(each)
    if message.DESCRIPTOR.fields_by_name.get("options") and message.HasField("options"):
        yield message


def strip_options(file: FileDescriptorProto) -> None:
    """Remove custom options and their source locations."""
    for message in with_options(file):
        options = message.options  # type: ignore[attr-defined]  # every message from with_options has them
        for field, _ in options.ListFields():
            if field.is_extension:
                options.ClearExtension(field)
        options.DiscardUnknownFields()
        if not options.ByteSize():
            message.ClearField("options")
    locations = file.source_code_info.location
    # No file has 1,000 messages and no message 1,000 fields, so a number that large in a path belongs to an option.
    kept = [each for each in locations if all(number < FIRST_EXTENSION for number in each.path)]
    del locations[:]
    locations.extend(kept)


def main() -> None:
    """Write the descriptor set."""
    everything = FileDescriptorSet.FromString((BUILD / "lensfeed.binpb").read_bytes())
    for file in everything.file:
        strip_options(file)
        # Generate one Java class per message. Only Java reads this, so the contracts do not set it.
        file.options.java_multiple_files |= file.package.startswith(PACKAGE)
    # buf drops what no public service needs and moves the remaining comments.
    buf = str(Path(sysconfig.get_path("scripts")) / "buf")
    types = [f"--type={service}" for service in public_services(everything)]
    out = str(BUILD / "public.binpb")
    command = (buf, "build", "-#format=binpb", "--as-file-descriptor-set", *types, "--output", out)
    subprocess.run(command, input=everything.SerializeToString(), check=True)


if __name__ == "__main__":
    main()
