"""Tests of finishing an upload by S3's event."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from lensfeed.media.v1 import media_pb2
from pydantic import SecretStr

from devmesh.parts.seaweed import Webhook, running_seaweed
from media_svc.settings import ServeSettings
from media_svc.uploads.receive_s3_events import upload_keys
from media_svc.uploads.rules import PART_BYTES
from meshkit.ids import PublicId, new_id
from tests.media_svc.conftest import serving
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, new_user

pytestmark = pytest.mark.slow

STORES = ("sqlite",)

SECRET = "a secret of the tests"
AUTHORIZATION = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def webhook_addr() -> str:
    """Provide a free address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def with_webhook(settings: ServeSettings, webhook_addr: str) -> ServeSettings:
    """Provide the settings of a `serve` with the webhook."""
    return settings.model_copy(update={"webhook_addr": webhook_addr, "webhook_secret": SecretStr(SECRET)})


@pytest.fixture
async def listening(with_webhook: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run it."""
    async with serving(with_webhook) as app:
        await _reachable(with_webhook.webhook_addr or "")
        yield app


async def _reachable(addr: str) -> None:
    """Wait until the receiver listens: it starts alongside the server."""
    host, _, port = addr.partition(":")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(host, int(port))
                writer.close()
                return await writer.wait_closed()
            await asyncio.sleep(0.05)


def _event(media_id: str, kind: str = "create", bucket: str = "lensfeed-media") -> dict[str, object]:
    return {"event_type": kind, "key": f"/buckets/{bucket}/u/{media_id}", "message": {}}


async def _send(app: MediaApp, addr: str, body: object, headers: dict[str, str] | None = None) -> int:
    url = f"http://{addr}/s3-events"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        await app.http.post(url, content=content, headers=AUTHORIZATION if headers is None else headers)
    ).status_code


@pytest.mark.parametrize("kind", ["create", "update"])
async def test_finished_by_event(listening: MediaApp, webhook_addr: str, kind: str) -> None:
    """S3's event finishes an upload; repeating it changes nothing."""
    owner = new_user()
    started = await listening.start(owner, "image/png", 5)
    await listening.put_all(started, b"small")
    for _ in range(2):
        assert await _send(listening, webhook_addr, _event(started.media_id, kind)) == httpx.codes.NO_CONTENT
    assert (await listening.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await listening.events_of(started.media_id)) == ["media_uploaded"]


async def test_event_and_client_at_once(listening: MediaApp, webhook_addr: str) -> None:
    """If the event and the client come at once, one of them finishes the upload."""
    owner = new_user()
    for _ in range(5):
        started = await listening.start(owner, "image/png", 5)
        done = await listening.put_all(started, b"small")
        statuses = [_send(listening, webhook_addr, _event(started.media_id)) for _ in range(3)]
        calls = [listening.complete(owner, started.media_id, done) for _ in range(3)]
        answers, media = await asyncio.gather(asyncio.gather(*statuses), asyncio.gather(*calls))
        assert set(answers) == {httpx.codes.NO_CONTENT}
        assert {each.state for each in media} == {media_pb2.MEDIA_STATE_PROCESSING}
        assert kinds(await listening.events_of(started.media_id)) == ["media_uploaded"]


async def test_untrue_event(listening: MediaApp, webhook_addr: str) -> None:
    """An event about missing bytes finishes nothing, because S3 is asked."""
    owner = new_user()
    started = await listening.start(owner, "image/png", 5)
    assert await _send(listening, webhook_addr, _event(started.media_id)) == httpx.codes.NO_CONTENT
    assert (await listening.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": SECRET}])
async def test_wrong_secret(listening: MediaApp, webhook_addr: str, headers: dict[str, str]) -> None:
    """Requests without the secret are refused."""
    owner = new_user()
    started = await listening.start(owner, "image/png", 5)
    await listening.put_all(started, b"small")
    assert await _send(listening, webhook_addr, _event(started.media_id), headers) == httpx.codes.UNAUTHORIZED
    assert (await listening.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"1", b"\xff", {"Records": [{"eventName": "s3:ObjectCreated:Put"}]}]
)
async def test_malformed_event(listening: MediaApp, webhook_addr: str, body: object) -> None:
    """Malformed events are refused."""
    assert await _send(listening, webhook_addr, body) == httpx.codes.BAD_REQUEST


async def test_foreign_objects(listening: MediaApp, webhook_addr: str) -> None:
    """Events about other objects are accepted and ignored."""
    unknown = str(PublicId(new_id(), new_user()))
    for body in (
        _event(unknown),
        _event("x"),
        _event(""),
        _event(unknown, "delete"),
        {"event_type": "create", "key": "/buckets/lensfeed-media/m/ab.avif"},
        {"event_type": "create", "key": "/buckets/lensfeed-media/.uploads/1_2/0001_3.part"},
        {"event_type": "create", "key": "/etc/seaweedfs"},
        {"event_type": "create", "key": 7},
        {},
    ):
        assert await _send(listening, webhook_addr, body) == httpx.codes.NO_CONTENT


def test_keys() -> None:
    """Keys are read from both forms of events, only for our bucket."""
    media_id = str(PublicId(new_id(), 5))
    assert list(upload_keys(_event(media_id), "lensfeed-media")) == [f"u/{media_id}"]
    assert list(upload_keys(_event(media_id), "other")) == []
    record = {"s3": {"bucket": {"name": "lensfeed-media"}, "object": {"key": f"u%2F{media_id}"}}}
    created, removed = ({**record, "eventName": f"s3:Object{word}"} for word in ("Created:Put", "Removed:Delete"))
    assert list(upload_keys({"Records": [created, removed]}, "lensfeed-media")) == [f"u/{media_id}"]
    assert list(upload_keys({"Records": [created]}, "other")) == []


async def test_settings_need_a_secret(shared_settings: dict[str, Any]) -> None:
    """The webhook requires a secret."""
    for secret in (None, SecretStr("")):
        with pytest.raises(ValueError, match="WEBHOOK_SECRET"):
            ServeSettings(**{**shared_settings, "webhook_addr": "127.0.0.1:1", "webhook_secret": secret})


@contextlib.asynccontextmanager
async def _told_by_seaweed(folder: Path, with_webhook: ServeSettings) -> AsyncIterator[MediaApp]:
    addr = with_webhook.webhook_addr or ""
    async with running_seaweed(folder, Webhook(addr, SECRET)) as s3:
        own = {
            "s3_endpoint_url": s3.endpoint_url,
            "s3_access_key": SecretStr(s3.access_key),
            "s3_secret_key": SecretStr(s3.secret_key),
        }
        async with serving(with_webhook.model_copy(update=own)) as app:
            yield app


async def test_real_events(tmp_path: Path, with_webhook: ServeSettings) -> None:
    """The real S3's events finish an upload in one PUT without the client.

    A multipart upload needs the client or the sweeper: S3 sends no event before the parts are joined.
    """
    async with _told_by_seaweed(tmp_path / "seaweed", with_webhook) as app:
        owner = new_user()
        started = await app.start(owner, "image/png", 5)
        await app.put_all(started, b"small")
        assert (await app.processing(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
        large = await app.start(owner, "image/png", PART_BYTES + 1)
        done = await app.put_all(large, bytes(PART_BYTES + 1))
        assert (await app.get(owner, large.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
        assert (await app.complete(owner, large.media_id, done)).state == media_pb2.MEDIA_STATE_PROCESSING
        for each in (started, large):
            assert kinds(await app.events_of(each.media_id)) == ["media_uploaded"]
