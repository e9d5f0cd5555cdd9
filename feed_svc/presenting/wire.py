"""Pieces of serialized messages (https://protobuf.dev/programming-guides/encoding/)."""

from google.protobuf.descriptor import Descriptor


def tag_of(message: Descriptor, name: str) -> bytes:
    """Return the tag of a length-delimited field."""
    return bytes([message.fields_by_name[name].number << 3 | 2])


def varint(number: int) -> bytes:
    """Return a base-128 varint."""
    encoded = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
