"""A public method as an OpenAPI operation."""

from edge_proxy.answers.openapi.contract import Contract, Rpc, Service
from edge_proxy.answers.openapi.error_responses import JSON_TYPE, error_responses
from edge_proxy.answers.openapi.errors import method_errors, shared_errors, split_comment
from edge_proxy.answers.openapi.examples import example_message
from edge_proxy.answers.openapi.parameters import in_path, parameters
from edge_proxy.answers.openapi.rules import rules_of
from edge_proxy.answers.openapi.schemas import SCHEMAS, needs_value, short_name
from edge_proxy.contracts import DEFAULT_BODY_KIB, PICK_RENDITION
from edge_proxy.json_types import Json

BEARER = "bearer"
ETAG: Json = {"ETag": {"description": "It changes with the answer. A weak one.", "schema": {"type": "string"}}}


def operation(contract: Contract, service: Service, rpc: Rpc) -> Json:
    """Return the operation."""
    text, _ = split_comment(rpc.comment)
    method = rpc.method
    return {
        "tags": [tag(service)],
        "operationId": method.name[0].lower() + method.name[1:],
        "summary": text.partition(". ")[0].removesuffix(".").replace("`", ""),
        "description": f"{text}\n\n{_cost_text(rpc)} As gRPC and gRPC-Web: `{method.service}/{method.name}`.",
        "security": [] if method.is_open else [{BEARER: []}],
        "parameters": parameters(contract, rpc),
        **_body(contract, rpc),
        "responses": {**_success(contract, rpc), **_error_responses(contract, rpc)},
        "x-grpc-method": f"{method.service}/{method.name}",
        "x-cost": method.cost,
        "x-repeatable": method.is_repeatable,
        "x-repeat": method.repeat.value,
    }


def tag(service: Service) -> str:
    """Return the tag of a service's operations, such as `User`."""
    return short_name(service.name).removesuffix("Service")


def _cost_text(rpc: Rpc) -> str:
    points = "1 point" if rpc.method.cost == 1 else f"{rpc.method.cost} points"
    log_in = ", and counts against the log-in limit" if rpc.method.is_log_in else ""
    most = rpc.method.max_body_bytes
    body = f" The body may have up to {most // 1024} KiB." if most > DEFAULT_BODY_KIB * 1024 else ""
    return f"Costs {points}{log_in}.{body}"


def _body(contract: Contract, rpc: Rpc) -> Json:
    if not rpc.has_body:
        return {}
    message = contract.messages[rpc.request]
    schema = {"$ref": SCHEMAS + short_name(rpc.request)}
    example = example_message(contract, message, in_path(rpc))
    return {
        "requestBody": {
            "description": message.comment,
            # A missing body is an empty message.
            "required": any(needs_value(field) for field in message.fields),
            "content": {JSON_TYPE: {"schema": schema, "example": example}},
        }
    }


def _success(contract: Contract, rpc: Rpc) -> Json:
    message = contract.messages[rpc.response]
    content = {
        JSON_TYPE: {
            "schema": {"$ref": SCHEMAS + short_name(rpc.response)},
            "example": example_message(contract, message),
        }
    }
    if rpc.method.is_conditional:
        known = {"description": "The answer is that of `If-None-Match`. There is no body.", "headers": ETAG}
        return {"200": {"description": message.comment, "headers": ETAG, "content": content}, "304": known}
    if rpc.method.path != PICK_RENDITION:
        return {"200": {"description": message.comment, "content": content}}
    place = {"description": "The URL of the rendition.", "schema": {"type": "string", "format": "uri"}}
    return {"302": {"description": message.comment, "headers": {"Location": place}, "content": content}}


def _error_responses(contract: Contract, rpc: Rpc) -> Json:
    own = method_errors(rpc, _wordings(contract, rpc))
    return error_responses(own, shared_errors(rpc))


def _wordings(contract: Contract, rpc: Rpc) -> dict[str, tuple[str, str]]:
    """Map the reason of each request rule to its field and text."""
    return {
        rule.reason: (field.proto.name, rule.message)
        for field in contract.messages[rpc.request].fields
        for rule in rules_of(field)
    }
