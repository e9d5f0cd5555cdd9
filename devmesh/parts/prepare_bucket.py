"""Creates the bucket for media. Reads the S3 from its input; `devmesh.parts.bucket` runs it."""

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from devmesh.parts.bucket import S3
from media_svc.s3.set_up_bucket import set_up_bucket

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

TRIAL_KEY = "trial"
WRITE_SECONDS = 30.0


def main() -> None:
    """Prepare the bucket of the S3 that standard input describes."""
    _prepare(S3(**json.load(sys.stdin)))


@contextlib.contextmanager
def _client(s3: S3) -> Iterator["S3Client"]:
    """Open a client that does not retry."""
    client = boto3.session.Session().client(
        "s3",
        region_name=s3.region,
        endpoint_url=s3.endpoint_url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        config=Config(
            s3={"addressing_style": "path"},
            connect_timeout=3,
            read_timeout=10,
            retries={"total_max_attempts": 1, "mode": "standard"},
        ),
    )
    with contextlib.closing(client):
        yield client


def _prepare(s3: S3) -> None:
    with _client(s3) as client:
        if s3.bucket not in {bucket["Name"] for bucket in client.list_buckets()["Buckets"]}:
            client.create_bucket(Bucket=s3.bucket)
        set_up_bucket(client, s3.bucket)
        end = time.monotonic() + WRITE_SECONDS
        while not _takes_bytes(client, s3.bucket):
            if time.monotonic() > end:
                raise TimeoutError("S3 answers, but accepts no writes")
            time.sleep(0.1)


def _takes_bytes(client: "S3Client", bucket: str) -> bool:
    """Return whether S3 accepts writes, which may be seconds after it first answers."""
    try:
        client.put_object(Bucket=bucket, Key=TRIAL_KEY, Body=b"?")
        client.delete_object(Bucket=bucket, Key=TRIAL_KEY)
    except ClientError as error:
        if int(error.response["ResponseMetadata"]["HTTPStatusCode"]) < 500:  # noqa: PLR2004 - a client error will not go away
            raise
        return False
    return True


if __name__ == "__main__":
    main()
