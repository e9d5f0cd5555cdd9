"""The settings of the accounts."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import ServiceSettings, SightSettings
from user_svc.session import SessionLife
from user_svc.sessions.guesses import GuessLimits


class UserSettings(ServiceSettings, MediaUrlSettings, SightSettings):
    """The settings of `serve`."""

    token_key_file: Path
    """The Ed25519 keys that sign access tokens, as PEM. Read again when the file is replaced.

    `python -m user_svc keys DIR` makes the first key and the JWKS; `python -m user_svc rotate DIR` adds a key."""
    token_key_settle_seconds: int = Field(default=300, ge=0, le=6 * 3600)
    """How old a new key must be before it signs. By then every edge must have the JWKS that contains it."""
    access_token_seconds: int = Field(default=15 * 60, gt=0, le=12 * 3600)
    """How long an access token is valid."""
    refresh_token_days: int = Field(default=90, gt=0)
    """How long a session lasts without being refreshed."""
    session_days: int = Field(default=365, gt=0)
    """How long a session lasts in all. After that people log in again."""
    log_in_failures_handle: int = Field(default=20, ge=0)
    """How many log-ins of one handle may fail in an hour from networks where it has no session. 0: no limit.

    A network (/24, IPv6 /48) where it has a session counts for itself, so that strangers cannot lock the owner out."""
    log_in_failures_network: int = Field(default=300, ge=0)
    """How many log-ins from one network (/24, IPv6 /48) may fail in an hour. 0: no limit."""
    media_addr: str = "127.0.0.1:50054"
    """Where media_svc is."""

    @property
    def access_token_life(self) -> timedelta:
        """How long an access token is good for."""
        return timedelta(seconds=self.access_token_seconds)

    @property
    def guess_limits(self) -> GuessLimits:
        """How many log-ins may fail."""
        return GuessLimits(self.log_in_failures_handle, self.log_in_failures_network)

    @property
    def session_life(self) -> SessionLife:
        """How long a session lives."""
        return SessionLife(timedelta(days=self.refresh_token_days), timedelta(days=self.session_days))
