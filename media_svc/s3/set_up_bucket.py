"""Apply the bucket's rules. Safe to repeat; other rules of the bucket stay."""

import contextlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from media_svc.s3.bucket_rules import ABANDONED_RULE, COLD_RULE, UPLOAD_RULE, as_list, is_public_read

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import LifecycleRuleUnionTypeDef

    from media_svc.settings import S3Settings

# Errors of an S3 without storage classes; SeaweedFS returns the first.
_NO_TRANSITIONS = frozenset({"NotImplemented", "InvalidStorageClass"})
_CONFIG = Config(
    s3={"addressing_style": "path"}, connect_timeout=3, read_timeout=15, retries={"max_attempts": 3, "mode": "standard"}
)
_OURS = frozenset({ABANDONED_RULE["ID"], COLD_RULE["ID"]})


def set_up(settings: "S3Settings") -> bool:
    """Set up the bucket of the settings, as `set_up_bucket` does."""
    client = boto3.client(
        "s3",
        region_name=settings.s3_region,
        endpoint_url=settings.s3_endpoint_url,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
        config=_CONFIG,
    )
    with contextlib.closing(client):
        return set_up_bucket(client, settings.s3_bucket)


def set_up_bucket(client: "S3Client", bucket: str) -> bool:
    """Set CORS rules and lifecycle of an existing bucket, and end the public access that earlier versions gave.

    Returns whether originals will move to colder storage: False if this S3 has no storage classes.
    """
    _end_public_access(client, bucket)
    client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [UPLOAD_RULE]})
    foreign = [rule for rule in _lifecycle(client, bucket) if rule.get("ID") not in _OURS]
    try:
        _set_lifecycle(client, bucket, [*foreign, ABANDONED_RULE, COLD_RULE])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_TRANSITIONS:
            raise
        _set_lifecycle(client, bucket, [*foreign, ABANDONED_RULE])
        return False
    return True


def _end_public_access(client: "S3Client", bucket: str) -> None:
    """Remove what let anyone read renditions. Other statements of the policy stay."""
    try:
        policy = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return
        raise
    statements = as_list(policy["Statement"])
    kept = [each for each in statements if not is_public_read(each, bucket)]
    if not kept:
        client.delete_bucket_policy(Bucket=bucket)
    elif kept != statements:
        client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy | {"Statement": kept}))


def _lifecycle(client: "S3Client", bucket: str) -> "Sequence[LifecycleRuleUnionTypeDef]":
    try:
        return (client.get_bucket_lifecycle_configuration(Bucket=bucket)).get("Rules", [])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return []
        raise


def _set_lifecycle(client: "S3Client", bucket: str, rules: "Sequence[LifecycleRuleUnionTypeDef]") -> None:
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
