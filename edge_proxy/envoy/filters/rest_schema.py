"""The REST side of the contracts as Lua tables: paths, query parameters and bodies, with the type of each field."""

import re
from collections.abc import Iterator, Mapping

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from edge_proxy.answers.openapi.contract import Contract, Field, Rpc, read_contract
from edge_proxy.contracts import CONDITION_FIELD, ContractsError

_IN_PATH = re.compile(r"\{([a-z_]+)\}")
_LUA_MAGIC = re.compile(r"([\^$()%.\[\]*+\-?])")
TIMESTAMP = "google.protobuf.Timestamp"
KINDS = {
    FieldDescriptorProto.TYPE_STRING: "string",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
    FieldDescriptorProto.TYPE_BOOL: "bool",
    FieldDescriptorProto.TYPE_INT32: "int32",
    FieldDescriptorProto.TYPE_INT64: "int64",
    FieldDescriptorProto.TYPE_UINT32: "uint32",
    FieldDescriptorProto.TYPE_UINT64: "uint64",
    FieldDescriptorProto.TYPE_DOUBLE: "double",
    FieldDescriptorProto.TYPE_FLOAT: "double",
    FieldDescriptorProto.TYPE_ENUM: "enum",
    FieldDescriptorProto.TYPE_MESSAGE: "message",
}
Table = Mapping[str, object]


def rest_schema(descriptors: FileDescriptorSet) -> str:
    """Return Lua source that defines `methods` by verb and `messages` by name. Raises ContractsError."""
    contract = read_contract(descriptors)
    methods: dict[str, list[Table]] = {}
    for rpc in sorted((rpc for service in contract.services for rpc in service.rpcs), key=_specificity):
        methods.setdefault(rpc.verb.upper(), []).append(_method(contract, rpc))
    roots = {rpc.request for service in contract.services for rpc in service.rpcs if rpc.has_body}
    bodies = sorted({name for root in roots for name in _reachable(contract, root)})
    messages = {name: _fields(contract, name, contract.messages[name].fields) for name in bodies}
    return f"local methods = {lua_literal(methods)}\nlocal messages = {lua_literal(messages)}\n"


def readable_paths(descriptors: FileDescriptorSet) -> str:
    """Return Lua source that defines `readable`, the path patterns of GET. Raises ContractsError."""
    rpcs = (rpc for service in read_contract(descriptors).services for rpc in service.rpcs)
    return f"local readable = {lua_literal([_pattern(rpc.template) for rpc in rpcs if rpc.verb == 'get'])}\n"


def _specificity(rpc: Rpc) -> list[bool]:
    """Order `/users/me` before `/users/{user_id}`."""
    return [segment.startswith("{") for segment in rpc.template.split("/")]


def _method(contract: Contract, rpc: Rpc) -> Table:
    fields = contract.messages[rpc.request].fields
    by_name = {field.proto.name: field for field in fields}
    names = _IN_PATH.findall(rpc.template)
    elsewhere = {*names, CONDITION_FIELD}
    queried = [field for field in fields if not rpc.has_body and field.proto.name not in elsewhere]
    return {
        "pattern": _pattern(rpc.template),
        "path": [_field(contract, rpc.request, by_name[name]) for name in names],
        "query": _fields(contract, rpc.request, [field for field in queried if _kind(contract, field) != "message"]),
        **({"message": rpc.request} if rpc.has_body else {}),
    }


def _pattern(template: str) -> str:
    """Return a Lua pattern with a capture for each variable. Like the transcoder, it accepts a final slash."""
    parts = _IN_PATH.split(template)
    literals = [_LUA_MAGIC.sub(r"%\1", part) for part in parts[::2]]
    return f"^{'([^/]+)'.join(literals)}/?$"


def _fields(contract: Contract, message: str, fields: "list[Field] | tuple[Field, ...]") -> Table:
    """Return fields by both of their names, as the transcoder accepts both."""
    found = [(field, _field(contract, message, field)) for field in fields]
    return {name: made for field, made in found for name in dict.fromkeys((field.name, field.proto.name))}


def _field(contract: Contract, message: str, field: Field) -> Table:
    kind = _kind(contract, field)
    if kind is None:
        raise ContractsError(f"{message}.{field.name}: the edge cannot check fields of this type")
    return {
        "name": field.proto.name,
        "json": field.name,
        "kind": kind,
        "is_list": field.is_repeated and kind != "map",
        **({"message": field.type_name} if kind == "message" else {}),
    }


def _kind(contract: Contract, field: Field) -> str | None:
    if field.type_name == TIMESTAMP:
        return "time"
    inner = contract.messages.get(field.type_name)
    if inner is not None and inner.is_map_entry:
        return "map"
    return KINDS.get(field.proto.type)


def _reachable(contract: Contract, root: str) -> Iterator[str]:
    waiting, seen = [root], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        yield name
        waiting += [field.type_name for field in contract.messages[name].fields if _kind(contract, field) == "message"]


def lua_literal(value: object) -> str:
    """Write a value as a Lua literal."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"[{lua_literal(key)}] = {lua_literal(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "{" + ", ".join(lua_literal(each) for each in value) + "}"
    if isinstance(value, bool):
        return "true" if value else "false"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
