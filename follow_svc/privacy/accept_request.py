"""Accept a follow request."""

import time

from follow_svc.errors import RequestNotFoundError
from follow_svc.events import follow_created
from follow_svc.model import Follow
from follow_svc.ports import Announce
from follow_svc.store.port import FollowStore
from meshkit.telemetry.catalog import FOLLOW_REQUESTS


class AcceptRequest:
    """Turns a request into a follow. A repeated call returns the follow and changes nothing."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce
        self._requests = FOLLOW_REQUESTS.create()

    async def __call__(self, user_id: int, follower_id: int) -> Follow:
        """Return the follow. Raises RequestNotFoundError if the other account neither asks for it nor follows."""
        record = follow_created(follower_id, user_id)
        accepted = await self._store.accept_request(follower_id, user_id, time.time_ns() // 1_000_000, [record])
        if accepted is None:
            raise RequestNotFoundError
        if accepted.is_new:
            self._announce.send_soon(record)
            self._requests.add(1, {"outcome": "accepted"})
        return accepted.follow
