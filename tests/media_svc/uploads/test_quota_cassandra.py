"""Bytes that Cassandra counted before a process died. SQLite counts and adds in one transaction."""

import pytest

from media_svc.check_schedule import MINUTE_MS, URLS_EXPIRED_AGE, first_check
from media_svc.model import Media, MediaKind, MediaState
from media_svc.store.cassandra_bytes import StoredBytes
from meshkit.cassandra import Cassandra
from meshkit.ids import PublicId, new_id
from tests.media_svc.conftest import Parts
from tests.media_svc.media_app import new_user

STORES = ("cassandra",)


@pytest.mark.usefixtures("fresh_plans")
async def test_a_start_that_died(parts: Parts, keyspace: Cassandra) -> None:
    """Bytes that were counted for a medium that was never added are dropped once its URLs would have expired."""
    owner = new_user()
    media_id = PublicId(new_id(), owner)
    media = Media(media_id, MediaState.AWAITING_UPLOAD, MediaKind.PHOTO, "image/png", 100, "")
    await parts.store.plan_check(first_check(media), media_id)
    await StoredBytes(keyspace).add(media, None)  # where the process dies
    await parts.sweeper.sweep(media.created_ms + 2 * MINUTE_MS)
    assert await parts.store.used_bytes(owner) == 100
    await parts.sweeper.sweep(media.created_ms + (URLS_EXPIRED_AGE + 2) * MINUTE_MS)
    assert await parts.store.used_bytes(owner) == 0
