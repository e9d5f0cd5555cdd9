"""The errors of the social graph."""

from meshkit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError


class FollowLimitError(FailedPreconditionError):
    """The follower already follows the maximum number of accounts."""

    def __init__(self, limit: int) -> None:
        super().__init__("FOLLOW_LIMIT", f"an account can follow at most {limit:,} others")


class BlockLimitError(FailedPreconditionError):
    """The account already blocks the maximum number of accounts."""

    def __init__(self, limit: int) -> None:
        super().__init__("BLOCK_LIMIT", f"an account can block at most {limit:,} others")


class NotFollowingError(FailedPreconditionError):
    """An account can only mute those that it follows."""

    def __init__(self) -> None:
        super().__init__("NOT_FOLLOWING", "only an account that you follow can be muted")


class UserNotFoundError(NotFoundError):
    """No account has this id."""

    def __init__(self) -> None:
        super().__init__("USER_NOT_FOUND", "there is no such account")


def self_follow() -> InvalidArgumentError:
    """Return the error for an account that tries to follow itself."""
    return InvalidArgumentError.of_field("followee_id", "SELF_FOLLOW", "an account cannot follow itself")


def self_block() -> InvalidArgumentError:
    """Return the error for an account that tries to block itself."""
    return InvalidArgumentError.of_field("user_id", "SELF_BLOCK", "an account cannot block itself")


def invalid_page_token() -> InvalidArgumentError:
    """Return the error for a page token that no page returned."""
    return InvalidArgumentError.of_field(
        "page_token", "PAGE_TOKEN_INVALID", "the page token does not belong to this list"
    )
