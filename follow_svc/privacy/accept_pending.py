"""Accept the requests of an account that has become public."""

import asyncio
import time

from follow_svc.events import accept_chunk, follow_created
from follow_svc.model import FollowRequest
from follow_svc.ports import Announce
from follow_svc.sight import Standing, Visibility
from follow_svc.store.port import FollowStore
from meshkit.telemetry.catalog import FOLLOW_REQUESTS

# How many requests one event accepts, and how many at once. A handler has ten seconds.
CHUNK = 200
CONCURRENCY = 16


class AcceptPending:
    """Accepts requests in chunks, the latest first. Each chunk sends the event of the next one, so a crash delays it only."""

    def __init__(self, store: FollowStore, announce: Announce, chunk: int = CHUNK) -> None:
        self._store = store
        self._announce = announce
        self._chunk = chunk
        self._requests = FOLLOW_REQUESTS.create()

    async def __call__(self, user_id: int) -> None:
        """Accept the next requests of an account if it is public."""
        found = await self._store.list_requests(user_id, None, self._chunk + 1)
        # Read after the requests: all of them were there while the account was public.
        if not found or not await self._is_public(user_id):
            return
        turn = asyncio.Semaphore(CONCURRENCY)

        async def in_turn(request: FollowRequest) -> bool:
            async with turn:
                return await self._accept(user_id, request)

        accepted = await asyncio.gather(*map(in_turn, found[: self._chunk]))
        # Without progress the next chunk would be the same one.
        if len(found) > self._chunk and any(accepted):
            record = accept_chunk(user_id)
            await self._store.write_events([record])
            self._announce.send_soon(record)

    async def one(self, follower_id: int, followee_id: int) -> None:
        """Accept the request of a pair if the followee is public: it became so while the request was written."""
        request = await self._store.get_request(follower_id, followee_id)
        if request is not None and await self._is_public(followee_id):
            await self._accept(followee_id, request)

    async def _accept(self, user_id: int, request: FollowRequest) -> bool:
        record = follow_created(request.follower_id, user_id)
        now_ms = time.time_ns() // 1_000_000
        accepted = await self._store.accept_request(
            request.follower_id, user_id, now_ms, [record], request.requested_ms
        )
        if accepted is None or not accepted.is_new:
            return False
        self._announce.send_soon(record)
        self._requests.add(1, {"outcome": "accepted"})
        return True

    async def _is_public(self, user_id: int) -> bool:
        standing = (await self._store.get_standings([user_id])).get(user_id, Standing())
        return standing.visibility is Visibility.PUBLIC
