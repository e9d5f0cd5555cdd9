"""SeaweedFS without a mesh."""

import asyncio
import contextlib
import os
import re
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiohttp import web
from botocore.exceptions import ClientError

from devmesh.errors import MeshError
from devmesh.parts import seaweed_sockets
from devmesh.parts.bucket import S3, prepare_bucket
from devmesh.parts.seaweed import Webhook, running_seaweed
from devmesh.ports import address, free_ports
from tests.s3 import s3_client

pytestmark = pytest.mark.slow


async def test_nothing_can_be_read_without_a_key(s3: S3) -> None:
    """Without a key, nothing can be read, written or listed."""
    async with s3_client(s3) as client, httpx.AsyncClient(base_url=f"{s3.endpoint_url}/{s3.bucket}") as anyone:
        for key in ("m/public.txt", "private.txt"):
            await client.put_object(Bucket=s3.bucket, Key=key, Body=b"hello")
            assert (await anyone.get(f"/{key}")).status_code == 403
        assert (await anyone.put("/m/public.txt", content=b"mine")).status_code == 403
        assert (await anyone.get("/", params={"list-type": "2", "prefix": "m/"})).status_code == 403


async def test_a_page_may_put_a_part_and_read_its_etag(s3: S3) -> None:
    """Any origin passes the preflight of a presigned PUT and can read its ETag."""
    async with s3_client(s3) as client:
        url = await client.generate_presigned_url("put_object", Params={"Bucket": s3.bucket, "Key": "cors.txt"})
    origin = {"Origin": "https://app.example"}
    async with httpx.AsyncClient() as browser:
        preflight = await browser.options(url, headers=origin | {"Access-Control-Request-Method": "PUT"})
        put = await browser.put(url, content=b"part", headers=origin)
    assert preflight.is_success
    assert preflight.headers["Access-Control-Allow-Origin"] in {"*", "https://app.example"}
    assert put.is_success
    assert "etag" in put.headers["Access-Control-Expose-Headers"].lower()


def test_sockets_of_killed_servers_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only old sockets without a listener are removed."""
    monkeypatch.setattr(seaweed_sockets, "SOCKETS", tmp_path)
    paths = {name: tmp_path / f"seaweedfs-{name}-1.sock" for name in ("live", "dead", "young")}
    with contextlib.ExitStack() as bound:
        for name, path in paths.items():
            server = bound.enter_context(socket.socket(socket.AF_UNIX))
            server.bind(str(path))
            if name == "live":
                server.listen()
            if name != "young":
                os.utime(path, (0, 0))
        seaweed_sockets.remove_dead_sockets()
    assert {path.name for path in tmp_path.iterdir()} == {paths["live"].name, paths["young"].name}


async def test_stopping_leaves_no_sockets_behind(tmp_path: Path) -> None:
    """Stopping SeaweedFS removes its sockets."""
    async with running_seaweed(tmp_path) as s3:
        ports = set(re.findall(r"(?:seaweedfs-[a-z-]+-|port )(\d+)", (tmp_path / "seaweed.log").read_text()))
        assert s3.endpoint_url.rpartition(":")[2] in ports
    left = {path.stem.rpartition("-")[2] for path in seaweed_sockets.SOCKETS.glob(seaweed_sockets.PATTERN)}
    assert not left & ports


async def test_preparing_the_bucket_again_keeps_what_is_in_it(s3: S3) -> None:
    """Preparing the bucket again, as every start does, keeps its objects."""
    async with s3_client(s3) as client:
        await client.put_object(Bucket=s3.bucket, Key="kept", Body=b"still here")
        await prepare_bucket(s3)
        reply = await client.get_object(Bucket=s3.bucket, Key="kept")
        assert await reply["Body"].read() == b"still here"


async def test_a_bucket_that_cannot_be_prepared_is_an_error() -> None:
    """If S3 does not answer, the error names the bucket and the reason."""
    nowhere = S3("http://127.0.0.1:9", access_key="key", secret_key="secret")
    with pytest.raises(MeshError, match=r"cannot prepare the bucket lensfeed-media: .*127\.0\.0\.1:9"):
        await prepare_bucket(nowhere)


async def test_writing_to_an_unknown_bucket_does_not_create_it(s3: S3) -> None:
    """Writing to a mistyped bucket is an error."""
    async with s3_client(s3) as client:
        with pytest.raises(ClientError, match="NoSuchBucket"):
            await client.put_object(Bucket="mistyped", Key="x", Body=b"")


async def test_a_finished_upload_raises_an_event_with_the_secret(tmp_path: Path) -> None:
    """The webhook receives an event for a new object, with the secret."""
    events: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()

    async def receive(request: web.Request) -> web.Response:
        events.put_nowait((request.headers["Authorization"], await request.json()))
        return web.Response()

    [port] = free_ports(1)
    app = web.Application()
    app.router.add_post("/s3-events", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with running_seaweed(tmp_path, Webhook(address(port), "s3cret")) as s3, s3_client(s3) as client:
            await client.put_object(Bucket=s3.bucket, Key="o/new.jpg", Body=b"pixels")
            async with asyncio.timeout(20):
                while True:
                    bearer, event = await events.get()
                    assert bearer == "Bearer s3cret"
                    if "new.jpg" in str(event):
                        break
    finally:
        await runner.cleanup()
