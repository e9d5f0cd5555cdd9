"""What the driver's errors mean: nothing was done, or what was done is not known."""

import cassandra
from cassandra import WriteType
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import ErrorMessage, IsBootstrappingErrorMessage, OverloadedErrorMessage
from opentelemetry import metrics

from meshkit.cassandra.statements import Kind
from meshkit.errors import UnavailableError

WRITES = (Kind.WRITE, Kind.CLAIM)
_NOT_DONE = (cassandra.Unavailable, NoHostAvailable)
_IN_DOUBT = (
    cassandra.Timeout,
    cassandra.CoordinationFailure,
    cassandra.OperationTimedOut,
    ConnectionException,
    IsBootstrappingErrorMessage,
    OverloadedErrorMessage,
)
# A claim's own kind of doubt in protocol 5, for which the driver has no class.
_CAS_WRITE_UNKNOWN = 0x1700
# All that a node or the way to it may be to blame for.
FAILURES = (*_NOT_DONE, *_IN_DOUBT)
unknown_writes = metrics.get_meter("meshkit").create_counter(
    "cassandra.writes_unknown", unit="1", description="Writes that were not confirmed in time and may have taken effect"
)


class UnknownOutcomeError(UnavailableError):
    """A write may or may not have taken effect. Repeat it if it is idempotent, else read what it has come to."""

    def __init__(self) -> None:
        super().__init__("the store did not confirm in time; whether the change took effect is unknown")


class HalfLoggedError(UnknownOutcomeError):
    """A logged batch was not begun, because fewer nodes than usual have its log; one that has it will carry it out later."""


def translated(error: BaseException, kind: Kind) -> BaseException:
    """Return what a failed statement of a kind raises for its caller; an error that is nobody's failure stays as it is."""
    if _is_half_logged(error):
        return HalfLoggedError()
    if _is_in_doubt(error, kind):
        if kind in WRITES:
            unknown_writes.add(1)
            return UnknownOutcomeError()
        return UnavailableError()
    return UnavailableError() if isinstance(error, _NOT_DONE) else error


def _is_half_logged(error: object) -> bool:
    return (
        isinstance(error, cassandra.WriteTimeout)
        and error.write_type == WriteType.BATCH_LOG
        and bool(error.received_responses)
    )


def _is_in_doubt(error: object, kind: Kind) -> bool:
    if isinstance(error, NoHostAvailable):
        # No node is left to try. Each has its error; the plain one is of a node that nothing was sent to.
        return any(type(each) is not ConnectionException and _is_in_doubt(each, kind) for each in error.errors.values())
    if isinstance(error, cassandra.Unavailable):
        # A claim is checked again before its commit, when it may have been decided already.
        return kind is Kind.CLAIM
    return isinstance(error, _IN_DOUBT) or (isinstance(error, ErrorMessage) and error.code == _CAS_WRITE_UNKNOWN)
