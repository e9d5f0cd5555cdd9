"""The settings of feed_svc."""

from pydantic import Field

from meshkit.grpc.server import ServerSettings
from meshkit.service_settings import CursorKeySettings, RedisSettings, WorkerSettings


class PeerSettings(ServerSettings):
    """Where the other services are."""

    follow_addr: str = "127.0.0.1:50052"
    """Where follow_svc is."""
    post_addr: str = "127.0.0.1:50053"
    """Where post_svc is."""
    user_addr: str = "127.0.0.1:50051"
    """Where user_svc is."""


class TimelineSettings(PeerSettings, RedisSettings):
    """How timelines are kept. All processes of feed_svc need the same values."""

    timeline_days: int = 14
    """A home timeline that nobody reads for this long leaves Redis. The next read rebuilds it."""
    celebrity_followers: int = Field(default=100_000, ge=1)
    """An author with this many followers becomes a celebrity, and stops being one below nine tenths of it."""
    celebrity_grace_seconds: float = Field(default=600, ge=0)
    """How long a new celebrity's posts are still pushed; readers learn of the celebrity within half of it.

    All processes need the same value. Raise it in `work` first, lower it in `serve` first."""

    @property
    def timeline_ttl_seconds(self) -> int:
        """The time to live of a timeline."""
        return self.timeline_days * 24 * 60 * 60

    @property
    def celebrity_grace_ms(self) -> int:
        """The grace period."""
        return round(self.celebrity_grace_seconds * 1_000)


class FeedSettings(TimelineSettings, CursorKeySettings):
    """What `serve` needs."""

    media_addr: str = "127.0.0.1:50054"
    """Where media_svc is."""
    card_memory_mib: int = Field(default=64, ge=0)
    """How much of its own memory each process may use for cards, so that it asks Redis less often. 0 turns this off."""
    card_json_mib: int = Field(default=64, ge=0)
    """How much more memory each process may use for cards as JSON, of which pages in REST are made. 0 makes them at each read."""


class WorkSettings(TimelineSettings, WorkerSettings):
    """The settings of `work`."""

    drift_sample_seconds: float = Field(default=1, ge=0)
    """How often a worker compares one live timeline with the store, and rebuilds it where they differ. 0 turns this off."""
