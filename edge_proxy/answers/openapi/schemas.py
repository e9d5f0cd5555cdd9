"""Messages as JSON Schema, by proto3's JSON mapping and the edge's print options."""

import re
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from edge_proxy.answers.openapi.contract import Contract, Enum, Field, Message
from edge_proxy.answers.openapi.rules import keywords_of
from edge_proxy.contracts import ContractsError
from edge_proxy.json_types import Json

SCHEMAS = "#/components/schemas/"
INT32: Json = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
# JavaScript numbers have 53 bits.
INT64: Json = {"type": "string", "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
TYPES: dict[int, Json] = {
    FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptorProto.TYPE_INT32: INT32,
    FieldDescriptorProto.TYPE_INT64: INT64,
    FieldDescriptorProto.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
WELL_KNOWN: dict[str, Json] = {"google.protobuf.Timestamp": {"type": "string", "format": "date-time"}}


def short_name(name: str) -> str:
    """Return the component name of a message or enum: its name without the package."""
    return name.rpartition(".")[2]


def field_schema(contract: Contract, field: Field) -> Json:
    """Return the schema of a field, with its rules and its comment."""
    value = _value(field)
    if entry := _map_entry(contract, field):
        value = {"type": "object", "additionalProperties": _value(entry.fields[1])}
    elif field.is_repeated:
        value = {"type": "array", "items": value}
    return {**value, **keywords_of(field), "description": field.comment}


def enum_schema(enum: Enum) -> Json:
    """Return the schema of an enum as strings."""
    meanings = "\n".join(f"- `{name}`: {comment}" for name, comment in enum.values)
    return {
        "type": "string",
        "enum": [name for name, _ in enum.values],
        "description": f"{enum.comment}\n\n{meanings}",
    }


def answer_schema(contract: Contract, message: Message) -> Json:
    """Return the schema of a response message. Fields that are always printed are required."""
    required = [field.name for field in message.fields if _is_always_printed(contract, field)]
    return _object(contract, message, message.fields, required)


def request_schema(contract: Contract, message: Message, in_path: tuple[str, ...] = ()) -> Json:
    """Return the schema of a request body. Fields that no rule lets be empty are required.

    Fields in `in_path` (by their names in the contract) are left out.
    """
    fields = tuple(field for field in message.fields if field.proto.name not in in_path)
    return _object(contract, message, fields, [field.name for field in fields if needs_value(field)])


def needs_value(field: Field) -> bool:
    """Return whether a field's rules refuse the default value, so that it must be sent."""
    rules = keywords_of(field)
    if field.proto.proto3_optional:
        return False
    bounds = (rules.get("minLength", 0), rules.get("minItems", 0), rules.get("minimum", 0))
    return max(bounds) > 0 or re.search(rules.get("pattern", ""), "") is None


def reachable(contract: Contract, root: str) -> Iterator[str]:
    """List a message and all messages and enums it uses, by full name, without well-known types."""
    waiting, seen = [root], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or not name or name in WELL_KNOWN:
            continue
        seen.add(name)
        if name in contract.messages:
            waiting += [field.type_name for field in contract.messages[name].fields]
            if contract.messages[name].is_map_entry:
                continue
        yield name


def _object(contract: Contract, message: Message, fields: tuple[Field, ...], required: list[str]) -> Json:
    properties = {field.name: field_schema(contract, field) for field in fields}
    schema: Json = {"type": "object", "description": message.comment, "properties": properties}
    return {**schema, "required": required} if required else schema


def _value(field: Field) -> Json:
    """Return the schema of a single value of a field."""
    if not field.type_name:
        if field.proto.type not in TYPES:
            raise ContractsError(f"{field.proto.name}: the OpenAPI document does not support this type")
        return dict(TYPES[field.proto.type])
    return dict(WELL_KNOWN.get(field.type_name) or {"$ref": SCHEMAS + short_name(field.type_name)})


def _map_entry(contract: Contract, field: Field) -> Message | None:
    message = contract.messages.get(field.type_name)
    return message if message and message.is_map_entry else None


def _is_always_printed(contract: Contract, field: Field) -> bool:
    """Return whether the edge prints a field even when unset: one without presence."""
    return field.is_repeated or not (field.proto.proto3_optional or field.type_name in contract.messages)
