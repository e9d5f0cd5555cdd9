"""The bucket's rules: which browsers may write to it, and what happens to old objects. Nobody reads it without a key."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef, LifecycleRuleUnionTypeDef

PUBLIC_PREFIX = "m/"
"""What the edge serves to everyone: the renditions. Its key reads nothing else."""
ORIGINALS_PREFIX = "o/"

UPLOAD_RULE: "CORSRuleTypeDef" = {
    "AllowedMethods": ["GET", "HEAD", "PUT"],
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3600,
}
"""Presigned URLs work from any page: the signature is the permission. Completing an upload needs the parts' ETags."""

ABANDONED_RULE: "LifecycleRuleUnionTypeDef" = {
    "ID": "lensfeed-abandoned-uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    # The minimum. S3 counts from the next midnight, so the sweeper is nearly always first.
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
"""Deletes parts that were never joined: invisible, but paid for. Finished objects are not affected."""

COLD_RULE: "LifecycleRuleUnionTypeDef" = {
    "ID": "lensfeed-originals-get-cold",
    "Status": "Enabled",
    "Filter": {"Prefix": ORIGINALS_PREFIX},
    "Transitions": [
        {"Days": 90, "StorageClass": "STANDARD_IA"},
        {"Days": 365, "StorageClass": "GLACIER_IR"},
    ],
}
"""Originals are read again only to re-encode them. Both storage classes allow that without restoring."""


def is_public_read(statement: Mapping[str, Any], bucket: str) -> bool:
    """Return whether a statement of the bucket's policy lets anyone read renditions, and nothing but renditions.

    Earlier versions wrote such a statement. A request past the edge could choose the content type of the response.
    """
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        and as_list(statement.get("Resource")) == [f"arn:aws:s3:::{bucket}/{PUBLIC_PREFIX}*"]
        and "Condition" not in statement
    )


def as_list(value: Any) -> list[Any]:
    """Return a list. Where a policy has one value, it may stand without a list."""
    return value if isinstance(value, list) else [value]
