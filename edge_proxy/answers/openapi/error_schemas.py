"""The schema of every error: `google.rpc.Status` with its details."""

from edge_proxy.answers import refusals
from edge_proxy.answers.openapi.errors import TYPE
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

STATUS = "Status"
_INTEGER: Json = {"type": "integer", "format": "int32"}
_TEXT: Json = {"type": "string"}


def error_schemas() -> Json:
    """Return the components."""
    return {
        STATUS: _object(
            "Every error. A program goes by the `reason` of its ErrorInfo.",
            code={**_INTEGER, "description": "The gRPC code."},
            message={**_TEXT, "description": "For people; its wording may change."},
            details={
                "type": "array",
                "items": {"oneOf": [_ref("ErrorInfo"), _ref("BadRequest"), _ref("RetryInfo")]},
                "description": "An ErrorInfo always; the others where they apply.",
            },
        ),
        "ErrorInfo": _detail(
            "Which error it is.",
            "ErrorInfo",
            reason={**_TEXT, "pattern": "^[A-Z][A-Z_]+$", "description": "Stable, as `HANDLE_TAKEN`."},
            domain={**_TEXT, "const": refusals.DOMAIN, "description": "Whose reason it is."},
        ),
        "BadRequest": _detail(
            "Which fields are wrong (INVALID_ARGUMENT).",
            "BadRequest",
            fieldViolations={"type": "array", "items": _ref("FieldViolation"), "description": "All of them."},
        ),
        "FieldViolation": _violation(),
        "RetryInfo": _detail(
            "When to come again (429 and 503).",
            "RetryInfo",
            retryDelay={**_TEXT, "pattern": r"^[0-9]+(\.[0-9]+)?s$", "description": "Seconds, as `1s`."},
        ),
    }


def _violation() -> Json:
    return _object(
        "One rule that is broken.",
        field={**_TEXT, "description": "The field's name as the contract has it, as `display_name`."},
        description={**_TEXT, "description": "For people."},
        reason={**_TEXT, "description": "Stable, as `HANDLE_INVALID`."},
    )


def _detail(description: str, kind: str, /, **properties: Json) -> Json:
    return _object(
        description, **{"@type": {**_TEXT, "const": TYPE + kind, "description": "The detail's type."}}, **properties
    )


def _object(description: str, /, **properties: Json) -> Json:
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _ref(name: str) -> Json:
    return {"$ref": SCHEMAS + name}
