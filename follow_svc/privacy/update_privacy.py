"""Make an account private or public."""

from follow_svc.events import privacy_changed
from follow_svc.ports import Announce
from follow_svc.sight import Visibility
from follow_svc.store.port import FollowStore


class UpdatePrivacy:
    """Sets who sees an account. Followers stay; the event of a public account accepts its requests. Repeats change nothing."""

    def __init__(self, store: FollowStore, announce: Announce) -> None:
        self._store = store
        self._announce = announce

    async def __call__(self, user_id: int, visibility: Visibility) -> None:
        """Make the account private or public."""
        records = await self._store.set_visibility(
            user_id, visibility, lambda version: [privacy_changed(user_id, visibility, version)]
        )
        self._announce.send_soon(*records)
