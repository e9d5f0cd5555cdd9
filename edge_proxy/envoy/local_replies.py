"""The edge's error responses in each protocol. They replace Envoy's own texts."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace

from google.rpc.code_pb2 import Code

from edge_proxy.answers.health import PATH as HEALTH_PATH
from edge_proxy.answers.refusals import (
    BODY_MALFORMED,
    CONDITIONS,
    DOMAIN,
    HAS_NO_ANSWER,
    IS_OVERLOADED,
    IS_RATE_LIMITED,
    NEVER_SENT_FLAGS,
    OVERLOADED,
    RATE_LIMITED,
    UNAVAILABLE,
    Refusal,
)
from edge_proxy.envoy.filters.cel import SENT_TYPE, UNTOUCHED_TYPE, cel_filter
from edge_proxy.envoy.filters.cors import cors_error_headers
from edge_proxy.envoy.filters.rest_requests import MALFORMED_METADATA
from edge_proxy.json_types import Json

TYPE = "type.googleapis.com/google.rpc."
JSON_TYPE = "application/json"
GRPC_WEB_TYPE = "application/grpc-web+proto"
# Envoy formats these as gRPC by itself, but not gRPC-Web.
IS_GRPC = ".matches('^application/grpc([+].*)?$')"
IS_GRPC_WEB = ".startsWith('application/grpc-web')"


def local_reply_config(retry_limited_seconds: int, origins: Sequence[str]) -> Json:
    """Render the table of error responses. The first matching row wins.

    Rate-limited callers may retry after `retry_limited_seconds`. Pages of `origins` may read all errors.
    """
    limited = replace(RATE_LIMITED, retry_after_seconds=retry_limited_seconds)
    replies = [
        *(_health_reply(code, status) for code, status in ((200, "SERVING"), (503, "NOT_SERVING"))),
        *_replies(IS_OVERLOADED, OVERLOADED, UNTOUCHED_TYPE),
        *_replies(IS_RATE_LIMITED, limited, SENT_TYPE),
        *_malformed_replies(),
        *_replies(HAS_NO_ANSWER, UNAVAILABLE, SENT_TYPE, NEVER_SENT_FLAGS),
        *(reply for when, refusal in CONDITIONS for reply in _replies(when, refusal, SENT_TYPE)),
    ]
    cors = cors_error_headers(origins)
    return {"mappers": [reply | {"headers_to_add": [*reply.get("headers_to_add", ()), *cors]} for reply in replies]}


def _replies(when: str, refusal: Refusal, content_type: str, flags: Sequence[str] = ()) -> list[Json]:
    """Render a refusal in each protocol, for calls with any of these response flags if there are some."""
    return [
        _grpc_reply(_filter(f"({when}) && {content_type}{IS_GRPC}", flags), refusal),
        _grpc_web_reply(_filter(f"({when}) && {content_type}{IS_GRPC_WEB}", flags), refusal),
        _rest_reply(_filter(when, flags), refusal),
    ]


def _malformed_replies() -> list[Json]:
    """Render replies to malformed REST requests that say what is wrong: with the field, or without one."""
    text, field = (f"%DYNAMIC_METADATA({MALFORMED_METADATA}:{key})%" for key in ("text", "field"))
    info = {"@type": TYPE + "ErrorInfo", "reason": BODY_MALFORMED.reason, "domain": DOMAIN}
    violation = {"field": field, "description": text, "reason": BODY_MALFORMED.reason}
    request = {"@type": TYPE + "BadRequest", "fieldViolations": [violation]}
    known = f"metadata.filter_metadata['{MALFORMED_METADATA}']"
    is_malformed = f"response.code == 400 && '{MALFORMED_METADATA}' in metadata.filter_metadata"
    return [
        _json_reply(f"{is_malformed} && {known}['field'] != ''", text, [info, request]),
        _json_reply(is_malformed, text, [info]),
    ]


def _json_reply(when: str, message: str, details: list[Json]) -> Json:
    body = {"code": int(BODY_MALFORMED.code), "message": message, "details": details}
    return {
        "filter": cel_filter(when),
        "status_code": BODY_MALFORMED.http_status,
        "body_format_override": {"json_format": body, "content_type": JSON_TYPE},
    }


def _filter(when: str, flags: Sequence[str]) -> Json:
    """CEL has no bit operations, so Envoy's own filter tests its flags."""
    if not flags:
        return cel_filter(when)
    return {"and_filter": {"filters": [cel_filter(when), {"response_flag_filter": {"flags": list(flags)}}]}}


def _rest_reply(when: Json, refusal: Refusal) -> Json:
    return {
        "filter": when,
        "status_code": refusal.http_status,
        "headers_to_add": _headers(_http_headers(refusal)),
        "body_format_override": _text(refusal.json(), JSON_TYPE),
    }


def _grpc_reply(when: Json, refusal: Refusal) -> Json:
    """Render a gRPC reply. Envoy turns the body into `grpc-message`."""
    return {
        "filter": when,
        "headers_to_add": _headers(grpc_headers(refusal)),
        "body_format_override": _text(refusal.message, "text/plain"),
    }


def _grpc_web_reply(when: Json, refusal: Refusal) -> Json:
    headers = grpc_headers(refusal) | {"grpc-message": refusal.message}
    return {
        "filter": when,
        "status_code": 200,
        "headers_to_add": _headers(headers),
        "body_format_override": _text("", GRPC_WEB_TYPE),
    }


def grpc_headers(refusal: Refusal) -> dict[str, str]:
    """Return the headers, or trailers, of an error in gRPC except for its message."""
    details = base64.b64encode(refusal.status().SerializeToString()).decode().rstrip("=")
    return _http_headers(refusal) | {"grpc-status": str(int(refusal.code)), "grpc-status-details-bin": details}


def _http_headers(refusal: Refusal) -> dict[str, str]:
    headers = {}
    if refusal.retry_after_seconds:
        headers["retry-after"] = str(refusal.retry_after_seconds)
    if refusal.code == Code.UNAUTHENTICATED:
        # Envoy's own would reveal the path behind the edge.
        headers["www-authenticate"] = "Bearer"
    return headers


def _health_reply(code: int, status: str) -> Json:
    return {
        "filter": cel_filter(f"request.url_path == '{HEALTH_PATH}' && response.code == {code}"),
        "body_format_override": _text(json.dumps({"status": status}), JSON_TYPE),
    }


def _text(text: str, content_type: str) -> Json:
    return {"text_format_source": {"inline_string": _literal(text)}, "content_type": content_type}


def _headers(headers: dict[str, str]) -> list[Json]:
    return [
        {"header": {"key": name, "value": _literal(value)}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for name, value in headers.items()
    ]


def _literal(text: str) -> str:
    """Escape percent signs, which start commands in Envoy's format strings."""
    return text.replace("%", "%%")
