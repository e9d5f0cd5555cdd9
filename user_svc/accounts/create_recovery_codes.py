"""Create recovery codes."""

from dataclasses import replace

from user_svc.accounts.change_credentials import ChangeCredentials
from user_svc.accounts.recovery_codes import code_hash, new_codes


class CreateRecoveryCodes:
    """Replaces an account's recovery codes."""

    def __init__(self, change_credentials: ChangeCredentials) -> None:
        self._change_credentials = change_credentials

    async def __call__(self, user_id: int, password: str) -> list[str]:
        """Return ten new codes; earlier ones stop working. Raises UnauthenticatedError (CREDENTIALS_INVALID)."""
        codes = new_codes()
        recovery = {code_hash(each): 0 for each in codes}
        await self._change_credentials(user_id, password, lambda account: replace(account, recovery=recovery))
        return codes
