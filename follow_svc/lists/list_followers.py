"""List the followers of an account."""

from typing import Generic

from follow_svc.accounts import members_of
from follow_svc.errors import UserNotFoundError
from follow_svc.lists.cursors import ListCursors
from follow_svc.lists.pages import AccountPage, cut_page, id_of
from follow_svc.model import Follower
from follow_svc.ports import AccountT, Users
from follow_svc.store.port import FollowStore
from meshkit.cursors import Cursors
from meshkit.paging import clamp_limit
from meshkit.sight import Gate


class ListFollowers(Generic[AccountT]):
    """Lists followers in a stable order: by bucket, then by ascending id."""

    def __init__(self, store: FollowStore, users: Users[AccountT], cursors: Cursors, gate: Gate) -> None:
        self._store = store
        self._gate = gate
        self._users = users
        self._cursors = ListCursors(cursors, numbers=2)

    async def __call__(self, viewer_id: int, owner_id: int, cursor: str, limit: int) -> AccountPage[AccountT]:
        """Return a page without deleted accounts and those hidden from the viewer. It may be short or empty before the end.

        Raises InvalidArgumentError (CURSOR_INVALID), UserNotFoundError and UserBlockedError.
        """
        after = Follower.at(self._cursors.decode(viewer_id, owner_id, cursor)) if cursor else None
        size = clamp_limit(limit)
        page, last = cut_page(await self._store.list_followers(owner_id, after, size + 1), size)
        await self._gate.check(viewer_id, owner_id, UserNotFoundError)
        members = await members_of(self._users, owner_id, [follower.follower_id for follower in page])
        accounts = await self._gate.listed(viewer_id, members, id_of)
        return AccountPage(accounts, last and self._cursors.encode(viewer_id, owner_id, last.place))
