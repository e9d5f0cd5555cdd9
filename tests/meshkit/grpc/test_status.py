"""Errors as statuses."""

import sqlite3
from typing import TypeVar

import grpc
import pytest
import redis.exceptions
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from meshkit import errors
from meshkit.grpc.status import code_of, known_error, status_of, trailers_of

M = TypeVar("M", bound=Message)


class _HandleTakenError(errors.AlreadyExistsError):
    """A subclass without its own code."""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidArgumentError("R", "m"), grpc.StatusCode.INVALID_ARGUMENT),
        (errors.UnauthenticatedError("R", "m"), grpc.StatusCode.UNAUTHENTICATED),
        (errors.PermissionDeniedError("R", "m"), grpc.StatusCode.PERMISSION_DENIED),
        (errors.NotFoundError("R", "m"), grpc.StatusCode.NOT_FOUND),
        (errors.AlreadyExistsError("R", "m"), grpc.StatusCode.ALREADY_EXISTS),
        (errors.FailedPreconditionError("R", "m"), grpc.StatusCode.FAILED_PRECONDITION),
        (errors.ResourceExhaustedError("R", "m"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.MessageTooLargeError("R", "m"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (errors.UnimplementedError("R", "m"), grpc.StatusCode.UNIMPLEMENTED),
        (errors.DeadlineExceededError(), grpc.StatusCode.DEADLINE_EXCEEDED),
        (errors.UnavailableError(), grpc.StatusCode.UNAVAILABLE),
        (_HandleTakenError("R", "m"), grpc.StatusCode.ALREADY_EXISTS),
        (errors.LensfeedError("R", "m"), grpc.StatusCode.INTERNAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.name,
)
def test_every_error_has_its_code(error: errors.LensfeedError, code: grpc.StatusCode) -> None:
    """An error's class, or else its nearest ancestor, decides the code."""
    assert code_of(error) is code
    assert status_of(error).code == code.value[0]


def test_every_error_of_the_tree_has_a_code() -> None:
    """No error class of the domain becomes INTERNAL."""
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LensfeedError)
    ]
    leaves = [kind for kind in kinds if kind is not errors.LensfeedError]
    assert len(leaves) > 8
    for kind in leaves:
        assert code_of(kind.__new__(kind)) is not grpc.StatusCode.INTERNAL, kind


def test_a_status_names_its_reason() -> None:
    """ErrorInfo has the reason and domain, and the message does not repeat the reason."""
    status = status_of(errors.NotFoundError("POST_NOT_FOUND", "there is no such post"))
    assert status.message == "there is no such post"
    [info] = _details(status, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("POST_NOT_FOUND", "lensfeed")
    assert len(status.details) == 1


def test_a_status_names_every_field() -> None:
    """BadRequest has an entry with path, message and reason for each violation."""
    violations = [
        errors.FieldViolation("caption", "too long", "CAPTION_TOO_LONG"),
        errors.FieldViolation("a.b", "no", "X"),
    ]
    status = status_of(errors.InvalidArgumentError("CAPTION_TOO_LONG", "too long", violations=violations))
    [bad] = _details(status, error_details_pb2.BadRequest)
    assert [(each.field, each.description, each.reason) for each in bad.field_violations] == [
        ("caption", "too long", "CAPTION_TOO_LONG"),
        ("a.b", "no", "X"),
    ]


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (1.0, "1"), (1.2, "2"), (60.0, "60")])
def test_a_status_says_when_to_retry(seconds: float, header: str) -> None:
    """RetryInfo has the delay in milliseconds; the trailer rounds it up to whole seconds, at least one."""
    error = errors.ResourceExhaustedError("RATE_LIMITED", "too many", retry_after=seconds)
    [retry] = _details(status_of(error), error_details_pb2.RetryInfo)
    assert retry.retry_delay.ToMilliseconds() == round(seconds * 1000)
    assert dict(trailers_of(error))["retry-after"] == header


def test_an_error_without_a_delay_has_no_trailer() -> None:
    """An error for which retrying does not help has neither RetryInfo nor the trailer."""
    error = errors.MessageTooLargeError("MESSAGE_TOO_LARGE", "too large")
    assert _details(status_of(error), error_details_pb2.RetryInfo) == []
    assert [key for key, _ in trailers_of(error)] == ["grpc-status-details-bin"]


@pytest.mark.parametrize(
    ("raised", "known"),
    [
        (redis.exceptions.ConnectionError("10.0.0.7:6379 refused"), errors.UnavailableError),
        (redis.exceptions.BusyLoadingError("loading"), errors.UnavailableError),
        (redis.exceptions.TimeoutError("slow"), errors.UnavailableError),
        (redis.exceptions.ReadOnlyError("a replica"), errors.UnavailableError),
        (redis.exceptions.OutOfMemoryError("full"), errors.UnavailableError),
        (redis.exceptions.MasterDownError("alone"), errors.UnavailableError),
        (redis.exceptions.ResponseError("MISCONF no disk"), errors.UnavailableError),
        (TimeoutError(), errors.DeadlineExceededError),
        (NotImplementedError(), errors.UnimplementedError),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_errors_of_libraries_are_mapped(raised: Exception, known: type[errors.LensfeedError]) -> None:
    """A part that is down or slow is reported without naming it."""
    found = known_error(raised)
    assert type(found) is known
    assert str(raised) not in found.message or not str(raised)


@pytest.mark.parametrize(
    "raised", [ValueError("x"), KeyError("x"), sqlite3.IntegrityError("x"), redis.exceptions.ResponseError("x")]
)
def test_unexpected_errors_are_unknown(raised: Exception) -> None:
    """A bug has no status of its own."""
    assert known_error(raised) is None


def _details(status: status_pb2.Status, kind: type[M]) -> list[M]:
    found = []
    for each in status.details:
        message = kind()
        if each.Unpack(message):
            found.append(message)
    return found
