"""What the processes of the service read from the environment."""

from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import CursorSettings, ServiceSettings


class ServeSettings(CursorSettings, MediaUrlSettings):
    """`serve`: `media_addr` is where media_svc is."""

    media_addr: str


class WorkSettings(ServiceSettings):
    """`work`: as `serve`; `worker_index` tells the workers of one host apart and must be stable over restarts."""

    media_addr: str
    worker_index: int = 0
