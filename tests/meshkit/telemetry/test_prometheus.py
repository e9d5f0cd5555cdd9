"""Metrics of a real process, as Prometheus reads them."""

import contextlib
import socket
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import WSGIEnvironment

import httpx
import pytest
from lensfeed.user.v1.user_service_pb2 import GetUserRequest
from lensfeed.user.v1.user_service_pb2_grpc import UserServiceStub
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from meshkit.grpc.server import ServerSettings
from meshkit.settings import SettingsError
from meshkit.telemetry.catalog import CLIENT_CALL_DURATION, SERVER_CALL_DURATION
from meshkit.telemetry.prometheus import MAX_REQUESTS, guarded, serving_metrics
from tests.meshkit.grpc.serving import AS_USER, plain_channel
from tests.meshkit.grpc.tiny import tiny
from tests.meshkit.grpc.tiny_service import ASK_PEER

ASK = "lensfeed.user.v1.UserService/GetUser"


async def _scrape(url: str) -> dict[str, Metric]:
    async with httpx.AsyncClient() as http:
        response = await http.get(url)
    assert response.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(response.text)}


@pytest.mark.slow
async def test_a_process_serves_its_metrics() -> None:
    """Calls are counted under the names of the reference, beside the process's memory and what identifies it."""
    async with (
        tiny(LENSFEED_METRICS_ADDR="127.0.0.1:0") as peer,
        tiny(LENSFEED_METRICS_ADDR="127.0.0.1:0", TINY_PEER=await peer.address()) as front,
    ):
        metrics = (await front.logged("serving"))["metrics"]
        async with plain_channel(await front.address()) as channel:
            stub: Any = UserServiceStub(channel)
            await stub.GetUser(GetUserRequest(user_id=ASK_PEER), metadata=AS_USER)
        found = await _scrape(f"http://{metrics}/metrics")
        front.terminate()
        assert await front.exit_code() == 0
    counts = {
        sample.labels["rpc_method"]: sample.value
        for sample in found[SERVER_CALL_DURATION.prometheus_name].samples
        if sample.name.endswith("_count")
    }
    assert counts == {ASK: 1}
    assert CLIENT_CALL_DURATION.prometheus_name in found
    assert found["process_resident_memory_bytes"].samples[0].value > 1_000_000
    assert found["target_info"].samples[0].labels["service_name"] == "tiny"


@pytest.mark.slow
async def test_a_used_port_ends_the_process() -> None:
    """Metrics that nobody can read are an error at the start, not a surprise later."""
    async with tiny(LENSFEED_METRICS_ADDR="127.0.0.1:0") as first:
        taken = (await first.logged("serving"))["metrics"]
        async with tiny(LENSFEED_METRICS_ADDR=taken) as second:
            assert await second.exit_code() == 1
            assert "in use" in second.lines[-1]


def test_too_many_requests_are_closed_until_one_ends() -> None:
    """Silent connections take up to a fixed number of threads, and a scrape works again once they are gone."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(serving_metrics("127.0.0.1:0"))
        assert address is not None
        host, _, port = address.rpartition(":")
        with contextlib.ExitStack() as silent:
            for _ in range(MAX_REQUESTS):
                silent.enter_context(socket.create_connection((host, int(port))))
            assert not _is_served(address)
        while not _is_served(address):  # the threads notice that their clients are gone
            time.sleep(0.01)


def _is_served(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/metrics", trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def test_an_address_needs_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped address is an error of the settings."""
    monkeypatch.setenv("LENSFEED_METRICS_ADDR", "127.0.0.1")
    with pytest.raises(SettingsError, match=r"LENSFEED_METRICS_ADDR: .* is not host:port"):
        ServerSettings.load()


@pytest.mark.parametrize(
    ("request_of", "is_loopback", "status"),
    [
        ({"HTTP_HOST": "127.0.0.1:9464"}, True, "200 OK"),
        ({"HTTP_HOST": "[::1]:9464"}, True, "200 OK"),
        ({"HTTP_HOST": "localhost"}, True, "200 OK"),
        ({"HTTP_HOST": "feed.internal:9464"}, False, "200 OK"),
        ({"HTTP_HOST": "evil.example:9464"}, True, "403 Forbidden"),
        ({}, True, "403 Forbidden"),
        ({"HTTP_HOST": "localhost", "HTTP_ORIGIN": "https://evil.example"}, True, "403 Forbidden"),
        ({"HTTP_HOST": "localhost", "HTTP_SEC_FETCH_SITE": "cross-site"}, True, "403 Forbidden"),
        ({"HTTP_HOST": "localhost", "HTTP_SEC_FETCH_SITE": "none"}, True, "200 OK"),
        ({"HTTP_HOST": "localhost", "PATH_INFO": "/"}, True, "404 Not Found"),
        ({"HTTP_HOST": "localhost", "REQUEST_METHOD": "POST"}, True, "405 Method Not Allowed"),
    ],
)
def test_only_scrapers_get_an_answer(request_of: WSGIEnvironment, is_loopback: bool, status: str) -> None:
    """A loopback address answers to its own names only, no address answers a web page, and nothing but a read."""
    statuses: list[str] = []

    def start(answered: str, *_: object) -> None:
        statuses.append(answered)

    def app(_environ: WSGIEnvironment, start_response: object) -> Iterable[bytes]:
        assert callable(start_response)
        start_response("200 OK", [])
        return []

    request = {"PATH_INFO": "/metrics", "REQUEST_METHOD": "GET", **request_of}
    list(guarded(app, is_loopback=is_loopback)(request, start))  # type: ignore[arg-type]  # it needs no writer
    assert statuses == [status]
