"""The settings of the accounts."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import ServiceSettings


class UserSettings(ServiceSettings, MediaUrlSettings):
    """What `serve` reads. `media_addr` is where media_svc serves; avatars alone need it."""

    token_key_file: Path
    # A new key signs when it is so old: by then every edge must have the JWKS that knows it.
    token_key_settle_seconds: int = Field(default=300, ge=0, le=6 * 3600)
    access_token_seconds: int = Field(default=15 * 60, gt=0, le=12 * 3600)
    refresh_token_days: int = Field(default=60, gt=0)
    media_addr: str = "127.0.0.1:50054"

    @property
    def access_token_life(self) -> timedelta:
        """How long an access token is good for."""
        return timedelta(seconds=self.access_token_seconds)

    @property
    def refresh_token_life(self) -> timedelta:
        """How long a session goes on without being refreshed."""
        return timedelta(days=self.refresh_token_days)
