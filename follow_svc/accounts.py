"""Account look-ups that the use cases share."""

from collections.abc import Sequence

from follow_svc.errors import UserNotFoundError
from follow_svc.ports import Account, AccountT, Users


async def require_account(users: Users[Account], user_id: int) -> None:
    """Return if the account exists. Raises UserNotFoundError."""
    if not await users.get_users([user_id]):
        raise UserNotFoundError


async def members_of(users: Users[AccountT], owner_id: int, member_ids: Sequence[int]) -> Sequence[AccountT]:
    """Return the accounts on a page of `owner_id`'s list, in order. Deleted accounts are left out.

    One call asks for the owner and the members. Raises UserNotFoundError if the owner does not exist.
    """
    found = await users.get_users([owner_id, *member_ids])
    if not found or found[0].user_id != owner_id:
        raise UserNotFoundError
    return found[1:]
