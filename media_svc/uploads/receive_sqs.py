"""Receive S3's events from an SQS queue, as AWS delivers them. Events are hints; the queue loses none."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from aiobotocore.config import AioConfig
from aiohttp import ClientError as HttpError
from botocore.exceptions import BotoCoreError, ClientError

from media_svc.aws_session import open_session
from media_svc.settings import ServeSettings
from media_svc.uploads.receive_s3_events import FinishByKey, upload_keys
from meshkit.errors import LensfeedError

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageTypeDef

# SQS's maxima. An empty queue costs three requests a minute.
MESSAGES = 10
WAIT_SECONDS = 20
# The pause after an SQS failure.
PAUSE_SECONDS = 1.0
# Longer than finishing an upload takes, so that slow messages are not delivered twice. Short, because failed ones wait for it.
INVISIBLE_SECONDS = 30
_log = structlog.get_logger()


class QueueReceiver:
    """Takes messages, finishes their uploads, and deletes each message when that is done.

    A message that could not be handled (S3 or the store is down) is delivered again to any process.
    """

    def __init__(self, settings: ServeSettings, queue_url: str, finish: FinishByKey) -> None:
        self._settings = settings
        self._queue_url = queue_url
        self._finish = finish

    async def run(self, stopping: asyncio.Event) -> None:
        """Receive until the process stops. Messages already taken are handled."""
        async with _client(self._settings, self._queue_url) as sqs:
            stopped = asyncio.create_task(stopping.wait())
            try:
                while not stopping.is_set():
                    await self._listen(sqs, stopped)
            finally:
                stopped.cancel()

    async def _listen(self, sqs: "SQSClient", stopped: asyncio.Task[bool]) -> None:
        taking = asyncio.create_task(self._take(sqs))
        try:
            await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                await self._handle(sqs, taking.result())
        except (ClientError, BotoCoreError, HttpError) as error:
            _log.warning("queue_failed", error=repr(error))
            await asyncio.wait({stopped}, timeout=PAUSE_SECONDS)
        finally:
            # A message in transit is delivered again later.
            taking.cancel()
            await asyncio.gather(taking, return_exceptions=True)

    async def _take(self, sqs: "SQSClient") -> "Sequence[MessageTypeDef]":
        answer = await sqs.receive_message(
            QueueUrl=self._queue_url,
            MaxNumberOfMessages=MESSAGES,
            WaitTimeSeconds=WAIT_SECONDS,
            VisibilityTimeout=INVISIBLE_SECONDS,
        )
        return answer.get("Messages", ())

    async def _handle(self, sqs: "SQSClient", messages: "Sequence[MessageTypeDef]") -> None:
        outcomes = await asyncio.gather(*(self._handle_one(message) for message in messages))
        done = [message for message, is_done in zip(messages, outcomes, strict=True) if is_done]
        if done:
            await sqs.delete_message_batch(
                QueueUrl=self._queue_url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(done)
                ],
            )

    async def _handle_one(self, message: "MessageTypeDef") -> bool:
        """Finish the uploads of a message. Returns whether to delete it; malformed ones would come back forever."""
        try:
            keys = set(upload_keys(json.loads(message["Body"]), self._settings.s3_bucket))
        except ValueError as error:
            _log.warning("queue_message_malformed", message_id=message["MessageId"], error=str(error))
            return True
        try:
            await asyncio.gather(*(self._finish(key) for key in keys))
        except LensfeedError as error:
            _log.warning("queue_message_not_handled", message_id=message["MessageId"], error=repr(error))
            return False
        return True


def _client(settings: ServeSettings, queue_url: str) -> "AbstractAsyncContextManager[SQSClient]":
    """Create a client for the server in the queue's own URL."""
    parts = urlsplit(queue_url)
    return open_session().create_client(
        "sqs",
        region_name=settings.s3_region,
        endpoint_url=f"{parts.scheme}://{parts.netloc}",
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        config=AioConfig(
            connect_timeout=3,
            read_timeout=WAIT_SECONDS + 10,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ),
    )
