"""Comments of a contract, looked up by the path of their declaration."""

from google.protobuf.descriptor_pb2 import FileDescriptorProto

Path = tuple[int, ...]
# Field numbers of descriptor.proto. The path of a declaration consists of them.
MESSAGE, ENUM, SERVICE = 4, 5, 6
MEMBER = 2
"""A field of a message, a value of an enum, a method of a service."""


class Comments:
    """The comments of one file."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._texts = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}

    def at(self, *path: int) -> str:
        """Return the comment above a declaration as one line, or an empty string."""
        return " ".join(self._texts.get(path, "").split())
