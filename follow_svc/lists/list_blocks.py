"""List the accounts that an account blocks."""

from typing import Generic

from follow_svc.lists.cursors import ListCursors
from follow_svc.lists.pages import AccountPage, cut_page
from follow_svc.ports import AccountT, Users
from follow_svc.sight import Block
from follow_svc.store.port import FollowStore
from meshkit.cursors import Cursors
from meshkit.paging import clamp_limit
from meshkit.sight import Gate


class ListBlocks(Generic[AccountT]):
    """Lists a viewer's own blocks, the latest first."""

    def __init__(self, store: FollowStore, users: Users[AccountT], cursors: Cursors, gate: Gate) -> None:
        self._store = store
        self._gate = gate
        self._users = users
        self._cursors = ListCursors(cursors, numbers=2)

    async def __call__(self, viewer_id: int, cursor: str, limit: int) -> AccountPage[AccountT]:
        """Return a page. Deleted accounts are left out, so a page may be short or empty before the end.

        Raises InvalidArgumentError (CURSOR_INVALID).
        """
        before = Block(*self._cursors.decode(viewer_id, viewer_id, cursor)) if cursor else None
        size = clamp_limit(limit)
        page, last = cut_page(await self._store.list_blocks(viewer_id, before, size + 1), size)
        accounts = await self._users.get_users([block.user_id for block in page]) if page else []
        return AccountPage(self._gate.own(accounts), last and self._cursors.encode(viewer_id, viewer_id, last))
