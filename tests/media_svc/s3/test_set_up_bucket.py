"""Tests of the bucket's rules, on an S3 with storage classes and on one without."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from devmesh.parts.bucket import S3
from media_svc.delivery.cache_classes import CacheClass, cache_control
from media_svc.s3.objects import S3Objects, open_objects
from media_svc.s3.set_up_bucket import set_up
from media_svc.settings import S3Settings
from meshkit.errors import UnavailableError
from meshkit.ids import PublicId, new_id
from tests.media_svc.media_app import new_user
from tests.media_svc.s3 import aws
from tests.s3 import s3_client

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from types_aiobotocore_s3 import S3Client


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def amazon() -> AsyncIterator[S3]:
    """Run an S3 with storage classes and a new bucket."""
    with aws.running_aws("cold-photos") as amazon:
        async with s3_client(amazon) as client:
            await client.create_bucket(Bucket=amazon.bucket)
        yield amazon


def _settings(s3: S3) -> S3Settings:
    return S3Settings(
        s3_endpoint_url=s3.endpoint_url,
        s3_access_key=SecretStr(s3.access_key),
        s3_secret_key=SecretStr(s3.secret_key),
        s3_bucket=s3.bucket,
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cold(amazon: S3) -> AsyncIterator[S3Objects]:
    """Open that bucket."""
    async with open_objects(_settings(amazon)) as objects:
        yield objects


async def _rules(client: "S3Client", bucket: str) -> dict[str, Any]:
    found = await client.get_bucket_lifecycle_configuration(Bucket=bucket)
    return {rule["ID"]: rule for rule in found["Rules"]}


async def test_originals_get_cold(amazon: S3) -> None:
    """Originals move to infrequent access and the instant archive, renditions stay, abandoned parts expire."""
    async with s3_client(amazon) as client:
        for _ in range(2):
            assert set_up(_settings(amazon))
        rules = await _rules(client, amazon.bucket)
    cold_rule, abandoned = rules["lensfeed-originals-get-cold"], rules["lensfeed-abandoned-uploads"]
    assert cold_rule["Filter"] == {"Prefix": "o/"}
    assert [(each["Days"], each["StorageClass"]) for each in cold_rule["Transitions"]] == [
        (90, "STANDARD_IA"),
        (365, "GLACIER_IR"),
    ]
    assert abandoned["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    # No rule ever deletes whole objects.
    assert not any("Expiration" in rule for rule in rules.values())
    assert {rule["Status"] for rule in rules.values()} == {"Enabled"}


async def test_other_rules_stay(amazon: S3) -> None:
    """The bucket owner's rules are kept, and ours replace their older versions."""
    own: Any = {"ID": "own", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 7}}
    old: Any = {
        "ID": "lensfeed-originals-get-cold",
        "Status": "Enabled",
        "Filter": {"Prefix": "o/"},
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
    }
    async with s3_client(amazon) as client:
        await client.put_bucket_lifecycle_configuration(
            Bucket=amazon.bucket, LifecycleConfiguration={"Rules": [own, old]}
        )
        set_up(_settings(amazon))
        rules = await _rules(client, amazon.bucket)
        assert set(rules) == {"own", "lensfeed-originals-get-cold", "lensfeed-abandoned-uploads"}
        assert rules["own"]["Expiration"]["Days"] == 7
        assert len(rules["lensfeed-originals-get-cold"]["Transitions"]) == 2
        await client.delete_bucket_lifecycle(Bucket=amazon.bucket)


async def test_s3_without_storage_classes(s3: S3) -> None:
    """SeaweedFS has no storage classes: that is reported, and abandoned parts expire all the same."""
    async with s3_client(s3) as client:
        assert not set_up(_settings(s3))
        assert list(await _rules(client, s3.bucket)) == ["lensfeed-abandoned-uploads"]


async def test_public_access_of_earlier_versions_ends(s3: S3) -> None:
    """Renditions that an earlier version made public are private once the bucket is set up again."""
    key = f"m/{PublicId(new_id(), new_user())}/a.jpg"
    async with s3_client(s3) as client, httpx.AsyncClient(base_url=f"{s3.endpoint_url}/{s3.bucket}") as anyone:
        await client.put_object(Bucket=s3.bucket, Key=key, Body=b"bytes")
        await client.put_bucket_policy(Bucket=s3.bucket, Policy=_policy(_public_read(s3)))
        assert (await anyone.get(f"/{key}")).status_code == 200
        for _ in range(2):
            set_up(_settings(s3))
            assert (await anyone.get(f"/{key}")).status_code == 403


async def test_other_statements_of_the_policy_stay(amazon: S3) -> None:
    """Only our statement is removed from the bucket owner's policy."""
    own = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{amazon.bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    async with s3_client(amazon) as client:
        await client.put_bucket_policy(Bucket=amazon.bucket, Policy=_policy(own, _public_read(amazon)))
        for _ in range(2):
            set_up(_settings(amazon))
            found = await client.get_bucket_policy(Bucket=amazon.bucket)
            assert json.loads(found["Policy"])["Statement"] == [own]
        await client.delete_bucket_policy(Bucket=amazon.bucket)


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _public_read(s3: S3) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": "*",
        "Action": ["s3:GetObject"],
        "Resource": [f"arn:aws:s3:::{s3.bucket}/m/*"],
    }


async def test_original_in_an_archive(amazon: S3, cold: S3Objects, tmp_path: Path) -> None:
    """An archived original is requested on demand, and can be read once it is restored."""
    async with s3_client(amazon) as client:
        await client.put_object(Bucket=amazon.bucket, Key="o/one/etag", Body=b"original", StorageClass="DEEP_ARCHIVE")
        with pytest.raises(UnavailableError):
            await cold.download("o/one/etag", tmp_path / "original")
        assert not (tmp_path / "original").exists()
        assert "Restore" in await client.head_object(Bucket=amazon.bucket, Key="o/one/etag")
        assert await cold.download("o/one/etag", tmp_path / "original")
        assert (tmp_path / "original").read_bytes() == b"original"
    assert not await cold.download("o/none/etag", tmp_path / "none")


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "GLACIER_IR"])
async def test_original_in_the_classes_of_the_rule(
    amazon: S3, cold: S3Objects, tmp_path: Path, storage_class: Any
) -> None:
    """Originals in the storage classes of our rule can be read at once."""
    async with s3_client(amazon) as client:
        await client.put_object(Bucket=amazon.bucket, Key="o/two/etag", Body=b"x", StorageClass=storage_class)
    assert await cold.download("o/two/etag", tmp_path / "original")


async def test_cache_control_changes_in_place(s3: S3) -> None:
    """Cache-Control changes in place with the same bytes, type and name; mutable and missing files are left alone."""
    folder, hot = f"m/{PublicId(new_id(), new_user())}", cache_control(CacheClass.HOT)
    picture, playlist = f"{folder}/a.avif", f"{folder}/master.m3u8"
    async with open_objects(_settings(s3)) as objects, s3_client(s3) as client:
        await objects.put(picture, b"picture", "image/avif", cache_control(CacheClass.COLD))
        await objects.put(playlist, b"#EXTM3U", "application/vnd.apple.mpegurl", "public, max-age=15")
        assert await objects.list_keys(f"{folder}/") == [picture, playlist]
        assert [await objects.recache(key, hot) for key in (picture, picture, playlist, f"{folder}/no")] == [
            *(True, False, False, False),
        ]
        found = await client.get_object(Bucket=s3.bucket, Key=picture)
        assert (found["CacheControl"], found["ContentType"]) == (hot, "image/avif")
        assert await found["Body"].read() == b"picture"
        kept = await client.head_object(Bucket=s3.bucket, Key=playlist)
        assert kept["CacheControl"] == "public, max-age=15"
    assert f"{folder}/no" not in await _keys(s3, folder)


async def _keys(s3: S3, prefix: str) -> list[str]:
    async with s3_client(s3) as client:
        return [each["Key"] for each in (await client.list_objects_v2(Bucket=s3.bucket, Prefix=prefix))["Contents"]]
