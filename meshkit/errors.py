"""The domain's errors. They are independent of gRPC and HTTP: `grpc/status.py` maps them to codes.

Every error has a stable `reason` for programs and a message for people. The message is sent to the caller, so it names no
backend, path or other user's data.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that breaks a rule. `field` is its path as in the proto, `reason` as in the error table."""

    field: str
    message: str
    reason: str


class LensfeedError(Exception):
    """Base class of errors for the caller. Raise a subclass."""

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        violations: Sequence[FieldViolation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message
        self.violations = tuple(violations)
        self.retry_after = retry_after


class InvalidArgumentError(LensfeedError):
    """The request breaks a rule, whatever the state of the system."""

    @classmethod
    def of_field(cls, field: str, reason: str, message: str) -> "InvalidArgumentError":
        """Create an error about one field."""
        return cls(reason, message, violations=[FieldViolation(field, message, reason)])


class UnauthenticatedError(LensfeedError):
    """The caller is not known."""


class PermissionDeniedError(LensfeedError):
    """The caller may not do this."""


class NotFoundError(LensfeedError):
    """The resource does not exist, or the caller may not see it."""


class AlreadyExistsError(LensfeedError):
    """The resource already exists."""


class FailedPreconditionError(LensfeedError):
    """The current state does not allow this. Retrying alone does not help."""


class ResourceExhaustedError(LensfeedError):
    """A limit is reached. `retry_after` is the seconds to wait before a retry."""


class MessageTooLargeError(ResourceExhaustedError):
    """A message is too large. Retrying does not help."""


class UnimplementedError(LensfeedError):
    """The contract defines this, but the server does not implement it."""


class DeadlineExceededError(LensfeedError):
    """The deadline passed. A write may have taken effect."""

    def __init__(self, message: str = "the deadline passed") -> None:
        super().__init__("DEADLINE_EXCEEDED", message)


class UnavailableError(LensfeedError):
    """A required part does not respond, and nothing was begun. Retrying helps."""

    def __init__(
        self,
        message: str = "a part of the service is down",
        *,
        reason: str = "UNAVAILABLE",
        retry_after: float | None = 1.0,
    ) -> None:
        super().__init__(reason, message, retry_after=retry_after)


class UnknownOutcomeError(UnavailableError):
    """A required part did not confirm a change, which may have taken effect. Only idempotent calls can be retried."""

    def __init__(self, message: str = "the change was not confirmed in time and may have taken effect") -> None:
        super().__init__(message, reason="OUTCOME_UNKNOWN", retry_after=None)
