"""The settings of feed_svc."""

from meshkit.server import ServerSettings
from meshkit.service_settings import CursorKeySettings, RedisSettings, WorkerSettings


class PeerSettings(ServerSettings):
    """Where the other services are."""

    follow_addr: str = "127.0.0.1:50052"
    post_addr: str = "127.0.0.1:50053"
    user_addr: str = "127.0.0.1:50051"


class TimelineSettings(PeerSettings, RedisSettings):
    """How timelines are kept: one that nobody reads for so many days expires."""

    timeline_days: int = 14

    @property
    def timeline_ttl_seconds(self) -> int:
        """The same in seconds."""
        return self.timeline_days * 24 * 60 * 60


class FeedSettings(TimelineSettings, CursorKeySettings):
    """What `serve` needs."""


class WorkSettings(TimelineSettings, WorkerSettings):
    """What `work` needs."""
