"""The rules that stand in the contract (protovalidate), and that a user must be known."""

from typing import Any

import protovalidate

from meshkit.call import caller_id
from meshkit.errors import FieldViolation, InvalidArgumentError
from meshkit.grpc.layers.base import Handler, Layer, Method

# For rules that have no reason of their own in the error table.
DEFAULT_REASON = "FIELD_INVALID"


# A check takes as long as a trip to Redis, and the requests that come most often are short and all alike: first pages. Whether
# one is good follows from its bytes alone, so that good ones are remembered, by method; when these are many, anew. Only those of
# reads: a password has no place in here.
KNOWN_BYTES = 64
KNOWN_REQUESTS = 1_024


def validation() -> Layer:
    """Make the layer that refuses a request which breaks its contract, naming every field that does."""
    validator = protovalidate.Validator()

    def layer(method: Method, handler: Handler) -> Handler:
        known: set[bytes] = set()

        def check(request: Any) -> None:
            encoded = request.SerializeToString() if method.is_read and request.ByteSize() <= KNOWN_BYTES else None
            if encoded in known:
                return
            if found := validator.collect_violations(request):
                raise refusal([_violation(each) for each in found])
            if encoded is not None:
                if len(known) >= KNOWN_REQUESTS:
                    known.clear()
                known.add(encoded)

        async def call(request: Any, context: Any) -> Any:
            if method.needs_user:
                caller_id()
            check(request)
            return await handler(request, context)

        return call

    return layer


def refusal(violations: list[FieldViolation]) -> InvalidArgumentError:
    """Make one error of all violations; its reason and message are those of the first."""
    return InvalidArgumentError(violations[0].reason, violations[0].message, violations=violations)


def _violation(found: protovalidate.Violation) -> FieldViolation:
    rule_id = found.proto.rule_id
    elements = found.proto.field.elements if found.proto.field else ()
    path = ".".join(element.field_name for element in elements)
    # Our own rules are named by their reason, in capitals; the standard ones as `string.max_len`.
    reason = rule_id if rule_id.isupper() else DEFAULT_REASON
    return FieldViolation(path, found.proto.message, reason)
