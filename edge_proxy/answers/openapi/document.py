"""The OpenAPI document as a whole."""

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from edge_proxy.answers.openapi.contract import Contract, Rpc, Service, read_contract
from edge_proxy.answers.openapi.edge_paths import TAG, edge_paths, edge_schemas
from edge_proxy.answers.openapi.error_responses import shared_responses
from edge_proxy.answers.openapi.error_schemas import error_schemas
from edge_proxy.answers.openapi.operations import BEARER, operation, tag
from edge_proxy.answers.openapi.overview import OVERVIEW
from edge_proxy.answers.openapi.parameters import in_path, rest_path
from edge_proxy.answers.openapi.schemas import answer_schema, enum_schema, reachable, request_schema, short_name
from edge_proxy.contracts import ContractsError
from edge_proxy.json_types import Json

OPENAPI_VERSION = "3.1.0"
# The version of the packages: lensfeed.user.v1. It changes when apps must.
CONTRACT_VERSION = "1"


def document(descriptors: FileDescriptorSet) -> Json:
    """Build the document from descriptors with comments. Raises ContractsError."""
    contract = read_contract(descriptors)
    return {
        "openapi": OPENAPI_VERSION,
        "info": _info(),
        # The host that served the document.
        "servers": [{"url": "/"}],
        "tags": [*_tags(contract), {"name": TAG, "description": "Paths that the edge serves itself."}],
        "paths": {**_paths(contract), **edge_paths()},
        "components": {
            "schemas": {**_schemas(contract), **error_schemas(), **edge_schemas()},
            "responses": shared_responses(),
            "securitySchemes": {BEARER: _bearer()},
        },
    }


def _info() -> Json:
    return {
        "title": "lensfeed",
        "version": CONTRACT_VERSION,
        "summary": "Photo sharing: accounts, posts, follows and an exact home feed.",
        "description": OVERVIEW,
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _bearer() -> Json:
    return {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `accessToken` of `POST /sessions`, valid for 15 minutes. `POST /sessions/refresh` returns a new one.",
    }


def _tags(contract: Contract) -> list[Json]:
    return [{"name": tag(service), "description": service.comment} for service in contract.services]


def _rpcs(contract: Contract) -> list[tuple[Service, Rpc]]:
    return [(service, rpc) for service in contract.services for rpc in service.rpcs]


def _paths(contract: Contract) -> Json:
    paths: Json = {}
    for service, rpc in _rpcs(contract):
        paths.setdefault(rest_path(contract, rpc), {})[rpc.verb] = operation(contract, service, rpc)
    return paths


def _schemas(contract: Contract) -> Json:
    """Return the schemas of all messages and enums. Requests and responses require different fields."""
    sent = {name for _, rpc in _rpcs(contract) if rpc.has_body for name in reachable(contract, rpc.request)}
    printed = {name for _, rpc in _rpcs(contract) for name in reachable(contract, rpc.response)}
    if both := {name for name in sent & printed if name in contract.messages}:
        raise ContractsError(f"{sorted(both)}: the OpenAPI document needs separate messages for requests and responses")
    paths = {rpc.request: in_path(rpc) for _, rpc in _rpcs(contract)}
    schemas: Json = {}
    for name in sorted(sent | printed, key=short_name):
        if short_name(name) in schemas:
            raise ContractsError(f"{name}: the OpenAPI document already has a {short_name(name)}")
        schemas[short_name(name)] = _schema(contract, name, is_sent=name in sent, paths=paths)
    return schemas


def _schema(contract: Contract, name: str, *, is_sent: bool, paths: dict[str, tuple[str, ...]]) -> Json:
    if name in contract.enums:
        return enum_schema(contract.enums[name])
    message = contract.messages[name]
    return request_schema(contract, message, paths.get(name, ())) if is_sent else answer_schema(contract, message)
