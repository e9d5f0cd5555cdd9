"""Where renditions are served.

What media_svc tells the other services, and what they store, is a rendition's name only: the base (a CDN, say) is a setting, and
may change while posts and profiles stay. It is put before the name when a stored post or profile is shown.
"""

from collections.abc import Iterable

from lensfeed.media.v1 import media_pb2

from meshkit.grpc.server import ServerSettings


class MediaUrlSettings(ServerSettings):
    """A rendition is served at `media_base_url`/NAME."""

    media_base_url: str = "http://127.0.0.1:8080/m"
    """What the URLs of renditions begin with: the edge's `/m`, or a CDN in front of it. You can change it at any time."""


class MediaUrls:
    """Makes URLs of names."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def of(self, name: str) -> str:
        """Return where a rendition is served; empty for an empty name."""
        return f"{self._base_url}/{name}" if name else ""

    def fill(self, media: Iterable[media_pb2.Media]) -> None:
        """Put the base before every name in messages that go to an app."""
        for medium in media:
            medium.hls_url = self.of(medium.hls_url)
            for rendition in medium.renditions:
                rendition.url = self.of(rendition.url)
