"""Log in."""

from user_svc.accounts.passwords import Passwords, wrong_credentials
from user_svc.model import Account
from user_svc.sessions.find_account import find_account
from user_svc.sessions.guesses import Guesses
from user_svc.sessions.open_session import OpenSession, SessionOpener
from user_svc.sessions.origins import Origin
from user_svc.store import UserStore


class CreateSession:
    """Opens sessions. Every failure takes the same steps and returns the same words as a wrong password."""

    def __init__(self, store: UserStore, passwords: Passwords, guesses: Guesses, open_session: SessionOpener) -> None:
        self._store = store
        self._passwords = passwords
        self._guesses = guesses
        self._open_session = open_session

    async def __call__(self, handle: str, password: str, origin: Origin | None = None) -> OpenSession:
        """Open a session if the password is right.

        Raises UnauthenticatedError (CREDENTIALS_INVALID), or ResourceExhaustedError (RATE_LIMITED) after too many failures.
        """
        network = (origin or Origin()).network
        account = await find_account(self._store, handle)
        counted = await self._guesses.begin(handle, account, network)
        is_right = await self._passwords.verify(None if account is None else account.password_hash, password)
        if account is None or not is_right:
            raise wrong_credentials()
        await self._guesses.succeed(counted)
        await self._renew_hash(account, password)
        return await self._open_session(account, origin or Origin())

    async def _renew_hash(self, account: Account, password: str) -> None:
        if self._passwords.is_outdated(account.password_hash):
            renewed = await self._passwords.hash(password)
            await self._store.replace_password_hash(account.user.user_id, account.password_hash, renewed)
