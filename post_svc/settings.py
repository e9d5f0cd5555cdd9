"""What the processes of the service read from the environment."""

from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import CursorSettings, ServiceSettings, SightSettings, WorkerSettings


class ServeSettings(CursorSettings, MediaUrlSettings, SightSettings):
    """The settings of `serve`."""

    media_addr: str
    """Where media_svc is."""


class WorkSettings(ServiceSettings, WorkerSettings):
    """The settings of `work`."""

    media_addr: str
    """Where media_svc is."""
