"""What follow_svc reads from the environment."""

from pydantic import NonNegativeFloat

from meshkit.service_settings import CursorSettings, ServiceSettings


class FollowSettings(CursorSettings):
    """The settings of `serve`."""

    user_addr: str
    """Where user_svc is."""


class RecountSettings(ServiceSettings):
    """The settings of `recount`."""

    recount_settle_seconds: NonNegativeFloat = 60.0
    """The recount leaves changes alone that are younger than this: they may still be in progress."""
