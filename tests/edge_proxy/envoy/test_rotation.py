"""Rotation of token keys while the edge runs."""

import asyncio
import json
from pathlib import Path

import pytest
from google.rpc.code_pb2 import Code

from tests.edge_proxy.backend import Backend
from tests.edge_proxy.conftest import Edge, Signer, running_edge, services_at, until_serving
from tests.edge_proxy.protocols import rest_feed

pytestmark = pytest.mark.slow


def jwks_of(*signers: Signer) -> str:
    """Return a JWKS with the keys of several signers."""
    return json.dumps({"keys": [{**json.loads(each.jwks())["keys"][0], "kid": each.kid} for each in signers]})


def replace(path: Path, text: str) -> None:
    """Replace a file by moving a new one into its place."""
    fresh = path.with_suffix(".fresh")
    fresh.write_text(text)
    fresh.rename(path)


async def outcome(edge: Edge, signer: Signer) -> tuple[Code.ValueType, str | None]:
    """Read a feed with a token of this signer."""
    answer = await rest_feed(edge, {"authorization": f"Bearer {signer.token()}"})
    return answer.code, answer.reason


async def until(edge: Edge, signer: Signer, code: Code.ValueType) -> None:
    """Wait until tokens of this signer get a status."""
    async with asyncio.timeout(15):
        while (await outcome(edge, signer))[0] != code:  # noqa: ASYNC110 - another process reloads
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("backend")
async def test_a_new_jwks_is_loaded_without_refusing_tokens(running_backend: Backend, tmp_path: Path) -> None:
    """Tokens of any key in the JWKS stay valid while keys are added and removed."""
    old, new = Signer("old"), Signer("new")
    folder, file = tmp_path / "edge", tmp_path / "jwks.json"
    folder.mkdir()
    replace(file, jwks_of(old))
    refused = 0
    # One user reads as fast as possible.
    settings = {
        **services_at(running_backend.address),
        "LENSFEED_EDGE_LIMIT_USER": "",
        "LENSFEED_EDGE_LIMIT_ADDRESS": "",
    }
    async with running_edge(folder, file, settings) as edge:
        await until_serving(edge)
        assert await outcome(edge, new) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")

        async def keep_reading(signer: Signer) -> None:
            nonlocal refused
            while True:
                refused += (await outcome(edge, signer))[0] != Code.OK

        reading = asyncio.create_task(keep_reading(old))
        replace(file, jwks_of(old, new))
        await until(edge, new, Code.OK)
        replace(file, "no keys at all")
        await asyncio.sleep(3)
        reading.cancel()
        assert refused == 0
        reading = asyncio.create_task(keep_reading(new))
        replace(file, jwks_of(new))
        await until(edge, old, Code.UNAUTHENTICATED)
        reading.cancel()
        assert refused == 0
        assert "not a JWKS" in edge.log.read_text()


@pytest.mark.usefixtures("backend")
async def test_a_removed_key_ends_the_tokens_it_signed(running_backend: Backend, tmp_path: Path) -> None:
    """A token that the edge has verified and remembered is refused once its key leaves the JWKS."""
    lost, new = Signer("lost"), Signer("new")
    headers = {"authorization": f"Bearer {lost.token()}"}
    folder, file = tmp_path / "edge", tmp_path / "jwks.json"
    folder.mkdir()
    replace(file, jwks_of(lost, new))
    async with running_edge(folder, file, services_at(running_backend.address)) as edge:
        await until_serving(edge)
        for _ in range(3):
            assert (await rest_feed(edge, headers)).code == Code.OK
        replace(file, jwks_of(new))
        await until(edge, lost, Code.UNAUTHENTICATED)
        answer = await rest_feed(edge, headers)
        assert (answer.code, answer.reason) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")
        assert await outcome(edge, new) == (Code.OK, "")
