"""Apply the bucket's rules. Safe to repeat; other rules of the bucket stay."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from media_svc.s3.bucket_rules import ABANDONED_RULE, COLD_RULE, UPLOAD_RULE, public_read_policy

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client
    from types_aiobotocore_s3.type_defs import LifecycleRuleUnionTypeDef

# Errors of an S3 without storage classes; SeaweedFS returns the first.
_NO_TRANSITIONS = frozenset({"NotImplemented", "InvalidStorageClass"})
_OURS = frozenset({ABANDONED_RULE["ID"], COLD_RULE["ID"]})


async def set_up_bucket(client: "S3Client", bucket: str) -> bool:
    """Set the policy, CORS rules and lifecycle of an existing bucket.

    Returns whether originals will move to colder storage: False if this S3 has no storage classes.
    """
    await client.put_bucket_policy(Bucket=bucket, Policy=public_read_policy(bucket))
    await client.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [UPLOAD_RULE]})
    foreign = [rule for rule in await _lifecycle(client, bucket) if rule.get("ID") not in _OURS]
    try:
        await _set_lifecycle(client, bucket, [*foreign, ABANDONED_RULE, COLD_RULE])
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_TRANSITIONS:
            raise
        await _set_lifecycle(client, bucket, [*foreign, ABANDONED_RULE])
        return False
    return True


async def _lifecycle(client: "S3Client", bucket: str) -> "Sequence[LifecycleRuleUnionTypeDef]":
    try:
        return (await client.get_bucket_lifecycle_configuration(Bucket=bucket)).get("Rules", [])
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
            return []
        raise


async def _set_lifecycle(client: "S3Client", bucket: str, rules: "Sequence[LifecycleRuleUnionTypeDef]") -> None:
    await client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
