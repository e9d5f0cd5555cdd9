"""Block an account."""

import time

from follow_svc.accounts import require_account
from follow_svc.blocks.end_follows import EndFollows
from follow_svc.errors import UserNotFoundError, self_block
from follow_svc.events import block_created
from follow_svc.ports import Account, Announce, Users
from follow_svc.sight import MAX_BLOCKS
from follow_svc.store.port import FollowStore
from meshkit.sight import Gate


class CreateBlock:
    """Hides two accounts from each other and ends their follows. A repeated call finishes one that was interrupted."""

    def __init__(
        self, store: FollowStore, users: Users[Account], announce: Announce, gate: Gate, end_follows: EndFollows
    ) -> None:
        self._store = store
        self._users = users
        self._announce = announce
        self._gate = gate
        self._end_follows = end_follows

    async def __call__(self, user_id: int, other_id: int) -> None:
        """Block the account. Raises InvalidArgumentError (SELF_BLOCK), UserNotFoundError, and BlockLimitError at MAX_BLOCKS.

        The block is written before the follows end, and a follow is written before its blocks are read. So one of two
        concurrent calls sees the other.
        """
        if user_id == other_id:
            raise self_block()
        stance = (await self._store.get_stances(user_id, [other_id])).get(other_id)
        if stance is None or not stance.blocks:
            await self._block(user_id, other_id)
        await self._end_follows(user_id, other_id)

    async def _block(self, user_id: int, other_id: int) -> None:
        await self._gate.meet(user_id, other_id, UserNotFoundError)
        await require_account(self._users, other_id)
        record = block_created(user_id, other_id)
        if await self._store.block(user_id, other_id, time.time_ns() // 1_000_000, MAX_BLOCKS, [record]):
            self._announce.send_soon(record)
