"""What follow_svc reads from the environment."""

from meshkit.service_settings import CursorSettings, ServiceSettings
from meshkit.setting_types import setting


class FollowSettings(CursorSettings):
    """The settings of `serve`."""

    user_addr: str
    """Where user_svc is."""


class RecountSettings(ServiceSettings):
    """The settings of `recount`."""

    recount_settle_seconds: float = setting(default=60.0, ge=0)
    """The recount leaves changes alone that are younger than this: they may still be in progress."""
