"""Tests of what every store of media promises about the bytes of an owner."""

import asyncio
from dataclasses import replace

import pytest

from media_svc.errors import StorageQuotaError
from media_svc.model import Media, MediaKind, MediaState
from media_svc.store.port import MediaStore
from meshkit.ids import MAX_ID, PublicId, new_id
from meshkit.service_settings import ServiceSettings
from tests.media_svc.media_app import new_user
from tests.media_svc.media_stores import OpenStore, open_store

MINUTE = 50_000_000
QUOTA = 500


@pytest.fixture
def store(opened: OpenStore) -> MediaStore:
    """Provide the store under test."""
    return opened.media


def _media(owner: int, size: int = 100) -> Media:
    media_id = PublicId(new_id(), owner)
    return Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", size, "")


async def _add(store: MediaStore, media: Media, quota: int | None = QUOTA) -> bool | StorageQuotaError:
    try:
        return await store.add_media(media, MINUTE, quota)
    except StorageQuotaError as error:
        return error


async def test_bytes_are_counted_until_they_are_dropped(store: MediaStore) -> None:
    """Each medium counts once, however often it is added or dropped, and for its owner only."""
    owner, other = new_user(), new_user()
    first, second = _media(owner), _media(owner, 40)
    assert await store.used_bytes(owner) == 0
    assert [await store.add_media(each, MINUTE) for each in (first, second, first, _media(other, 7))] == [
        *(True, True, False, True),
    ]
    assert (await store.used_bytes(owner), await store.used_bytes(other)) == (140, 7)
    for _ in range(2):
        await store.drop_bytes(first.media_id)
        assert await store.used_bytes(owner) == 40
    await store.drop_bytes(PublicId(new_id(), owner))
    await store.drop_bytes(PublicId(new_id(), new_user()))
    assert (await store.used_bytes(owner), await store.used_bytes(other)) == (40, 7)


async def test_the_quota_holds_for_uploads_at_once(store: MediaStore) -> None:
    """Of concurrent uploads exactly those that fit are added, and a refused one leaves nothing."""
    owner = new_user()
    media = [_media(owner) for _ in range(8)]
    added = await asyncio.gather(*(_add(store, each) for each in media))
    assert added.count(True) == 5
    assert await store.used_bytes(owner) == QUOTA
    assert len(await store.get_media([each.media_id for each in media])) == 5
    [refused, *_] = [each for each in added if isinstance(each, StorageQuotaError)]
    assert refused.reason == "STORAGE_QUOTA"
    assert refused.message == "the file has 100 bytes, but only 0 of your 500 are free; delete posts first"


async def test_what_was_dropped_can_be_used_again(store: MediaStore) -> None:
    """Dropping and adding at once never loses or invents a byte."""
    owner = new_user()
    old = [_media(owner) for _ in range(5)]
    assert [await _add(store, each) for each in old] == [True] * 5
    assert isinstance(await _add(store, _media(owner, 1)), StorageQuotaError)
    new = [_media(owner) for _ in range(4)]
    outcomes = await asyncio.gather(
        *(store.drop_bytes(each.media_id) for each in (*old, *old[:2])), *(_add(store, each) for each in new)
    )
    assert await store.used_bytes(owner) == 100 * outcomes.count(True)


async def test_a_repeat_fits_where_its_first_call_fitted(store: MediaStore) -> None:
    """A call that is repeated when the quota is used up finds its own medium."""
    owner = new_user()
    media = _media(owner, QUOTA)
    assert await _add(store, media) is True
    assert await _add(store, media) is False
    assert await store.used_bytes(owner) == QUOTA


async def test_a_lower_quota(store: MediaStore) -> None:
    """Whoever has more than a quota that was lowered keeps it and adds nothing."""
    owner = new_user()
    assert await _add(store, _media(owner, 9 * QUOTA), None) is True
    refused = await _add(store, _media(owner, 1))
    assert isinstance(refused, StorageQuotaError)
    assert "only 0 of your 500 are free" in refused.message
    assert await _add(store, _media(owner, 1), None) is True


async def test_extreme_owners(store: MediaStore) -> None:
    """Ids and sizes may be the largest."""
    media = replace(_media(0, 4_000_000_000), media_id=PublicId(MAX_ID, MAX_ID - 1))
    assert await store.add_media(media, MINUTE)
    assert await store.used_bytes(MAX_ID - 1) == 4_000_000_000
    await store.drop_bytes(media.media_id)
    assert await store.used_bytes(MAX_ID - 1) == 0


async def test_two_processes(store: MediaStore, store_settings: ServiceSettings) -> None:
    """Processes count together."""
    owner = new_user()
    async with open_store(store_settings) as other:
        added = await asyncio.gather(
            *(_add(each, _media(owner)) for each in (store, other.media) for _ in range(4)),
        )
        assert added.count(True) == 5
        assert await other.media.used_bytes(owner) == await store.used_bytes(owner) == QUOTA
