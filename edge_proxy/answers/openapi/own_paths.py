"""What the edge serves besides the methods: its health, this document, and finished media."""

from edge_proxy.answers import refusals
from edge_proxy.answers.health import PATH as HEALTH_PATH
from edge_proxy.answers.openapi.error_responses import JSON_TYPE, failures
from edge_proxy.answers.openapi.errors import OF_EVERY_CALL, of_refusal
from edge_proxy.answers.openapi.examples import FILE_NAME, PHOTO
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

DOCUMENT_PATH = "/openapi.json"
TAG = "Edge"
HEALTH = "Health"
MEDIA_TYPES = ("image/avif", "image/webp", "image/jpeg", "video/mp4", "application/vnd.apple.mpegurl")
OF_MEDIA = (refusals.MEDIA_NOT_FOUND, refusals.RANGE_INVALID)
FILE: Json = {"type": "string", "format": "binary"}


def own_paths() -> Json:
    """Return the paths."""
    return {
        HEALTH_PATH: {"get": _health()},
        DOCUMENT_PATH: {"get": _document()},
        "/m/{mediaId}/{name}": {"get": _media()},
    }


def own_schemas() -> Json:
    """Return the components that they need."""
    status = {"type": "string", "enum": ["SERVING", "NOT_SERVING"], "description": "Whether calls are answered."}
    schema = {"type": "object", "description": "The mesh's health.", "properties": {"status": status}}
    return {HEALTH: {**schema, "required": ["status"]}}


def _health() -> Json:
    return _operation(
        "getHealth",
        "Whether every service has a healthy replica.",
        [],
        {
            "200": _health_answer("Calls are answered.", "SERVING"),
            "503": _health_answer("A part is down, or the edge is about to end.", "NOT_SERVING"),
        },
    )


def _health_answer(description: str, status: str) -> Json:
    content = {JSON_TYPE: {"schema": {"$ref": SCHEMAS + HEALTH}, "example": {"status": status}}}
    return {"description": description, "content": content}


def _document() -> Json:
    schema = {"type": "object", "description": "An OpenAPI document."}
    answer = {"description": "The document.", "content": {JSON_TYPE: {"schema": schema}}}
    return _operation(
        "getOpenapi", "This document; `/docs` shows it as a page.", [], {"200": answer, "304": _unchanged()}
    )


def _media() -> Json:
    return _operation(
        "getMediaFile",
        "A rendition, poster or playlist, at the URL that a medium states. Everybody may read it; ranges work.",
        [
            _in_path("mediaId", "The medium's id.", "^[A-Za-z0-9_-]+$", PHOTO),
            _in_path("name", "The file's name.", "^[A-Za-z0-9_-][A-Za-z0-9._-]*$", FILE_NAME),
        ],
        {
            "200": {"description": "The file.", "content": {kind: {"schema": FILE} for kind in MEDIA_TYPES}},
            "206": {"description": "The range asked for.", "content": {kind: {"schema": FILE} for kind in MEDIA_TYPES}},
            "304": _unchanged(),
            **failures([of_refusal(each) for each in OF_MEDIA], [of_refusal(each) for each in OF_EVERY_CALL]),
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
    return {"description": "What the app has (`If-None-Match`) is still good."}
