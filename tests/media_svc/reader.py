"""Serves the renditions of a private bucket over HTTP, for tests of media_svc without an edge."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING

from aiohttp import web
from botocore.exceptions import ClientError

from devmesh.parts.bucket import S3
from tests.s3 import s3_client

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client

HEADERS = ("content-type", "content-length", "content-range", "cache-control", "etag")


@contextlib.asynccontextmanager
async def running_reader(s3: S3) -> AsyncIterator[str]:
    """Run it. Yields what the URLs of renditions begin with."""
    async with s3_client(s3) as client:
        app = web.Application()
        app.router.add_get("/m/{name:.+}", partial(_read, client, s3.bucket))
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, port = runner.addresses[0]
        try:
            yield f"http://127.0.0.1:{port}/m"
        finally:
            await runner.cleanup()


async def _read(client: "S3Client", bucket: str, request: web.Request) -> web.Response:
    key = f"m/{request.match_info['name']}"
    wanted = {"Range": request.headers["range"]} if "range" in request.headers else {}
    try:
        found = await client.get_object(Bucket=bucket, Key=key, **wanted)  # type: ignore[arg-type]  # one optional parameter
    except ClientError as error:
        return web.Response(status=error.response["ResponseMetadata"]["HTTPStatusCode"])
    answer = found["ResponseMetadata"]
    headers = {name: value for name, value in answer["HTTPHeaders"].items() if name.lower() in HEADERS}
    return web.Response(status=answer["HTTPStatusCode"], body=await found["Body"].read(), headers=headers)
