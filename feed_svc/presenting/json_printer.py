"""Prints messages as protobuf's JSON, in a quarter of the time of google.protobuf.json_format.

What a field needs is decided once for its type. tests/feed_svc/presenting compares both for every field.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

# Prints one value of a field, or a whole message.
Printer = Callable[[Any], str]
_WITH_OWN_JSON, _TIMESTAMP = "google.protobuf", "google.protobuf.Timestamp"
_quoted = json.JSONEncoder(ensure_ascii=False).encode


def printer_of(message: Descriptor) -> Printer:
    """Return what prints messages of a type. It always prints fields without presence: false, "0", "", [].

    Raises TypeError for a type that the contracts of feeds do not use.
    """
    if message.full_name == _TIMESTAMP:
        return lambda moment: f'"{moment.ToJsonString()}"'
    if message.file.package == _WITH_OWN_JSON:
        raise TypeError(f"{message.full_name}: messages of this type cannot be printed")
    fields = [(field.name, f'"{field.json_name}":', field.has_presence, _printer_of(field)) for field in message.fields]

    def show(value: Any) -> str:
        parts = [
            head + show_field(getattr(value, name))
            for name, head, has_presence, show_field in fields
            if not has_presence or value.HasField(name)
        ]
        return f"{{{','.join(parts)}}}"

    return show


def _printer_of(field: FieldDescriptor) -> Printer:
    one = _printer_of_one(field)
    return (lambda values: f"[{','.join(map(one, values))}]") if field.is_repeated else one


def _printer_of_one(field: FieldDescriptor) -> Printer:
    if field.message_type is not None and not field.message_type.GetOptions().map_entry:
        return printer_of(field.message_type)
    if field.enum_type is not None:
        return _enum_printer(field.enum_type)
    try:
        return _SCALARS[field.type]
    except KeyError:
        raise TypeError(f"{field.full_name}: fields of this type cannot be printed") from None


def _enum_printer(enum: EnumDescriptor) -> Printer:
    names = {number: f'"{value.name}"' for number, value in enum.values_by_number.items()}
    # A newer version may have written a value that this one does not know.
    return lambda number: names.get(number) or str(number)


def _text_of(number: int) -> str:
    """Print 64 bits as a string: JavaScript's numbers have 53."""
    return f'"{number}"'


_SCALARS: dict[int, Printer] = {
    FieldDescriptor.TYPE_STRING: _quoted,
    FieldDescriptor.TYPE_BYTES: lambda value: f'"{base64.b64encode(value).decode()}"',
    FieldDescriptor.TYPE_BOOL: lambda value: "true" if value else "false",
    FieldDescriptor.TYPE_INT32: str,
    FieldDescriptor.TYPE_INT64: _text_of,
}
