"""The schema of every error: `google.rpc.Status` with its details."""

from edge_proxy.answers import refusals
from edge_proxy.answers.openapi.errors import TYPE
from edge_proxy.answers.openapi.schemas import SCHEMAS
from edge_proxy.json_types import Json

STATUS = "Status"
_INTEGER: Json = {"type": "integer", "format": "int32"}
_TEXT: Json = {"type": "string"}


def error_schemas() -> Json:
    """Return the error schemas as components."""
    return {
        STATUS: _object(
            "Any error. Programs should decide by the `reason` of its ErrorInfo.",
            code={**_INTEGER, "description": "The gRPC code."},
            message={**_TEXT, "description": "A text for people. Its wording may change."},
            details={
                "type": "array",
                "items": {"oneOf": [_ref("ErrorInfo"), _ref("BadRequest"), _ref("RetryInfo")]},
                "description": "Always an ErrorInfo; the others if they apply.",
            },
        ),
        "ErrorInfo": _detail(
            "Identifies the error.",
            "ErrorInfo",
            reason={
                **_TEXT,
                "pattern": "^[A-Z][A-Z_]+$",
                "description": "A stable identifier, such as `HANDLE_TAKEN`.",
            },
            domain={**_TEXT, "const": refusals.DOMAIN, "description": "The owner of the reason."},
        ),
        "BadRequest": _detail(
            "The invalid fields (INVALID_ARGUMENT).",
            "BadRequest",
            fieldViolations={
                "type": "array",
                "items": _ref("FieldViolation"),
                "description": "One item for each broken rule.",
            },
        ),
        "FieldViolation": _violation(),
        "RetryInfo": _detail(
            "When to retry (429 and 503).",
            "RetryInfo",
            retryDelay={**_TEXT, "pattern": r"^[0-9]+(\.[0-9]+)?s$", "description": "Seconds, such as `1s`."},
        ),
    }


def _violation() -> Json:
    return _object(
        "A broken rule.",
        field={**_TEXT, "description": "The field's name in the contract, such as `display_name`."},
        description={**_TEXT, "description": "A text for people."},
        reason={**_TEXT, "description": "A stable identifier, such as `HANDLE_INVALID`."},
    )


def _detail(description: str, kind: str, /, **properties: Json) -> Json:
    return _object(
        description, **{"@type": {**_TEXT, "const": TYPE + kind, "description": "The detail's type."}}, **properties
    )


def _object(description: str, /, **properties: Json) -> Json:
    return {"type": "object", "description": description, "properties": properties, "required": list(properties)}


def _ref(name: str) -> Json:
    return {"$ref": SCHEMAS + name}
