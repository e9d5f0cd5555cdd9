"""List the accounts that an account blocks."""

from collections.abc import Sequence

from follow_svc.lists.own_list import Mark, OwnList
from follow_svc.ports import AccountT
from follow_svc.sight import Block
from meshkit.sight import Seen


class ListBlocks(OwnList[AccountT]):
    """Lists a viewer's own blocks, also of accounts that block the viewer, so that they can be unblocked."""

    async def _read(self, viewer_id: int, before: Sequence[int] | None, limit: int) -> Sequence[Mark]:
        return await self._store.list_blocks(viewer_id, Block(*before) if before else None, limit)

    async def _see(self, viewer_id: int, accounts: Sequence[AccountT]) -> list[Seen[AccountT]]:  # noqa: ARG002 - all are shown
        return self._gate.own(accounts)
