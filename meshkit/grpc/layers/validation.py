"""Checks the rules of the contract (protovalidate)."""

from typing import Any

import protovalidate

from meshkit.errors import FieldViolation, InvalidArgumentError

# The reason of rules without one in the error table.
DEFAULT_REASON = "FIELD_INVALID"


class Validation:
    """Refuses invalid requests, naming every invalid field."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    def check(self, request: Any) -> None:
        """Raise InvalidArgumentError unless a request follows the rules of its message."""
        if found := self._validator.collect_violations(request):
            raise refusal([_violation(each) for each in found])


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
