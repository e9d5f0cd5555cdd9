"""Receive S3's events over HTTP: an object that appears under `u/` is an upload to finish.

Events are hints; S3 itself decides what is there.
"""

import asyncio
import hmac
import json
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_plus

import structlog
from aiohttp import web

from media_svc.store.port import MediaStore
from media_svc.uploads.finish_upload import FinishUpload
from meshkit.errors import FailedPreconditionError, LensfeedError
from meshkit.ids import MalformedIdError, PublicId
from meshkit.telemetry.spans import processing

PATH = "/s3-events"
UPLOAD_PREFIX = "u/"
# SeaweedFS lists an object's chunks of 4 MB in its event: 1,000 for a video, some 200 bytes each.
MAX_EVENT_BYTES = 4 * 1024 * 1024
SHUTDOWN_SECONDS = 5.0
_log = structlog.get_logger()


class FinishByKey:
    """Finishes the upload whose object appeared."""

    def __init__(self, store: MediaStore, finish: FinishUpload) -> None:
        self._store = store
        self._finish = finish

    async def __call__(self, key: str) -> None:
        """Finish the upload with this key, if there is one and its bytes are complete."""
        try:
            media_id = PublicId.parse(key.removeprefix(UPLOAD_PREFIX))
        except MalformedIdError:
            return
        for media in await self._store.get_media([media_id]):
            try:
                with processing("s3", None, {"messaging.system": "s3", "lensfeed.media_id": str(media_id)}):
                    await self._finish(media, time.time_ns() // 1_000_000)
            except FailedPreconditionError as error:
                _log.info("upload_not_finished", media_id=str(media_id), reason=error.reason)


class S3EventReceiver:
    """An HTTP server for `POST /s3-events` with `Authorization: Bearer SECRET`. Understands SeaweedFS and S3."""

    def __init__(self, address: str, secret: str, bucket: str, finish: FinishByKey) -> None:
        self._host, _, self._port = address.rpartition(":")
        self._authorization = f"Bearer {secret}".encode()
        self._bucket = bucket
        self._finish = finish

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until the process stops."""
        app = web.Application(client_max_size=MAX_EVENT_BYTES)
        app.router.add_post(PATH, self.receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, int(self._port)).start()
            await stopping.wait()
        finally:
            await runner.cleanup()

    async def receive(self, request: web.Request) -> web.Response:
        """Handle one event. 503 asks S3 to send it again; the sweeper works without it."""
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._authorization):
            return web.Response(status=401)
        try:
            keys = set(upload_keys(json.loads(await request.read()), self._bucket))
        except ValueError:
            return web.Response(status=400)
        try:
            await asyncio.gather(*(self._finish(key) for key in keys))
        except LensfeedError as error:
            _log.warning("s3_event_not_handled", error=repr(error))
            return web.Response(status=503)
        return web.Response(status=204)


def upload_keys(event: Any, bucket: str) -> Iterable[str]:
    """Return the keys under `u/` in our bucket that an event reports as written. Raises ValueError if malformed."""
    if not isinstance(event, dict):
        raise ValueError("an event must be a JSON object")  # noqa: TRY004 - the sender's mistake, like malformed JSON
    written = [*_of_seaweed(event, bucket), *_of_s3(event, bucket)]
    return (key for key in written if key.startswith(UPLOAD_PREFIX))


def _of_seaweed(event: dict[str, Any], bucket: str) -> Iterable[str]:
    """Read `{"event_type": "create", "key": "/buckets/BUCKET/KEY", …}`. Overwriting an object is an `update`."""
    prefix = f"/buckets/{bucket}/"
    key = event.get("key")
    if event.get("event_type") in {"create", "update"} and isinstance(key, str) and key.startswith(prefix):
        yield key.removeprefix(prefix)


def _of_s3(event: dict[str, Any], bucket: str) -> Iterable[str]:
    """Read `{"Records": [{"eventName": "s3:ObjectCreated:…", "s3": {"bucket": {"name"}, "object": {"key"}}}]}`."""
    for record in event.get("Records") or ():
        try:
            is_ours = "ObjectCreated" in record["eventName"] and record["s3"]["bucket"]["name"] == bucket
            key = unquote_plus(record["s3"]["object"]["key"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("a record has no event name, bucket or key") from error
        if is_ours:
            yield key
