"""Tests of finishing an upload by events from an SQS queue."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from lensfeed.media.v1 import media_pb2
from pydantic import SecretStr

from devmesh.parts.bucket import S3
from media_svc.settings import ServeSettings
from media_svc.uploads.rules import PART_BYTES
from meshkit.ids import PublicId, new_id
from tests.media_svc.conftest import Parts, opened_parts, serving
from tests.media_svc.media_app import PATIENCE_SECONDS, MediaApp, kinds, new_user
from tests.media_svc.s3 import aws

pytestmark = pytest.mark.slow

STORES = ("sqlite",)
LARGE = bytes(PART_BYTES + 7)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def amazon() -> AsyncIterator[S3]:
    """Run a mock AWS."""
    with aws.running_aws("photos") as amazon:
        yield amazon


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def queue_url(amazon: S3) -> AsyncIterator[str]:
    """Provide the URL of the event queue."""
    async with aws.queue_of_events(amazon) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def with_queue(settings: ServeSettings, amazon: S3, queue_url: str) -> ServeSettings:
    """Provide the settings of a `serve` that reads the queue."""
    own = {
        "s3_endpoint_url": amazon.endpoint_url,
        "s3_access_key": SecretStr(amazon.access_key),
        "s3_secret_key": SecretStr(amazon.secret_key),
        "s3_bucket": amazon.bucket,
        "media_sqs_url": queue_url,
    }
    return settings.model_copy(update=own)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listening(with_queue: ServeSettings) -> AsyncIterator[MediaApp]:
    """Run it."""
    async with serving(with_queue) as app:
        yield app


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def other_parts(with_queue: ServeSettings) -> AsyncIterator[Parts]:
    """Provide the parts of another process."""
    async with opened_parts(with_queue) as parts:
        yield parts


async def _send(amazon: S3, queue_url: str, body: object) -> None:
    async with aws.client(amazon, "sqs") as sqs:
        await sqs.send_message(QueueUrl=queue_url, MessageBody=body if isinstance(body, str) else json.dumps(body))


async def _message_count(amazon: S3, queue_url: str) -> int:
    """Return how many messages wait or are in progress."""
    names: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    async with aws.client(amazon, "sqs") as sqs:
        answer = await sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
    return sum(int(each) for each in answer["Attributes"].values())


async def _emptied(amazon: S3, queue_url: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await _message_count(amazon, queue_url):  # noqa: ASYNC110 - a queue has no event for it
            await asyncio.sleep(0.1)


def _event(media_id: str, name: str = "ObjectCreated:Put", bucket: str = "photos") -> dict[str, object]:
    record = {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": f"u/{media_id}"}}}
    return {"Records": [record]}


async def test_finished_by_the_bucket_alone(listening: MediaApp, amazon: S3, queue_url: str) -> None:
    """The bucket's own notification finishes an upload in one PUT, and the message is deleted."""
    owner = new_user()
    started = await listening.start(owner, "image/png", 5)
    await listening.put_all(started, b"small")
    assert (await listening.processing(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await listening.events_of(started.media_id)) == ["media_uploaded"]
    await _emptied(amazon, queue_url)


async def test_process_killed_after_joining_the_parts(listening: MediaApp, other_parts: Parts) -> None:
    """If a process dies right after joining the parts, the joined object's event finishes the upload."""
    owner = new_user()
    started = await listening.start(owner, "image/png", len(LARGE))
    await listening.put_all(started, LARGE)
    (media,) = await other_parts.store.get_media([PublicId.parse(started.media_id)])
    stored = await other_parts.objects.list_parts(media.upload_key, media.upload_id)
    assert stored is not None
    await other_parts.objects.complete_multipart(media.upload_key, media.upload_id, stored)
    assert (await listening.processing(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await listening.events_of(started.media_id)) == ["media_uploaded"]


async def test_repeated_and_unrelated_messages(listening: MediaApp, amazon: S3, queue_url: str) -> None:
    """Repeated, untrue and unrelated messages change nothing, and are deleted."""
    owner = new_user()
    started, empty = [await listening.start(owner, "image/png", 5) for _ in range(2)]
    await listening.put_all(started, b"small")
    unknown = str(PublicId(new_id(), owner))
    bodies = (
        *[_event(started.media_id)] * 3,
        _event(empty.media_id),
        _event(unknown),
        _event(started.media_id, "ObjectRemoved:Delete"),
        _event(empty.media_id, bucket="other"),
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"},
    )
    for body in bodies:
        await _send(amazon, queue_url, body)
    await _emptied(amazon, queue_url)
    assert (await listening.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    assert kinds(await listening.events_of(started.media_id)) == ["media_uploaded"]
    assert (await listening.get(owner, empty.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD


@pytest.mark.parametrize("body", ["no JSON", "[]", '{"Records": [{"eventName": "ObjectCreated:Put"}]}'])
async def test_malformed_message(listening: MediaApp, amazon: S3, queue_url: str, body: str) -> None:
    """A malformed message is deleted and does not block the next ones."""
    await _send(amazon, queue_url, body)
    owner = new_user()
    started = await listening.start(owner, "image/png", 5)
    await listening.put_all(started, b"small")
    assert (await listening.processing(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING
    await _emptied(amazon, queue_url)


async def test_receiver_downtime(with_queue: ServeSettings, amazon: S3) -> None:
    """Events sent while no receiver runs wait in the queue."""
    away = dataclasses.replace(amazon, bucket="away")
    async with aws.queue_of_events(away) as url:
        deaf = with_queue.model_copy(update={"s3_bucket": away.bucket, "media_sqs_url": None})
        owner = new_user()
        async with serving(deaf) as app:
            started = await app.start(owner, "image/png", 5)
            await app.put_all(started, b"small")
            # S3 has sent a test event to the new queue.
            assert await _message_count(away, url) == 2
            assert (await app.get(owner, started.media_id)).state == media_pb2.MEDIA_STATE_AWAITING_UPLOAD
        async with serving(deaf.model_copy(update={"media_sqs_url": url})) as app:
            assert (await app.processing(owner, started.media_id)).state == media_pb2.MEDIA_STATE_PROCESSING


async def test_missing_queue(with_queue: ServeSettings) -> None:
    """Without its queue the service still works: events are hints, and the sweeper needs none."""
    nowhere = {"media_sqs_url": "http://127.0.0.1:9/1/none"}
    async with serving(with_queue.model_copy(update=nowhere)) as app:
        owner = new_user()
        started = await app.start(owner, "image/png", 5)
        done = await app.put_all(started, b"small")
        assert (await app.complete(owner, started.media_id, done)).state == media_pb2.MEDIA_STATE_PROCESSING
