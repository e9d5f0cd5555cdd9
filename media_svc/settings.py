"""What media_svc reads from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from meshkit.grpc.server import ServerSettings
from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import ServiceSettings, WorkerSettings


class S3Settings(ServiceSettings):
    """Where the bucket is. Without an endpoint it is AWS's.

    `s3_public_url` is the endpoint as apps reach it, where that is another than ours; presigned URLs begin with it.
    """

    s3_endpoint_url: str | None = None
    s3_public_url: str | None = None
    s3_access_key: SecretStr
    s3_secret_key: SecretStr
    s3_bucket: str = "lensfeed-media"
    s3_region: str = "us-east-1"


class CdnSettings(ServerSettings):
    """How a CDN is told to forget a file: `PURGE cdn_purge_url/NAME`, with the token as `Authorization: Bearer`."""

    cdn_purge_url: str | None = None
    cdn_purge_token: SecretStr | None = None


class ServeSettings(S3Settings, CdnSettings, MediaUrlSettings):
    """The settings of `serve`. Without a `webhook_addr` or a `media_sqs_url` it hears no events of S3, and sweeps only."""

    webhook_addr: str | None = None
    webhook_secret: SecretStr | None = None
    media_sqs_url: str | None = None

    @model_validator(mode="after")
    def _webhook_is_guarded(self) -> Self:
        if self.webhook_addr and not (self.webhook_secret and self.webhook_secret.get_secret_value()):
            raise ValueError("with WEBHOOK_ADDR a WEBHOOK_SECRET is needed")
        return self


class WorkSettings(S3Settings, CdnSettings, WorkerSettings):
    """The settings of `work`: how many pictures are rendered at once, each in a process of its own with two threads.

    Beside them it works on `video_concurrency` videos, with 0 on none; these yield to pictures. With `improve_photos` it
    makes popular photos smaller too, one at a time, while no upload waits.
    """

    render_concurrency: int = Field(default=2, ge=1, le=64)
    video_concurrency: int = Field(default=1, ge=0, le=64)
    improve_photos: bool = True
    ffmpeg_binary: Path | None = None
    post_addr: str = "127.0.0.1:50053"
    user_addr: str = "127.0.0.1:50051"
