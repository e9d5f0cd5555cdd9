"""What `python -m meshkit.probe` answers to a container's probes."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from devmesh.secrets.certificates import make_certificates
from meshkit.grpc.server import Process, ServerSettings, running


async def probe(address: str, question: str, mesh_tls: Path | None = None) -> int:
    """Run the probe of user_svc; its exit code."""
    settings = {"LENSFEED_LISTEN_ADDR": address, **({"LENSFEED_MESH_TLS": str(mesh_tls)} if mesh_tls else {})}
    command = (sys.executable, "-m", "meshkit.probe", "user", question)
    return await (await asyncio.create_subprocess_exec(*command, env={**os.environ, **settings})).wait()


async def probe_edge(address: str, question: str) -> int:
    """Run the probe as in the image of the edge; its exit code."""
    settings = {"LENSFEED_EDGE_HEALTH_ADDR": address, "MESH_PART": "edge"}
    command = (sys.executable, "-m", "meshkit.probe", question)
    return await (await asyncio.create_subprocess_exec(*command, env={**os.environ, **settings})).wait()


async def refuse() -> None:
    """Fail, as a dependency that is down."""
    raise ConnectionError("down")


@pytest.mark.parametrize("has_mesh_tls", [False, True])
async def test_a_process_without_its_store_is_alive_and_not_ready(tmp_path: Path, has_mesh_tls: bool) -> None:
    """A failing dependency takes a process out of service, and nobody restarts it."""
    folder = tmp_path if has_mesh_tls else None
    if folder:
        make_certificates(folder)
    settings = ServerSettings(mesh_tls=folder)
    async with running(Process("user_svc", dependencies={"store": refuse}), settings) as address:
        assert [await probe(address, question, folder) for question in ("alive", "ready")] == [0, 1]
    async with running(Process("user_svc"), settings) as address:
        assert await probe(address, "ready", folder) == 0
        everywhere = f"0.0.0.0:{address.rpartition(':')[2]}"
        assert await probe(everywhere, "ready", folder) == 0


async def test_a_process_that_does_not_answer_is_neither(tmp_path: Path) -> None:
    """Nobody listens, or the certificate is missing."""
    assert await probe("127.0.0.1:1", "alive") == 1
    assert await probe("127.0.0.1:1", "alive", tmp_path) == 1


@pytest.mark.parametrize(("status", "is_ready"), [(200, True), (503, False)])
async def test_an_edge_is_asked_for_its_health_page(status: int, is_ready: bool) -> None:
    """The edge answers HTTP: 200 is ready, anything else only alive."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /healthz ")
        writer.write(f"HTTP/1.1 {status} Any\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await probe_edge(address, "alive") == 0
        assert await probe_edge(address, "ready") == int(not is_ready)
    assert await probe_edge("127.0.0.1:1", "alive") == 1
