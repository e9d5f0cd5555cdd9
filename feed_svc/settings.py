"""The settings of feed_svc."""

from pydantic import Field

from meshkit.grpc.server import ServerSettings
from meshkit.service_settings import CursorKeySettings, RedisSettings, WorkerSettings


class PeerSettings(ServerSettings):
    """Where the other services are."""

    follow_addr: str = "127.0.0.1:50052"
    post_addr: str = "127.0.0.1:50053"
    user_addr: str = "127.0.0.1:50051"


class TimelineSettings(PeerSettings, RedisSettings):
    """How timelines are kept: one that nobody reads for so many days expires.

    An author with so many followers is a celebrity, whose posts readers pull. For `celebrity_grace_seconds` after the
    crossing they go on being pushed: within that time every reader learns of it. All processes must have the same.
    """

    timeline_days: int = 14
    celebrity_followers: int = Field(default=100_000, ge=1)
    celebrity_grace_seconds: float = Field(default=600, ge=0)

    @property
    def timeline_ttl_seconds(self) -> int:
        """The same in seconds."""
        return self.timeline_days * 24 * 60 * 60

    @property
    def celebrity_grace_ms(self) -> int:
        """The grace in milliseconds."""
        return round(self.celebrity_grace_seconds * 1_000)


class FeedSettings(TimelineSettings, CursorKeySettings):
    """What `serve` needs."""

    media_addr: str = "127.0.0.1:50054"


class WorkSettings(TimelineSettings, WorkerSettings):
    """What `work` needs. Each so many seconds a timeline is compared with the store; 0: none."""

    drift_sample_seconds: float = Field(default=1, ge=0)
