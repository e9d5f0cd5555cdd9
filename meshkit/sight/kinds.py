"""What a viewer may see of an account."""

from enum import Enum


class SightKind(Enum):
    """What a viewer may see of an account. The values are those of the contract."""

    SEES = 1
    """Everything."""
    PRIVATE = 2
    """The profile and the counts: the account is private, and the viewer does not follow it."""
    BLOCKING = 3
    """The profile, to unblock it: the viewer blocks the account."""
    HIDDEN = 4
    """Nothing, as if the account did not exist: it blocks the viewer or is closed."""
