"""Read accounts."""

from collections.abc import Sequence

from meshkit.errors import NotFoundError
from meshkit.sight import Gate, Seen, of_caller
from user_svc.model import User, handle_of
from user_svc.store import UserStore

# The id that no account has.
_NOBODY = 0


class GetUser:
    """Reads accounts by id or by handle."""

    def __init__(self, store: UserStore, gate: Gate) -> None:
        self._store = store
        self._gate = gate

    async def by_id(self, viewer_id: int, user_id: int) -> Seen[User]:
        """Return an account. Raises NotFoundError (USER_NOT_FOUND), also if the viewer may not see it."""
        return await self._gate.profile(viewer_id, user_id, self._find(user_id), unknown_user)

    async def by_handle(self, viewer_id: int, handle: str) -> Seen[User]:
        """Return an account by its handle, in any case. Raises as `by_id`, also for a malformed handle."""
        name = handle_of(handle)
        user_id = None if name is None else await self._store.get_handle_owner(name)
        # An unknown handle takes the same steps, and so the same time, as that of a hidden account.
        return await self.by_id(viewer_id, _NOBODY if user_id is None else user_id)

    async def own(self, user_id: int) -> Seen[User]:
        """Return the caller's own account. Raises NotFoundError (USER_NOT_FOUND)."""
        found = await self._find(user_id)
        if found is None:
            raise unknown_user()
        return of_caller(found)

    async def by_ids(self, user_ids: Sequence[int]) -> Sequence[User]:
        """Return the accounts that exist, in the order of the request, to another service."""
        return await self._store.get_users(user_ids)

    async def _find(self, user_id: int) -> User | None:
        found = await self._store.get_users([user_id])
        return found[0] if found else None


def unknown_user() -> NotFoundError:
    """Return the error for an account that does not exist."""
    return NotFoundError("USER_NOT_FOUND", "there is no such user")
