"""The error tree of the domain. It knows neither grpc nor HTTP: `status.py` has the one table of codes.

Every error carries a stable `reason` for programs and a message for people, which is sent to the caller: it names no
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
    """What a use case raises for its caller. Raise a subclass."""

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
        """Make the error of one field."""
        return cls(reason, message, violations=[FieldViolation(field, message, reason)])


class UnauthenticatedError(LensfeedError):
    """It is not known who calls."""


class PermissionDeniedError(LensfeedError):
    """The caller may not do this."""


class NotFoundError(LensfeedError):
    """The thing is not there, or the caller may not know that it is."""


class AlreadyExistsError(LensfeedError):
    """The thing is there already."""


class FailedPreconditionError(LensfeedError):
    """The state of the system does not allow this now; repeating the call alone does not help."""


class ResourceExhaustedError(LensfeedError):
    """A limit is reached. `retry_after` says in seconds when to come again."""


class MessageTooLargeError(ResourceExhaustedError):
    """A message is over the limit of bytes. Coming again does not help."""


class UnimplementedError(LensfeedError):
    """The contract has this, the server not yet."""


class DeadlineExceededError(LensfeedError):
    """Time ran out. Whether a write took effect is unknown."""

    def __init__(self, message: str = "the deadline passed") -> None:
        super().__init__("DEADLINE_EXCEEDED", message)


class UnavailableError(LensfeedError):
    """A part that is needed does not answer. Coming again helps."""

    def __init__(self, message: str = "a part of the service is down", *, retry_after: float = 1.0) -> None:
        super().__init__("UNAVAILABLE", message, retry_after=retry_after)
