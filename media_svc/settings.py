"""The settings of media_svc, read from the environment."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from meshkit.grpc.server import ServerSettings
from meshkit.media_urls import MediaUrlSettings
from meshkit.service_settings import ServiceSettings, SightSettings, WorkerSettings


class S3Settings(ServiceSettings):
    """Where the bucket is."""

    s3_endpoint_url: str | None = None
    """S3 as the service calls it. AWS if unset."""
    s3_public_url: str | None = None
    """S3 as apps reach it, if that is another address. Presigned URLs begin with it."""
    s3_access_key: SecretStr
    """The id of the access key."""
    s3_secret_key: SecretStr
    """The secret of the access key."""
    s3_bucket: str = "lensfeed-media"
    """The bucket of all media. It is private: apps read `m/` through the edge."""
    s3_region: str = "us-east-1"
    """The bucket's region."""


class CdnSettings(ServerSettings):
    """How to purge a file from a CDN: `PURGE cdn_purge_url/NAME`, with the token as `Authorization: Bearer`."""

    cdn_purge_url: str | None = None
    """Where a CDN accepts `PURGE URL/NAME` for each removed file. Needed if the CDN keeps files by their `s-maxage`."""
    cdn_purge_token: SecretStr | None = None
    """The bearer token of purge requests."""


class UsageSettings(ServerSettings):
    """Whom to ask which media are used."""

    post_addr: str = "127.0.0.1:50053"
    """Where post_svc is."""
    user_addr: str = "127.0.0.1:50051"
    """Where user_svc is."""


class ServeSettings(S3Settings, CdnSettings, MediaUrlSettings, SightSettings, UsageSettings):
    """The settings of `serve`."""

    webhook_addr: str | None = None
    """Where to receive S3's events (`POST /s3-events`). Without events, clients and the sweeper finish uploads."""
    webhook_secret: SecretStr | None = None
    """The bearer token of those events. Required with the address."""
    storage_quota: int = Field(default=0, ge=0)
    """How many bytes the originals of one user's media may have together. 0: no limit. Use the same value in all replicas."""
    max_unfinished_media: int = Field(default=100, ge=1)
    """Media of one owner that may be uploading or processing at a time. Further uploads are UPLOADS_PENDING_LIMIT."""
    media_sqs_url: str | None = None
    """The SQS queue that receives the events of a real S3. It is read with the access key of S3."""

    @model_validator(mode="after")
    def _webhook_is_guarded(self) -> Self:
        if self.webhook_addr and not (self.webhook_secret and self.webhook_secret.get_secret_value()):
            raise ValueError("WEBHOOK_ADDR requires a WEBHOOK_SECRET")
        return self


class WorkSettings(S3Settings, CdnSettings, WorkerSettings, UsageSettings):
    """The settings of `work`."""

    render_concurrency: int = Field(default=2, ge=1, le=64)
    """Photos rendered at once, half of them large, each in its own process. Above 2, a worker needs more than 512 MiB."""
    video_concurrency: int = Field(default=1, ge=0, le=64)
    """Videos processed at once. They yield to photos. 0 leaves videos to other workers."""
    improve_photos: bool = True
    """Whether to compress popular photos better in the background. Use the same value in all workers."""
    ffmpeg_binary: Path | None = None
    """An ffmpeg (with libx264 and aac) to run instead of the one from pip."""
