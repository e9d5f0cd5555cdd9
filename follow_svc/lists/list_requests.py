"""List the accounts that ask to follow an account."""

from collections.abc import Sequence

from follow_svc.lists.own_list import Mark, OwnList
from follow_svc.lists.pages import id_of
from follow_svc.model import FollowRequest
from follow_svc.ports import AccountT
from meshkit.sight import Seen


class ListRequests(OwnList[AccountT]):
    """Lists the requests to a viewer."""

    async def _read(self, viewer_id: int, before: Sequence[int] | None, limit: int) -> Sequence[Mark]:
        return await self._store.list_requests(viewer_id, FollowRequest(*before) if before else None, limit)

    async def _see(self, viewer_id: int, accounts: Sequence[AccountT]) -> list[Seen[AccountT]]:
        return await self._gate.listed(viewer_id, accounts, id_of)
