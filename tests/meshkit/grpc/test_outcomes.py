"""What a failing call says about its outcome: nothing was begun, or it may have been done."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from lensfeed.user.v1 import user_service_pb2

from meshkit.call import unnoticed_writes
from meshkit.errors import UnavailableError, UnknownOutcomeError
from meshkit.sqlite import Database, open_database
from tests.errors import reason_of, status_of
from tests.meshkit.grpc.serving import AS_USER, users

ASK = user_service_pb2.GetUserRequest(user_id=1)


async def failure_of(method: Any) -> grpc.aio.AioRpcError:
    """Serve a method, call it, and return its error."""
    async with users(GetUser=method) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetUser(ASK, metadata=AS_USER)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    return caught.value


def says_when_to_retry(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether an error has a time to retry."""
    return any(each.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for each in status_of(error).details)


async def write(database: Database) -> None:
    """Write something."""
    await database.write(lambda connection: connection.execute("CREATE TABLE IF NOT EXISTS t (a)"))


async def test_an_outage_before_any_write_can_be_retried(tmp_path: Path) -> None:
    """A call that fails before it has written anything is UNAVAILABLE with a time to retry."""
    async with open_database(tmp_path / "a.db") as database:

        async def method(_request: Any, _context: Any) -> Any:
            await database.read(lambda connection: connection.execute("SELECT 1"))
            with unnoticed_writes():
                await write(database)
            raise UnavailableError

        error = await failure_of(method)
    assert (reason_of(error), says_when_to_retry(error)) == ("UNAVAILABLE", True)


async def test_an_outage_after_a_write_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    """A call that fails after a write is OUTCOME_UNKNOWN, because repeating it may repeat the write."""
    async with open_database(tmp_path / "a.db") as database:

        async def method(_request: Any, _context: Any) -> Any:
            await write(database)
            raise UnavailableError

        error = await failure_of(method)
    assert (reason_of(error), says_when_to_retry(error)) == ("OUTCOME_UNKNOWN", False)


async def test_an_unconfirmed_write_leaves_the_outcome_unknown() -> None:
    """What a store did not confirm is OUTCOME_UNKNOWN, without a time to retry."""

    async def method(_request: Any, _context: Any) -> Any:
        raise UnknownOutcomeError

    error = await failure_of(method)
    assert (reason_of(error), says_when_to_retry(error)) == ("OUTCOME_UNKNOWN", False)
