"""Read accounts."""

from collections.abc import Sequence

from meshkit.errors import NotFoundError
from user_svc.model import User, handle_of
from user_svc.store import UserStore


class GetUser:
    """Reads accounts by id or by handle."""

    def __init__(self, store: UserStore) -> None:
        self._store = store

    async def by_id(self, user_id: int) -> User:
        """Return an account. Raises NotFoundError (USER_NOT_FOUND)."""
        found = await self._store.get_users([user_id])
        if not found:
            raise unknown_user()
        return found[0]

    async def by_handle(self, handle: str) -> User:
        """Return an account by its handle, in any case. Raises NotFoundError (USER_NOT_FOUND), also for a malformed one."""
        name = handle_of(handle)
        user_id = None if name is None else await self._store.get_handle_owner(name)
        if user_id is None:
            raise unknown_user()
        return await self.by_id(user_id)

    async def by_ids(self, user_ids: Sequence[int]) -> Sequence[User]:
        """Return the accounts that exist, in the order of the request."""
        return await self._store.get_users(user_ids)


def unknown_user() -> NotFoundError:
    """Return the error for an account that does not exist."""
    return NotFoundError("USER_NOT_FOUND", "there is no such user")
