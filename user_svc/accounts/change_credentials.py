"""Change what proves who owns an account, for somebody who knows the password."""

from collections.abc import Callable

from meshkit.errors import UnavailableError
from user_svc.accounts.passwords import Passwords, wrong_credentials
from user_svc.model import Account
from user_svc.store import UserStore

# Each lost race means that another call changed the account. More only happen in a cluster that confirms nothing.
MAX_TRIES = 8


class ChangeCredentials:
    """Changes an account's credentials by compare-and-set."""

    def __init__(self, store: UserStore, passwords: Passwords) -> None:
        self._store = store
        self._passwords = passwords

    async def __call__(self, user_id: int, password: str, change: Callable[[Account], Account]) -> None:
        """Apply `change` if the password is right. Raises UnauthenticatedError (CREDENTIALS_INVALID).

        Another call may renew the hash or the recovery codes meanwhile: then the change is applied to the newer account. If the
        password itself was changed meanwhile, `password` is no longer right.
        """
        account = await self._store.get_account(user_id)
        is_right = await self._passwords.verify(None if account is None else account.password_hash, password)
        if account is None or not is_right:
            raise wrong_credentials()
        for _ in range(MAX_TRIES):
            if await self._store.replace_credentials(account, change(account)):
                return
            latest = await self._store.get_account(user_id)
            if latest is None or latest.password_version != account.password_version:
                raise wrong_credentials()
            account = latest
        raise UnavailableError
