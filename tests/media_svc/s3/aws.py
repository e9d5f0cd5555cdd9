"""A mock AWS by Moto's server, for what SeaweedFS lacks: event queues, storage classes and their rules."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Literal, overload

from aiobotocore.session import get_session
from moto.server import ThreadedMotoServer

from devmesh.parts.bucket import S3

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_sqs import SQSClient


@contextlib.contextmanager
def running_aws(bucket: str) -> Iterator[S3]:
    """Run it, without a bucket. Yields how to connect."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield S3(f"http://{host}:{port}", access_key="access", secret_key="secret", bucket=bucket)
    finally:
        server.stop()


@overload
def client(aws: S3, service: Literal["s3"]) -> "AbstractAsyncContextManager[S3Client]": ...
@overload
def client(aws: S3, service: Literal["sqs"]) -> "AbstractAsyncContextManager[SQSClient]": ...
def client(aws: S3, service: Literal["s3", "sqs"]) -> "AbstractAsyncContextManager[Any]":
    """Make a client of one of its services."""
    return get_session().create_client(
        service,
        region_name=aws.region,
        endpoint_url=aws.endpoint_url,
        aws_access_key_id=aws.access_key,
        aws_secret_access_key=aws.secret_key,
    )


@contextlib.asynccontextmanager
async def queue_of_events(aws: S3) -> AsyncIterator[str]:
    """Create the bucket and a queue that receives events for writes under `u/`. Yields the queue's URL."""
    async with client(aws, "s3") as s3, client(aws, "sqs") as sqs:
        await s3.create_bucket(Bucket=aws.bucket)
        url = (await sqs.create_queue(QueueName=aws.bucket))["QueueUrl"]
        attributes = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        await s3.put_bucket_notification_configuration(
            Bucket=aws.bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": attributes["Attributes"]["QueueArn"],
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": "u/"}]}},
                    }
                ]
            },
        )
        yield url
