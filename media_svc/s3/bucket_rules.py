"""The bucket's rules: who may read it, which browsers may write to it, and what happens to old objects."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef, LifecycleRuleUnionTypeDef

PUBLIC_PREFIX = "m/"
"""Anyone may GET objects under this prefix: the renditions. Originals are private."""
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


def public_read_policy(bucket: str) -> str:
    """Return a policy that lets anyone GET objects under the public prefix, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/{PUBLIC_PREFIX}*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
