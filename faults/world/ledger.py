"""What people did, as their apps know it: acknowledged, failed, or unknown."""

import enum
from collections import Counter
from dataclasses import dataclass, field


class Known(enum.Enum):
    """What an app knows of a change."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass
class Post:
    """A post. Its caption is its own in the whole run, so that it is found even if its id was never answered."""

    author: int
    caption: str
    created: Known
    post_id: str = ""
    deleted: Known = Known.FAILED
    """Failed as long as nobody deleted it."""
    is_lasting: bool = False
    """Whether nobody deletes it. A photo leaves with its last post, and its author posts it again and again."""

    @property
    def must_be_seen(self) -> bool:
        """Whether it was acknowledged, and nobody tried to delete it."""
        return self.created is Known.OK and self.deleted is Known.FAILED

    @property
    def must_not_be_seen(self) -> bool:
        """Whether its creation failed, or its deletion was acknowledged."""
        return self.created is Known.FAILED or self.deleted is Known.OK


@dataclass
class Ledger:
    """All changes of a run."""

    posts: dict[str, Post] = field(default_factory=dict)
    """By caption."""
    follows: dict[tuple[int, int], bool | None] = field(default_factory=dict)
    """Whether a follower follows an author, by their places; None if that is unknown."""
    follow_changes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """How often somebody has followed an author or ended that."""
    counts: Counter[str] = field(default_factory=Counter)
    """How many changes of each kind had which outcome: `post ok`, `unfollow unknown`."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why changes were not acknowledged."""

    def note(self, kind: str, known: Known, reason: str) -> None:
        """Count a change."""
        self.counts[f"{kind} {known.value}"] += 1
        if known is not Known.OK:
            self.reasons[f"{kind}: {reason}"] += 1

    @property
    def acknowledged(self) -> int:
        """How many changes were acknowledged."""
        return sum(count for name, count in self.counts.items() if name.endswith(Known.OK.value))

    def followees(self, follower: int) -> dict[int, bool | None]:
        """Return whom somebody follows, or may follow."""
        return {author: state for (who, author), state in self.follows.items() if who == follower}
