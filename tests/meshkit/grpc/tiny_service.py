"""A service as small as one can be, for tests that need a process: `python -m tests.meshkit.grpc.tiny_service serve`.

What GetUser does follows from the user id. TINY_GATE is a file that hanging calls wait for, TINY_PEER the address of another
tiny service.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import structlog
from lensfeed.user.v1 import (
    user_internal_service_pb2,
    user_internal_service_pb2_grpc,
    user_service_pb2,
)

from meshkit.grpc.channels import connect
from meshkit.grpc.server import Background, Process, ServerSettings, serve
from meshkit.main import main
from tests.meshkit.grpc.servicers import INTERNAL, internal_service, user_service

ANSWER, HANG, FAIL, ASK_PEER = 1, 2, 3, 4
CLEANING_SECONDS = 0.3
_log = structlog.get_logger()


async def get_user(request: user_service_pb2.GetUserRequest, _context: Any) -> user_service_pb2.GetUserResponse:
    """Do what the user id asks for."""
    match request.user_id:
        case 2:
            await _hang()
        case 3:
            _log_in("hunter2")
        case 4:
            await _ask_peer()
    return user_service_pb2.GetUserResponse()


async def _hang() -> None:
    _log.info("hanging")
    gate = Path(os.environ["TINY_GATE"])
    try:
        while not gate.exists():  # noqa: ASYNC110, ASYNC240 - another process opens it
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        await asyncio.sleep(CLEANING_SECONDS)
        _log.info("cleaned_up")
        raise


def _log_in(password: str) -> None:
    raise RuntimeError(f"no account with a password of {len(password)} characters")


async def _ask_peer() -> None:
    async with connect(os.environ["TINY_PEER"], INTERNAL) as channel:
        stub: Any = user_internal_service_pb2_grpc.UserInternalServiceStub(channel)
        await stub.BatchGetUsers(user_internal_service_pb2.BatchGetUsersRequest())


async def batch_get_users(_request: Any, _context: Any) -> user_internal_service_pb2.BatchGetUsersResponse:
    """Answer."""
    return user_internal_service_pb2.BatchGetUsersResponse()


@contextlib.asynccontextmanager
async def _store() -> AsyncIterator[None]:
    """Stand for a store that a process opens before serving and closes afterwards."""
    try:
        yield
    finally:
        _log.info("store_closed", telemetry=any(name.startswith("opentelemetry.exporter") for name in sys.modules))


async def _run(**background: Background) -> None:
    registrations = [user_service(GetUser=get_user), internal_service(batch_get_users)]
    async with _store():
        await serve(Process("tiny", registrations, background), ServerSettings.load())


async def _idle(stopping: asyncio.Event) -> None:
    await stopping.wait()


async def _die(_stopping: asyncio.Event) -> None:
    raise RuntimeError("the loop broke")


async def _return(_stopping: asyncio.Event) -> None:
    return


async def serve_well() -> None:
    """Serve as a service does."""
    await _run(idle=_idle)


async def serve_with_a_dying_loop() -> None:
    """Serve with a loop that raises."""
    await _run(idle=_idle, dying=_die)


async def serve_with_a_loop_that_returns() -> None:
    """Serve with a loop that ends."""
    await _run(idle=_idle, returning=_return)


if __name__ == "__main__":
    main("tiny", {"serve": serve_well, "die": serve_with_a_dying_loop, "return": serve_with_a_loop_that_returns})
