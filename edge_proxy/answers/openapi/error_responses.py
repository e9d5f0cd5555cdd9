"""Errors as the responses of an operation: those that many operations share stand once."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from edge_proxy.answers.openapi.error_schemas import STATUS
from edge_proxy.answers.openapi.errors import OF_EVERY_CALL, OF_USERS, Error, by_status, of_refusal
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

JSON_TYPE = "application/json"
SEPARATOR = " · "
RESPONSES = "#/components/responses/"
# Those with which the edge says when to come again.
COME_AGAIN = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


def failures(own: Sequence[Error], shared: Sequence[Error]) -> Json:
    """Return the responses of an operation by status: a reference where it has no errors of its own."""
    with_own = {error.status for error in own}
    return {
        str(status): _response(errors) if status in with_own else {"$ref": RESPONSES + _name(status)}
        for status, errors in by_status([*own, *shared]).items()
    }


def shared_responses() -> Json:
    """Return the components."""
    errors = by_status(of_refusal(each) for each in (*OF_USERS, *OF_EVERY_CALL))
    return {_name(status): _response(found) for status, found in errors.items()}


def _name(status: int) -> str:
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())


def _response(errors: Iterable[Error]) -> Json:
    """Return the response of one status, with an example for each reason."""
    errors = list(errors)
    notes = (f"`{error.reason}`" + (f": {error.note}" if error.note else "") for error in errors)
    content = {
        "schema": {"$ref": SCHEMAS + STATUS},
        "examples": {error.reason: {"value": error.example} for error in errors},
    }
    response: Json = {"description": SEPARATOR.join(notes), "content": {JSON_TYPE: content}}
    return {**response, "headers": _come_again()} if errors[0].status in COME_AGAIN else response


def _come_again() -> Json:
    schema = {"type": "integer", "minimum": 1}
    return {"Retry-After": {"description": "After how many seconds to come again.", "schema": schema}}
