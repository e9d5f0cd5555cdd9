"""What the edge itself refuses, and the status that the caller gets for it."""

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
    """One refusal. The message is for people and names nothing behind the edge."""

    http_status: int
    code: Code.ValueType
    reason: str
    message: str
    retry_after_seconds: int = 0
    """When to come again; 0 where that alone does not help."""

    def status(self) -> Status:
        """Return the whole status: ErrorInfo always, RetryInfo where it applies."""
        details: list[Message] = [ErrorInfo(reason=self.reason, domain=DOMAIN)]
        if self.retry_after_seconds:
            details.append(RetryInfo(retry_delay=Duration(seconds=self.retry_after_seconds)))
        return Status(code=self.code, message=self.message, details=[_pack(detail) for detail in details])

    def json(self) -> str:
        """Return the status as JSON: the body of a REST answer."""
        return json.dumps(json_format.MessageToDict(self.status()))


TOKEN_MISSING = Refusal(401, Code.UNAUTHENTICATED, "TOKEN_MISSING", "this method needs an access token")
TOKEN_INVALID = Refusal(401, Code.UNAUTHENTICATED, "TOKEN_INVALID", "the access token is not valid, or no longer")
BODY_MALFORMED = Refusal(
    400, Code.INVALID_ARGUMENT, "BODY_MALFORMED", "the path, query or body of the request does not fit the method"
)
MESSAGE_TOO_LARGE = Refusal(413, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "a request has at most 1 MiB")
HEADERS_TOO_LARGE = Refusal(
    431, Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", "the headers of the request are too large"
)
METHOD_UNKNOWN = Refusal(404, Code.UNIMPLEMENTED, "METHOD_UNKNOWN", "there is no such method")
MEDIA_NOT_FOUND = Refusal(404, Code.NOT_FOUND, "MEDIA_NOT_FOUND", "there is no such medium")
RANGE_INVALID = Refusal(416, Code.OUT_OF_RANGE, "RANGE_INVALID", "the medium has no such range of bytes")
TOO_SLOW = Refusal(408, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the request took too long to arrive")
DEADLINE_EXCEEDED = Refusal(504, Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the deadline passed")
OVERLOADED = Refusal(429, Code.RESOURCE_EXHAUSTED, "OVERLOADED", "too many calls at once", retry_after_seconds=1)
RATE_LIMITED = Refusal(429, Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", "too many calls in too short a time")
UNAVAILABLE = Refusal(503, Code.UNAVAILABLE, "UNAVAILABLE", "a part of the service is down", retry_after_seconds=1)
INTERNAL = Refusal(500, Code.INTERNAL, "INTERNAL", "something went wrong on our side")

# The overload manager's word, which comes before anything else has happened to a call.
WHEN_FULL = "response.code_details == 'overload'"
# A rate limit's; when to come again is a matter of the limits that are set.
WHEN_LIMITED = "response.code_details.contains('rate_limited')"
# When each applies, in CEL over Envoy's attributes. The first that holds is taken.
WHEN: tuple[tuple[str, Refusal], ...] = (
    ("response.code_details.contains('Jwt_is_missing')", TOKEN_MISSING),
    ("response.code_details.startsWith('jwt_authn')", TOKEN_INVALID),
    # A cluster's circuit breaker.
    ("response.code_details.contains('overflow')", OVERLOADED),
    ("response.code == 404", METHOD_UNKNOWN),
    ("response.code == 408", TOO_SLOW),
    ("response.code == 413", MESSAGE_TOO_LARGE),
    ("response.code == 431", HEADERS_TOO_LARGE),
    # 501 is Envoy's word for a transfer coding that it does not know.
    ("(response.code >= 400 && response.code < 500) || response.code == 501", BODY_MALFORMED),
    ("response.code == 502 || response.code == 503", UNAVAILABLE),
    ("response.code == 504", DEADLINE_EXCEEDED),
    ("response.code >= 500", INTERNAL),
)


def _pack(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed
