"""What the processes of the service read from the environment."""

from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import CursorSettings, ServiceSettings, WorkerSettings


class ServeSettings(CursorSettings, MediaUrlSettings):
    """`serve`: `media_addr` is where media_svc is."""

    media_addr: str


class WorkSettings(ServiceSettings, WorkerSettings):
    """`work`: as `serve`."""

    media_addr: str
