"""Find the account that somebody wants to log in to."""

from user_svc.model import Account, handle_of
from user_svc.store import UserStore

# Ids are times, so no account has this one.
_UNUSED_ID = 0


async def find_account(store: UserStore, handle: str) -> Account | None:
    """Return the account that owns a handle, in any case. Costs the same whether or not there is one."""
    name = handle_of(handle)
    owner = None if name is None else await store.get_handle_owner(name)
    return await store.get_account(_UNUSED_ID if owner is None else owner)
