"""Builds the URLs of renditions.

Services exchange and store only names of renditions. The base URL (a CDN, for example) is a setting that may change, so it is
added when a stored post or profile is shown.
"""

from collections.abc import Iterable

from lensfeed.media.v1 import media_pb2

from meshkit.grpc.server import ServerSettings


class MediaUrlSettings(ServerSettings):
    """Renditions are served at `media_base_url`/NAME."""

    media_base_url: str = "http://127.0.0.1:8080/m"
    """What the URLs of renditions begin with: the edge's `/m`, or a CDN in front of it. You can change it at any time."""


class MediaUrls:
    """Turns names into URLs."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def of(self, name: str) -> str:
        """Return the URL of a rendition; empty for an empty name."""
        return f"{self._base_url}/{name}" if name else ""

    def fill(self, media: Iterable[media_pb2.Media]) -> None:
        """Replace the names in messages for apps by URLs."""
        for medium in media:
            medium.hls_url = self.of(medium.hls_url)
            for rendition in medium.renditions:
                rendition.url = self.of(rendition.url)
