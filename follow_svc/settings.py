"""What follow_svc reads from the environment."""

from pydantic import NonNegativeFloat

from meshkit.service_settings import CursorSettings, ServiceSettings


class FollowSettings(CursorSettings):
    """The settings of `serve`. `user_addr` is any gRPC name of user_svc."""

    user_addr: str


class RecountSettings(ServiceSettings):
    """The settings of `recount`. In `recount_settle_seconds` every change that was under way has ended."""

    recount_settle_seconds: NonNegativeFloat = 60.0
