"""Find the account that somebody wants to log in to."""

from user_svc.model import Account, is_handle
from user_svc.store import UserStore

# Ids are times, so no account has this one.
_UNUSED_ID = 0


async def find_account(store: UserStore, handle: str) -> Account | None:
    """Return the account that owns a handle. Costs the same whether or not there is one."""
    owner = await store.get_handle_owner(handle) if is_handle(handle) else None
    return await store.get_account(_UNUSED_ID if owner is None else owner)
