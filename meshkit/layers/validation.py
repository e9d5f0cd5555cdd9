"""The rules that stand in the contract (protovalidate), and that a user must be known."""

from typing import Any

import protovalidate

from meshkit.call import caller_id
from meshkit.errors import FieldViolation, InvalidArgumentError
from meshkit.layers.base import Handler, Layer, Method

# For rules that have no reason of their own in the error table.
DEFAULT_REASON = "FIELD_INVALID"


def validation() -> Layer:
    """Make the layer that refuses a request which breaks its contract, naming every field that does."""
    validator = protovalidate.Validator()

    def layer(method: Method, handler: Handler) -> Handler:
        async def call(request: Any, context: Any) -> Any:
            if method.needs_user:
                caller_id()
            if found := validator.collect_violations(request):
                raise refusal([_violation(each) for each in found])
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
