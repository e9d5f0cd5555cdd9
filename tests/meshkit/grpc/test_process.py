"""The life of a process: start, serve, drain, end. Each test runs a real one."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from lensfeed.user.v1.user_service_pb2 import GetUserRequest, GetUserResponse
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub

from meshkit.grpc.channels import connect
from tests.meshkit.grpc.servicers import SERVICE
from tests.meshkit.grpc.serving import AS_USER, plain_channel
from tests.meshkit.grpc.tiny import LIMIT_SECONDS, tiny
from tests.meshkit.grpc.tiny_service import ANSWER, FAIL, HANG

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_process_drains(tmp_path: Path) -> None:
    """After SIGTERM the health is NOT_SERVING, new calls are refused, the call in flight is answered, and the exit is clean."""
    gate = tmp_path / "gate"
    async with tiny(TINY_GATE=str(gate), LENSFEED_DRAIN_SECONDS="25") as process:
        address = await process.address()
        async with plain_channel(address) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
            changes: Any = aiter(watch)  # the stubs of grpc-health-checking know no aio
            assert (await anext(changes)).status == SERVING
            hanging = UserServiceStub(channel).GetUser(GetUserRequest(user_id=HANG), metadata=AS_USER, timeout=60)
            answer = asyncio.ensure_future(_awaited(hanging))
            await process.logged("hanging")
            process.terminate()
            assert (await anext(changes)).status == NOT_SERVING
            await _refused(address)
            assert not answer.done()
            gate.touch()
            assert await answer == GetUserResponse()
        assert await process.exit_code() == 0
    assert [line["event"] for line in process.logs] == ["serving", "hanging", "draining", "store_closed"]


async def test_a_health_watch_does_not_delay_the_exit() -> None:
    """A health watch, as gRPC's balancing uses, ends with the process."""
    async with (
        tiny(LENSFEED_DRAIN_SECONDS=str(LIMIT_SECONDS * 2)) as process,
        plain_channel(await process.address()) as channel,
    ):
        watch: Any = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        changes = aiter(watch)
        assert (await anext(changes)).status == SERVING
        process.terminate()
        assert await process.exit_code() == 0


async def test_a_call_that_outlasts_the_drain_cleans_up(tmp_path: Path) -> None:
    """After the drain time calls are cancelled, and their cleanup finishes before the stores close."""
    async with tiny(TINY_GATE=str(tmp_path / "never"), LENSFEED_DRAIN_SECONDS="0.1") as process:
        async with plain_channel(await process.address()) as channel:
            hanging = UserServiceStub(channel).GetUser(GetUserRequest(user_id=HANG), metadata=AS_USER, timeout=60)
            call = asyncio.ensure_future(_awaited(hanging))
            await process.logged("hanging")
            process.terminate()
            with pytest.raises(grpc.aio.AioRpcError):
                await call
        assert await process.exit_code() == 0
    assert [line["event"] for line in process.logs][-2:] == ["cleaned_up", "store_closed"]


async def test_a_stopping_replica_fails_no_call() -> None:
    """While one of two replicas stops under load, the other answers every call of a retryable method."""
    async with tiny() as staying, tiny() as leaving:
        target = f"ipv4:{await staying.address()},{await leaving.address()}"
        stopped = asyncio.Event()
        async with connect(target, SERVICE) as channel, asyncio.TaskGroup() as callers:
            stub: Any = UserServiceStub(channel)

            async def call_again_and_again() -> int:
                count = 0
                while not stopped.is_set():
                    await stub.GetUser(GetUserRequest(user_id=ANSWER), metadata=AS_USER)
                    count += 1
                return count

            calls = [callers.create_task(call_again_and_again()) for _ in range(8)]
            await stub.GetUser(GetUserRequest(user_id=ANSWER), metadata=AS_USER)
            leaving.terminate()
            assert await leaving.exit_code() == 0
            stopped.set()
        assert all(task.result() > 0 for task in calls)


@pytest.mark.parametrize(("command", "why"), [("die", "the loop broke"), ("return", "'returning' returned")])
async def test_a_process_ends_with_its_loops(command: str, why: str) -> None:
    """A loop that raises or returns ends the process with a code that makes its supervisor restart it."""
    async with tiny(command) as process:
        assert await process.exit_code() == 1
    assert {"loop_ended", "draining", "store_closed"} <= {line["event"] for line in process.logs}
    assert why in process.logs[-1]["exception"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LENSFEED_LISTEN_ADR", "x", "LENSFEED_LISTEN_ADR is not a setting; did you mean LENSFEED_LISTEN_ADDR?"),
        ("LENSFEED_MAX_IN_FLIGHT", "many", "LENSFEED_MAX_IN_FLIGHT: Input should be a valid integer"),
    ],
)
async def test_a_wrong_setting_ends_a_process_at_once(name: str, value: str, message: str) -> None:
    """The exit code is 2, and one line without a traceback names the invalid setting."""
    async with tiny(**{name: value}) as process:
        assert await process.exit_code() == 2
    assert len(process.lines) == 1
    assert process.lines[0].startswith(message)


async def test_logs_are_json_without_secrets() -> None:
    """Each line is a JSON object with the call's request id; tracebacks contain code but no values."""
    async with tiny() as process:
        async with plain_channel(await process.address()) as channel:
            stub: Any = UserServiceStub(channel)
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.GetUser(GetUserRequest(user_id=FAIL), metadata=(*AS_USER, ("x-request-id", "r-1")))
        process.terminate()
        assert await process.exit_code() == 0
    [failure] = [line for line in process.logs if line["event"] == "call_failed"]
    assert failure["request_id"] == "r-1"
    assert failure["process"] == "tiny serve"
    assert failure["level"] == "error"
    assert "_log_in(" in failure["exception"]
    assert "hunter2" not in "\n".join(process.lines).replace('_log_in("hunter2")', "").replace(
        '_log_in(\\"hunter2\\")', ""
    )
    assert all("request_id" not in line for line in process.logs if line["event"] in {"serving", "draining"})


async def _awaited(call: Any) -> Any:
    return await call


async def _refused(address: str) -> None:
    """Wait until new clients cannot connect. One that connects during the stop may get CANCELLED."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while await _code(address) is not grpc.StatusCode.UNAVAILABLE:  # noqa: ASYNC110 - another process raises no event
            await asyncio.sleep(0.01)


async def _code(address: str) -> grpc.StatusCode:
    async with plain_channel(address) as channel:
        stub: Any = UserServiceStub(channel)
        code: grpc.StatusCode = await stub.GetUser(GetUserRequest(user_id=ANSWER), metadata=AS_USER).code()
        return code


@pytest.mark.parametrize(
    ("own", "expected"),
    [(None, "-event_engine_listener,-event_engine_client"), ("event_engine_listener", "event_engine_listener")],
)
def test_grpc_polls_as_its_fastest_build_does(own: str | None, expected: str) -> None:
    """Importing meshkit turns gRPC's event engine off, unless the environment names experiments itself."""
    env = {name: value for name, value in os.environ.items() if name != "GRPC_EXPERIMENTS"}
    given = {} if own is None else {"GRPC_EXPERIMENTS": own}
    code = "import meshkit, os; print(os.environ['GRPC_EXPERIMENTS'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**env, **given}, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == expected
