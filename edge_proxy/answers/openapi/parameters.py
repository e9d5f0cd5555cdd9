"""Path, query and header parameters of an operation."""

import re

from edge_proxy.answers.openapi.contract import Contract, Field, Rpc
from edge_proxy.answers.openapi.examples import ETAG, example_value
from edge_proxy.answers.openapi.schemas import field_schema
from edge_proxy.contracts import CONDITION_FIELD, ContractsError
from edge_proxy.json_types import Json

_IN_PATH = re.compile(r"\{([a-z_]+)\}")
# One path segment. The edge refuses slashes and backslashes in it, escaped or not.
_SEGMENT = r"^[^/\\]+$"
# A method's comment names the metadata it reads.
_METADATA = re.compile(r"metadata `([a-z-]+)`")
HEADERS: dict[str, Json] = {
    "idempotency-key": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": (
            "A random text, new for each thing to create. Repeating a call with the same key and body within 24 hours returns "
            "what the first call created. 1 to 255 printable ASCII characters (IDEMPOTENCY_KEY_INVALID)."
        ),
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~][ -~]*$"},
        "example": "0b6a1e0e-5c5c-4a55-8c41-6f1b2d9b3c57",
    },
    "if-none-match": {
        "name": "If-None-Match",
        "in": "header",
        "required": False,
        "description": "The `ETag` of an earlier answer. If it is still the answer, it is 304 without a body.",
        "schema": {"type": "string"},
        "example": ETAG,
    },
}


def in_path(rpc: Rpc) -> tuple[str, ...]:
    """List the fields bound by the path, by their names in the contract."""
    return tuple(_IN_PATH.findall(rpc.template))


def rest_path(contract: Contract, rpc: Rpc) -> str:
    """Return the path with JSON names, such as `/users/{userId}`."""
    names = {field.proto.name: field.name for field in contract.messages[rpc.request].fields}
    return _IN_PATH.sub(lambda found: f"{{{names[found[1]]}}}", rpc.template)


def parameters(contract: Contract, rpc: Rpc) -> list[Json]:
    """List the parameters in the path, in the query (for calls without a body) and in headers."""
    fields = contract.messages[rpc.request].fields
    of_path = in_path(rpc)
    named = {field.proto.name: field for field in fields}
    return [
        *(_parameter(contract, rpc, named[name], "path") for name in of_path),
        *(
            _parameter(contract, rpc, field, "query")
            for field in fields
            if field.proto.name not in {*of_path, CONDITION_FIELD} and not rpc.has_body
        ),
        *([HEADERS["if-none-match"]] if rpc.method.is_conditional else ()),
        *(_header(name) for name in _METADATA.findall(rpc.comment)),
    ]


def _parameter(contract: Contract, rpc: Rpc, field: Field, place: str) -> Json:
    schema = field_schema(contract, field)
    if place == "path" and schema["type"] == "string" and "pattern" not in schema:
        schema["pattern"] = _SEGMENT
    return {
        "name": field.name,
        "in": place,
        "required": place == "path",
        "description": schema.pop("description"),
        "schema": schema,
        "example": example_value(rpc.request, field),
    }


def _header(name: str) -> Json:
    if name not in HEADERS:
        raise ContractsError(f"the OpenAPI document has no description of the metadata {name!r}")
    return HEADERS[name]
