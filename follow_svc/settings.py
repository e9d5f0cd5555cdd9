"""What follow_svc reads from the environment."""

import platform

from pydantic import NonNegativeFloat

from meshkit.service_settings import CursorSettings, ServiceSettings


class FollowSettings(CursorSettings):
    """The settings of `serve`."""

    user_addr: str
    """Where user_svc is."""

    @property
    def member(self) -> str:
        """The process's name in its consumer group. It is the same after a restart."""
        return f"{platform.node()}-{self.listen_addr}"


class RecountSettings(ServiceSettings):
    """The settings of `recount`."""

    recount_settle_seconds: NonNegativeFloat = 60.0
    """The recount leaves changes alone that are younger than this: they may still be in progress."""
