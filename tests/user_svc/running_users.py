"""A real user_svc in this process, as its callers see it."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import grpc
from lensfeed.user.v1 import user_internal_service_pb2_grpc, user_pb2, user_service_pb2, user_service_pb2_grpc

from meshkit.grpc.server import running
from meshkit.service_settings import ServiceSettings
from tests.user_svc.user_stores import until_it_answers
from user_svc.app import serving_process
from user_svc.sessions.keys import make_keys
from user_svc.settings import UserSettings

if TYPE_CHECKING:
    from lensfeed.user.v1.user_internal_service_pb2_grpc import UserInternalServiceAsyncStub
    from lensfeed.user.v1.user_service_pb2_grpc import UserServiceAsyncStub

PASSWORD = "correct horse"
# Nothing listens there.
NOWHERE = "127.0.0.1:1"


@dataclass(frozen=True, slots=True)
class Users:
    """Stubs of a running user_svc, the folder of its keys, and its store."""

    public: "UserServiceAsyncStub"
    internal: "UserInternalServiceAsyncStub"
    address: str
    folder: Path
    store: ServiceSettings

    async def new_user(self, display_name: str = "") -> user_pb2.User:
        """Create an account with a new handle and PASSWORD."""
        request = user_service_pb2.CreateUserRequest(handle=new_handle(), display_name=display_name, password=PASSWORD)
        return (await self.public.CreateUser(request)).user


@contextlib.asynccontextmanager
async def running_users(
    folder: Path, store: ServiceSettings, *, redis_url: str, media_addr: str = NOWHERE, follow_addr: str = NOWHERE
) -> AsyncIterator[Users]:
    """Run a user_svc with its keys in a folder and its accounts in `store`."""
    make_keys(folder / "keys")
    settings = UserSettings(
        **store.model_dump(exclude_unset=True),
        redis_url=redis_url,
        media_addr=media_addr,
        follow_addr=follow_addr,
        token_key_file=folder / "keys/token-key.pem",
    )
    async with (
        serving_process(settings) as process,
        running(process, settings) as address,
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel,
    ):
        await until_it_answers(process.dependencies["store"])
        yield Users(
            user_service_pb2_grpc.UserServiceStub(channel),
            user_internal_service_pb2_grpc.UserInternalServiceStub(channel),
            address,
            folder,
            store,
        )


def new_handle() -> str:
    """Return an unused handle."""
    return f"u_{secrets.token_hex(8)}"


def caller(user_id: int, session_id: str | None = None) -> tuple[tuple[str, str], ...]:
    """Return the metadata that the edge sets for a verified token."""
    session = () if session_id is None else (("x-session-id", session_id),)
    return (("x-user-id", str(user_id)), *session)
