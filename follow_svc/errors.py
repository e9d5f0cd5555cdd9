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


class RequestsFullError(FailedPreconditionError):
    """The followee already has the maximum number of requests."""

    def __init__(self, limit: int) -> None:
        super().__init__("FOLLOW_REQUESTS_FULL", f"an account can have at most {limit:,} follow requests")


class RequestNotFoundError(NotFoundError):
    """The account does not ask for a follow."""

    def __init__(self) -> None:
        super().__init__("REQUEST_NOT_FOUND", "there is no such follow request")


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
