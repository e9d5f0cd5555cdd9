"""What follow_svc reads from the environment."""

from meshkit.service_settings import CursorSettings


class FollowSettings(CursorSettings):
    """The settings of `serve`. `user_addr` is any gRPC name of user_svc."""

    user_addr: str
