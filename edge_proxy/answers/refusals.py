"""The errors that the edge itself returns, and when."""

import json
from dataclasses import dataclass

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

DOMAIN = "lensfeed"


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error of the edge. The message is for people and names nothing behind the edge."""

    http_status: int
    code: Code.ValueType
    reason: str
    message: str
    retry_after_seconds: int = 0
    """When to retry; 0 if retrying does not help."""

    def status(self) -> Status:
        """Return the status with ErrorInfo, and RetryInfo if retrying helps."""
        details: list[Message] = [ErrorInfo(reason=self.reason, domain=DOMAIN)]
        if self.retry_after_seconds:
            details.append(RetryInfo(retry_delay=Duration(seconds=self.retry_after_seconds)))
        return Status(code=self.code, message=self.message, details=[_pack(detail) for detail in details])

    def json(self) -> str:
        """Return the status as JSON, the body of a REST response."""
        return json.dumps(json_format.MessageToDict(self.status()))


TOKEN_MISSING = Refusal(401, Code.UNAUTHENTICATED, "TOKEN_MISSING", "this method needs an access token")
TOKEN_INVALID = Refusal(401, Code.UNAUTHENTICATED, "TOKEN_INVALID", "the access token is invalid or expired")
BODY_MALFORMED = Refusal(
    400, Code.INVALID_ARGUMENT, "BODY_MALFORMED", "the path, query or body of the request is malformed"
)
MESSAGE_TOO_LARGE = Refusal(413, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "the request body is too large")
HEADERS_TOO_LARGE = Refusal(431, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "the request headers are too large")
METHOD_UNKNOWN = Refusal(404, Code.UNIMPLEMENTED, "METHOD_UNKNOWN", "unknown path or method")
MEDIA_NOT_FOUND = Refusal(404, Code.NOT_FOUND, "MEDIA_NOT_FOUND", "the medium does not exist")
MEDIA_URL_EXPIRED = Refusal(
    403, Code.PERMISSION_DENIED, "MEDIA_URL_EXPIRED", "the address of the medium has expired; read its post again"
)
RANGE_INVALID = Refusal(416, Code.OUT_OF_RANGE, "RANGE_INVALID", "the requested range is outside the file")
PRECONDITION_FAILED = Refusal(
    412, Code.FAILED_PRECONDITION, "PRECONDITION_FAILED", "the medium does not match If-Match or If-Unmodified-Since"
)
TOO_SLOW = Refusal(408, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the request did not arrive in time")
DEADLINE_EXCEEDED = Refusal(504, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the deadline was exceeded")
OVERLOADED = Refusal(429, Code.RESOURCE_EXHAUSTED, "OVERLOADED", "the server is overloaded", retry_after_seconds=1)
RATE_LIMITED = Refusal(429, Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", "the rate limit was exceeded")
# Nothing was begun, so any call may be repeated.
UNAVAILABLE = Refusal(
    503, Code.UNAVAILABLE, "UNAVAILABLE", "the service is temporarily unavailable", retry_after_seconds=1
)
# Without a retry delay: only idempotent calls and calls with a key may be repeated.
OUTCOME_UNKNOWN = Refusal(
    503, Code.UNAVAILABLE, "OUTCOME_UNKNOWN", "the answer was lost; the request may have taken effect"
)
INTERNAL = Refusal(500, Code.INTERNAL, "INTERNAL", "internal error")

# Set by the overload manager before any filter runs.
IS_OVERLOADED = "response.code_details == 'overload'"
# The retry delay depends on the configured limits.
IS_RATE_LIMITED = "response.code_details.contains('rate_limited')"
HAS_NO_ANSWER = "(response.code == 502 || response.code == 503)"
# Envoy's flags of calls that reached no service: no healthy host, no connection, no cluster, no answer from the rate limits.
NEVER_SENT_FLAGS = ("UH", "UF", "NC", "RLSE")
# When each applies, in CEL over Envoy's attributes. The first match wins.
CONDITIONS: tuple[tuple[str, Refusal], ...] = (
    # A capability in the path (envoy/capabilities.py): what is wrong with it does not matter to an app.
    ("response.code_details.startsWith('jwt_authn') && request.url_path.startsWith('/p/')", MEDIA_URL_EXPIRED),
    ("response.code_details.contains('Jwt_is_missing')", TOKEN_MISSING),
    ("response.code_details.startsWith('jwt_authn')", TOKEN_INVALID),
    # A cluster's circuit breaker.
    ("response.code_details.contains('overflow')", OVERLOADED),
    ("response.code == 404", METHOD_UNKNOWN),
    ("response.code == 408", TOO_SLOW),
    ("response.code == 413", MESSAGE_TOO_LARGE),
    ("response.code == 431", HEADERS_TOO_LARGE),
    # Envoy returns 501 for an unknown transfer coding.
    ("(response.code >= 400 && response.code < 500) || response.code == 501", BODY_MALFORMED),
    (f"{HAS_NO_ANSWER} && response.code_details.contains('refused_stream')", UNAVAILABLE),
    (HAS_NO_ANSWER, OUTCOME_UNKNOWN),
    ("response.code == 504", DEADLINE_EXCEEDED),
    ("response.code >= 500", INTERNAL),
)


def _pack(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
