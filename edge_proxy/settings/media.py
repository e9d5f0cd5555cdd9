"""The setting of the media cache."""

from pathlib import Path
from typing import Protocol

from pydantic import Field, SecretStr

from meshkit.settings import Settings


class MediaSettings(Settings):
    """Settings of `/m/…` and `/p/…`."""

    edge_s3_access_key: SecretStr = Field(min_length=1)
    """The id of the edge's own access key of S3. It needs to GET objects under `m/`, and should do nothing else."""
    edge_s3_secret_key: SecretStr = Field(min_length=1)
    """The secret of that key."""
    s3_region: str = Field(default="us-east-1", min_length=1)
    """The bucket's region."""
    media_url_keys_file: Path | None = None
    """The keys that verify addresses under `/p/` (JWKS, HS256). Read again when the file is replaced. Without it all are 404."""
    edge_media_cache_mib: int = Field(default=0, ge=0, le=1024 * 1024)
    """How much media the edge caches on its disk, in EDGE_DIR/media-cache. At 0 every request reaches S3.

    Envoy calls its cache work in progress, so use it on one machine only; `lensfeed dev` sets 256. Use a CDN in production."""


class _Placed(Protocol):
    @property
    def edge_dir(self) -> Path: ...


def media_cache(settings: _Placed) -> Path:
    """Return the folder of cached media."""
    return settings.edge_dir.absolute() / "media-cache"
