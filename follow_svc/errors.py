"""What the social graph refuses."""

from meshkit.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError


class FollowLimitError(FailedPreconditionError):
    """The follower follows as many accounts as one may."""

    def __init__(self, limit: int) -> None:
        super().__init__("FOLLOW_LIMIT", f"an account follows at most {limit:,} others")


class UserNotFoundError(NotFoundError):
    """There is no account with this id."""

    def __init__(self) -> None:
        super().__init__("USER_NOT_FOUND", "there is no such account")


def self_follow() -> InvalidArgumentError:
    """Make the error of an account that would follow itself."""
    return InvalidArgumentError.of_field("followee_id", "SELF_FOLLOW", "an account cannot follow itself")


def invalid_page_token() -> InvalidArgumentError:
    """Make the error of a page token that no page gave."""
    return InvalidArgumentError.of_field("page_token", "PAGE_TOKEN_INVALID", "the page token is not one of this list")
