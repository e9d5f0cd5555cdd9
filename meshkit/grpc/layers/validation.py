"""Checks the rules of the contract (protovalidate), and that a method that needs a user has one."""

from typing import Any

import protovalidate

from meshkit.call import caller_id
from meshkit.errors import FieldViolation, InvalidArgumentError
from meshkit.grpc.layers.base import Handler, Layer, Method

# The reason of rules without one in the error table.
DEFAULT_REASON = "FIELD_INVALID"


# A check takes as long as a round trip to Redis, and the most frequent requests are short and identical: first pages. So valid
# requests of up to KNOWN_BYTES are remembered per method, up to KNOWN_REQUESTS. Only those of reads, as others may hold a
# password.
KNOWN_BYTES = 64
KNOWN_REQUESTS = 1_024


def validation() -> Layer:
    """Create the layer that refuses invalid requests, naming every invalid field."""
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
    """Create one error for all violations, with the reason and message of the first."""
    return InvalidArgumentError(violations[0].reason, violations[0].message, violations=violations)


def _violation(found: protovalidate.Violation) -> FieldViolation:
    rule_id = found.proto.rule_id
    elements = found.proto.field.elements if found.proto.field else ()
    path = ".".join(element.field_name for element in elements)
    # Our own rules have their reason as id, in capitals. Standard ones are named like `string.max_len`.
    reason = rule_id if rule_id.isupper() else DEFAULT_REASON
    return FieldViolation(path, found.proto.message, reason)
