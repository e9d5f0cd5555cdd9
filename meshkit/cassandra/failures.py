"""Classifies the driver's errors: the statement was not executed, or the outcome is unknown."""

import cassandra
from cassandra import WriteType
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from cassandra.protocol import ErrorMessage, IsBootstrappingErrorMessage, OverloadedErrorMessage

from meshkit.cassandra.statements import Kind
from meshkit.errors import UnavailableError, UnknownOutcomeError
from meshkit.telemetry.catalog import WRITES_UNKNOWN

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
# The unknown outcome of a claim in protocol 5, for which the driver has no class.
_CAS_WRITE_UNKNOWN = 0x1700
# All failures of a node or its connection.
FAILURES = (*_NOT_DONE, *_IN_DOUBT)
unknown_writes = WRITES_UNKNOWN.create()


class HalfLoggedError(UnknownOutcomeError):
    """A logged batch reached only one node's log and was not started. That node will execute it later."""


def translated(error: BaseException, kind: Kind) -> BaseException:
    """Return the error to raise for a failed statement. Errors that are bugs stay as they are."""
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
        # No node is left to try. A plain ConnectionException means that nothing was sent to that node.
        return any(type(each) is not ConnectionException and _is_in_doubt(each, kind) for each in error.errors.values())
    if isinstance(error, cassandra.Unavailable):
        # A claim checks for live replicas again before its commit, when it may already be decided.
        return kind is Kind.CLAIM
    return isinstance(error, _IN_DOUBT) or (isinstance(error, ErrorMessage) and error.code == _CAS_WRITE_UNKNOWN)
