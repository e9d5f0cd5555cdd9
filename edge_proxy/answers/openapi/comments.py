"""The comments of a contract, by the place of what they stand at."""

from google.protobuf.descriptor_pb2 import FileDescriptorProto

Path = tuple[int, ...]
# Field numbers of descriptor.proto, of which the places of a file are made.
MESSAGE, ENUM, SERVICE = 4, 5, 6
MEMBER = 2
"""A field of a message, a value of an enum, a method of a service."""


class Comments:
    """The comments of one file."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._texts = {tuple(place.path): place.leading_comments for place in file.source_code_info.location}

    def at(self, *path: int) -> str:
        """Return what stands above a declaration, as one line; empty where nothing does."""
        return " ".join(self._texts.get(path, "").split())
