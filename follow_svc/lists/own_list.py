"""What lists of a viewer's own marks, such as mutes and blocks, have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic

from follow_svc.lists.cursors import ListCursors
from follow_svc.lists.pages import AccountPage, cut_page
from follow_svc.ports import AccountT, Users
from follow_svc.store.port import FollowStore
from meshkit.cursors import Cursors
from meshkit.paging import clamp_limit
from meshkit.sight import Gate, Seen

# When an account was marked, in milliseconds since 1970, and its id. A list is in descending order.
Mark = tuple[int, int]


class OwnList(ABC, Generic[AccountT]):
    """Lists accounts that a viewer has marked, the latest first."""

    def __init__(self, store: FollowStore, users: Users[AccountT], cursors: Cursors, gate: Gate) -> None:
        self._store = store
        self._gate = gate
        self._users = users
        self._cursors = ListCursors(cursors, numbers=2)

    async def __call__(self, viewer_id: int, cursor: str, limit: int) -> AccountPage[AccountT]:
        """Return a page. Deleted accounts are left out, so a page may be short or empty before the end.

        Raises InvalidArgumentError (CURSOR_INVALID).
        """
        before = self._cursors.decode(viewer_id, viewer_id, cursor) if cursor else None
        size = clamp_limit(limit)
        page, last = cut_page(await self._read(viewer_id, before, size + 1), size)
        accounts = await self._users.get_users([user_id for _, user_id in page]) if page else []
        seen = await self._see(viewer_id, accounts)
        return AccountPage(seen, last and self._cursors.encode(viewer_id, viewer_id, last))

    @abstractmethod
    async def _read(self, viewer_id: int, before: Sequence[int] | None, limit: int) -> Sequence[Mark]:
        """Read marks before another one (None: from the latest), at most `limit`."""

    @abstractmethod
    async def _see(self, viewer_id: int, accounts: Sequence[AccountT]) -> list[Seen[AccountT]]:
        """Leave out accounts that the viewer may not see in this list."""
