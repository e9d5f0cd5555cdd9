"""The processes of user_svc, as they are started."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from lensfeed.user.v1.user_service_pb2 import CreateSessionRequest, CreateUserRequest
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from devmesh.ports import free_ports
from meshkit.service_settings import ServiceSettings
from tests.errors import status_of
from tests.user_svc.running_users import NOWHERE, PASSWORD

pytestmark = pytest.mark.slow

LIMIT_SECONDS = 30.0


async def start(*words: str, **settings: str | Path) -> Process:
    """Start `python -m user_svc` with arguments and settings."""
    foreign = {name: value for name, value in os.environ.items() if not name.startswith("LENSFEED_")}
    ours = {f"LENSFEED_{name.upper()}": str(value) for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "user_svc", *words, env={**foreign, **ours}, stdout=PIPE, stderr=PIPE
    )


async def end(process: Process) -> tuple[int | None, str]:
    """Wait for a process. Returns its exit code and its output."""
    async with asyncio.timeout(LIMIT_SECONDS):
        out, err = await process.communicate()
    return process.returncode, (out + err).decode()


async def serving(channel: grpc.aio.Channel) -> None:
    """Wait until the process behind a channel is SERVING."""
    states = HealthStub(channel).Watch(HealthCheckRequest(), wait_for_ready=True, timeout=LIMIT_SECONDS)
    async for state in states:
        if state.status == HealthCheckResponse.SERVING:
            return


@pytest.fixture
async def keys(tmp_path: Path) -> Path:
    """Make keys with the command. Returns the private one."""
    assert (await end(await start("keys", str(tmp_path / "keys"))))[0] == 0
    return tmp_path / "keys/token-key.pem"


async def test_keys_are_made_by_a_command(tmp_path: Path, keys: Path) -> None:
    """`keys DIR` creates both files; a second run leaves them alone."""
    before = [each.read_bytes() for each in (keys, keys.with_name("jwks.json"))]
    assert (await end(await start("keys", str(keys.parent))))[0] == 0
    assert [each.read_bytes() for each in (keys, keys.with_name("jwks.json"))] == before


async def test_process_serves_until_it_is_told_to_stop(store_settings: ServiceSettings, keys: Path) -> None:
    """`serve` listens where its settings say, exits with 0 on SIGTERM, and logs no secret."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    process = await start(
        "serve",
        **store_settings.model_dump(exclude_unset=True),
        listen_addr=address,
        token_key_file=keys,
        redis_url=f"redis://{NOWHERE}/0",
        access_token_seconds="60",
    )
    async with grpc.aio.insecure_channel(address) as channel:
        stub = UserServiceStub(channel)
        await serving(channel)
        made = await stub.CreateUser(CreateUserRequest(handle="ada", password=PASSWORD))
        session = await stub.CreateSession(CreateSessionRequest(handle="ada", password=PASSWORD))
    process.send_signal(signal.SIGTERM)
    code, logs = await end(process)
    assert code == 0
    assert session.user == made.user
    assert "user_created" in logs
    for secret in (PASSWORD, session.access_token, session.refresh_token, session.refresh_token.partition(".")[2]):
        assert secret not in logs


async def test_process_starts_without_its_cluster(keys: Path) -> None:
    """`serve` starts without its cluster: it answers UNAVAILABLE with a retry delay and is NOT_SERVING."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    process = await start(
        "serve",
        listen_addr=address,
        store="cassandra",
        cassandra_contact_points=NOWHERE,
        token_key_file=keys,
        redis_url=f"redis://{NOWHERE}/0",
    )
    async with grpc.aio.insecure_channel(address) as channel:
        health = await HealthStub(channel).Check(HealthCheckRequest(), wait_for_ready=True, timeout=LIMIT_SECONDS)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await UserServiceStub(channel).CreateUser(CreateUserRequest(handle="ada", password=PASSWORD), timeout=5)
    process.send_signal(signal.SIGTERM)
    code, logs = await end(process)
    assert code == 0, logs
    assert health.status == HealthCheckResponse.NOT_SERVING
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    status = status_of(caught.value)
    assert any(each.Is(RetryInfo.DESCRIPTOR) for each in status.details)
    assert "Traceback" not in logs


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({}, "LENSFEED_TOKEN_KEY_FILE"),
        ({"token_key_file": "/nowhere/token-key.pem"}, "python -m user_svc keys DIR"),
        ({"token_key_file": "x", "access_token_seconds": "0"}, "LENSFEED_ACCESS_TOKEN_SECONDS"),
        ({"token_key_file": "x", "refresh_token_days": "-1"}, "LENSFEED_REFRESH_TOKEN_DAYS"),
        ({"token_key_fiel": "x"}, "did you mean LENSFEED_TOKEN_KEY_FILE?"),
    ],
)
async def test_wrong_settings_end_the_process(tmp_path: Path, settings: dict[str, str], complaint: str) -> None:
    """A missing, wrong or misspelled setting ends `serve` with code 2 and one sentence, without a traceback."""
    code, said = await end(await start("serve", sqlite_dir=tmp_path, **settings))
    assert code == 2
    assert complaint in said
    assert "Traceback" not in said
