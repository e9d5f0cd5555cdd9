"""OpenAPI paths that the edge serves itself: health, this document and media."""

from edge_proxy.answers import refusals
from edge_proxy.answers.health import PATH as HEALTH_PATH
from edge_proxy.answers.openapi.error_responses import JSON_TYPE, error_responses
from edge_proxy.answers.openapi.errors import COMMON_REFUSALS, from_refusal
from edge_proxy.answers.openapi.examples import FILE_NAME, PHOTO
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

DOCUMENT_PATH = "/openapi.json"
TAG = "Edge"
HEALTH = "Health"
MEDIA_TYPES = ("image/avif", "image/webp", "image/jpeg", "video/mp4", "application/vnd.apple.mpegurl")
MEDIA_REFUSALS = (refusals.MEDIA_NOT_FOUND, refusals.RANGE_INVALID)
FILE: Json = {"type": "string", "format": "binary"}


def edge_paths() -> Json:
    """Return the paths as OpenAPI path items."""
    return {
        HEALTH_PATH: {"get": _health()},
        DOCUMENT_PATH: {"get": _document()},
        "/m/{mediaId}/{name}": {"get": _media()},
    }


def edge_schemas() -> Json:
    """Return the schemas that these paths use."""
    status = {"type": "string", "enum": ["SERVING", "NOT_SERVING"], "description": "Whether the mesh takes calls."}
    schema = {"type": "object", "description": "The mesh's health.", "properties": {"status": status}}
    return {HEALTH: {**schema, "required": ["status"]}}


def _health() -> Json:
    return _operation(
        "getHealth",
        "Whether every service has a healthy replica.",
        [],
        {
            "200": _health_answer("The mesh takes calls.", "SERVING"),
            "503": _health_answer("A service is down, or the edge is stopping.", "NOT_SERVING"),
        },
    )


def _health_answer(description: str, status: str) -> Json:
    content = {JSON_TYPE: {"schema": {"$ref": SCHEMAS + HEALTH}, "example": {"status": status}}}
    return {"description": description, "content": content}


def _document() -> Json:
    schema = {"type": "object", "description": "An OpenAPI document."}
    answer = {"description": "The document.", "content": {JSON_TYPE: {"schema": schema}}}
    return _operation(
        "getOpenapi", "This document. `/docs` shows it as a page.", [], {"200": answer, "304": _unchanged()}
    )


def _media() -> Json:
    return _operation(
        "getMediaFile",
        "A rendition, poster or playlist, at the URL given in a medium. It needs no token, and range requests work.",
        [
            _in_path("mediaId", "The medium's id.", "^[A-Za-z0-9_-]+$", PHOTO),
            _in_path("name", "The file's name.", "^[A-Za-z0-9_-][A-Za-z0-9._-]*$", FILE_NAME),
        ],
        {
            "200": {"description": "The file.", "content": {kind: {"schema": FILE} for kind in MEDIA_TYPES}},
            "206": {"description": "The requested range.", "content": {kind: {"schema": FILE} for kind in MEDIA_TYPES}},
            "304": _unchanged(),
            **error_responses(
                [from_refusal(each) for each in MEDIA_REFUSALS], [from_refusal(each) for each in COMMON_REFUSALS]
            ),
        },
    )


def _operation(name: str, description: str, parameters: list[Json], responses: Json) -> Json:
    return {
        "tags": [TAG],
        "operationId": name,
        "summary": description.partition(".")[0].partition(";")[0],
        "description": f"{description} Costs nothing.",
        "security": [],
        "parameters": parameters,
        "responses": responses,
        "x-cost": 0,
    }


def _in_path(name: str, description: str, pattern: str, example: str) -> Json:
    schema = {"type": "string", "pattern": pattern}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": schema,
        "example": example,
    }


def _unchanged() -> Json:
    return {"description": "The client's copy (`If-None-Match`) is current."}
