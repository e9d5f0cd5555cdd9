"""Sign up."""

from collections.abc import Callable

import structlog

from meshkit.errors import AlreadyExistsError
from meshkit.ids import id_millis, new_id
from user_svc.accounts.passwords import Passwords
from user_svc.model import Account, User, check_display_name
from user_svc.store import UserStore

_log = structlog.get_logger()


class CreateUser:
    """Creates accounts. If several callers want one handle at once, one gets it."""

    def __init__(self, store: UserStore, passwords: Passwords, make_id: Callable[[], int] = new_id) -> None:
        self._store = store
        self._passwords = passwords
        self._make_id = make_id

    async def __call__(self, handle: str, display_name: str, password: str) -> User:
        """Create an account and return it. The contract has already checked the handle and the password.

        Raises InvalidArgumentError (FIELD_INVALID) for the name, AlreadyExistsError (HANDLE_TAKEN).
        """
        check_display_name(display_name)
        # Only saves work: the claim below decides.
        if await self._store.get_handle_owner(handle) is not None:
            raise _handle_taken()
        user = await self._add(handle, display_name, await self._passwords.hash(password))
        if await self._store.claim_handle(handle, user.user_id) != user.user_id:
            await self._store.remove_account(user.user_id)
            raise _handle_taken()
        _log.info("user_created", user_id=user.user_id)
        return user

    async def _add(self, handle: str, display_name: str, password_hash: str) -> User:
        """Add the account under an unused id. Two accounts of one millisecond collide once in four million times."""
        while True:
            user_id = self._make_id()
            user = User(user_id, handle, display_name, created_at=id_millis(user_id))
            if await self._store.add_account(Account(user, password_hash)):
                return user


def _handle_taken() -> AlreadyExistsError:
    return AlreadyExistsError("HANDLE_TAKEN", "the handle is taken")
