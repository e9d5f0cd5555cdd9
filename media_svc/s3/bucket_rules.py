"""What the bucket of media is told once: who may read it, from where a browser may write to it, what becomes of old things."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_aiobotocore_s3.type_defs import CORSRuleTypeDef, LifecycleRuleUnionTypeDef

PUBLIC_PREFIX = "m/"
"""What lies under it anyone may GET: the renditions. The originals are private."""
ORIGINALS_PREFIX = "o/"

UPLOAD_RULE: "CORSRuleTypeDef" = {
    "AllowedMethods": ["GET", "HEAD", "PUT"],
    "AllowedOrigins": ["*"],
    "AllowedHeaders": ["*"],
    "ExposeHeaders": ["ETag"],
    "MaxAgeSeconds": 3600,
}
"""Presigned URLs work from any page: the signature is the permission, and a part's ETag is needed to complete."""

ABANDONED_RULE: "LifecycleRuleUnionTypeDef" = {
    "ID": "lensfeed-abandoned-uploads",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    # The least there is. S3 counts from the next midnight on; the sweeper, which is to the minute, is nearly always first.
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
}
"""Parts that were never put together: nobody sees them, and they are paid for. A finished object is none of them."""

COLD_RULE: "LifecycleRuleUnionTypeDef" = {
    "ID": "lensfeed-originals-get-cold",
    "Status": "Enabled",
    "Filter": {"Prefix": ORIGINALS_PREFIX},
    "Transitions": [
        {"Days": 90, "StorageClass": "STANDARD_IA"},
        {"Days": 365, "StorageClass": "GLACIER_IR"},
    ],
}
"""Originals are read again only to encode them anew. In both classes that needs no restoring."""


def public_read_policy(bucket: str) -> str:
    """Anyone may GET what lies under the public prefix, and nothing else."""
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{bucket}/{PUBLIC_PREFIX}*"],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
