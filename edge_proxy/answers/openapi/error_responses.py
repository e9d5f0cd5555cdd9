"""Errors as OpenAPI responses. Responses that operations share are components."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from edge_proxy.answers.openapi.error_schemas import STATUS
from edge_proxy.answers.openapi.errors import COMMON_REFUSALS, TOKEN_REFUSALS, Error, by_status, from_refusal
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

JSON_TYPE = "application/json"
SEPARATOR = " · "
RESPONSES = "#/components/responses/"
# Statuses with a Retry-After header.
RETRY_LATER = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def error_responses(own: Sequence[Error], shared: Sequence[Error]) -> Json:
    """Return an operation's error responses by status; shared ones are references."""
    with_own = {error.status for error in own}
    return {
        str(status): _response(errors) if status in with_own else {"$ref": RESPONSES + _name(status)}
        for status, errors in by_status([*own, *shared]).items()
    }


def shared_responses() -> Json:
    """Return the shared responses as components."""
    errors = by_status(from_refusal(each) for each in (*TOKEN_REFUSALS, *COMMON_REFUSALS))
    return {_name(status): _response(found) for status, found in errors.items()}


def _name(status: int) -> str:
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())


def _response(errors: Iterable[Error]) -> Json:
    """Return the response for one status, with an example for each reason."""
    errors = list(errors)
    notes = (f"`{error.reason}`" + (f": {error.note}" if error.note else "") for error in errors)
    content = {
        "schema": {"$ref": SCHEMAS + STATUS},
        "examples": {error.reason: {"value": error.example} for error in errors},
    }
    response: Json = {"description": SEPARATOR.join(notes), "content": {JSON_TYPE: content}}
    return {**response, "headers": _retry_after_header()} if errors[0].status in RETRY_LATER else response


def _retry_after_header() -> Json:
    schema = {"type": "integer", "minimum": 1}
    return {"Retry-After": {"description": "Seconds to wait before retrying.", "schema": schema}}
