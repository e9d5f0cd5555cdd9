"""The errors of callers who may see an account, but not what they ask for."""

from meshkit.errors import PermissionDeniedError


class UserBlockedError(PermissionDeniedError):
    """The caller blocks the account."""

    def __init__(self) -> None:
        super().__init__("USER_BLOCKED", "you have blocked this account")


class AccountPrivateError(PermissionDeniedError):
    """The account is private, and the caller does not follow it."""

    def __init__(self) -> None:
        super().__init__("ACCOUNT_PRIVATE", "the account is private: only its followers see this")
