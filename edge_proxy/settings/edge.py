"""All settings of the edge."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from edge_proxy.addresses import Address, is_loopback, parse_address, parse_addresses
from edge_proxy.settings.bounds import LimitSettings
from edge_proxy.settings.docs import DocsSettings
from edge_proxy.settings.media import MediaSettings
from edge_proxy.settings.rates import RateSettings
from edge_proxy.settings.tls import TlsSettings

# Envoy logs at `info` what other programs log at `debug`.
ENVOY_LOG_LEVELS = {"DEBUG": "info", "INFO": "warn", "WARNING": "warn", "ERROR": "error", "CRITICAL": "critical"}


class EdgeSettings(DocsSettings, LimitSettings, MediaSettings, RateSettings, TlsSettings):
    """Settings of the edge, each from the environment variable `LENSFEED_<NAME>`."""

    edge_addr: Annotated[Address, NoDecode] = parse_address("127.0.0.1:8080")
    """Where apps reach the mesh, by HTTP/1.1 and HTTP/2."""
    edge_admin_addr: Annotated[Address | None, NoDecode] = None
    """Envoy's administration, on the loopback. By default it is `admin.sock` in `LENSFEED_EDGE_DIR`: it has no password."""
    edge_health_addr: Annotated[Address | None, NoDecode] = None
    """A second address that serves only `/healthz`, for health checks: clients cannot take its connections."""
    edge_dir: Path
    """The folder of the rendered configuration. It is created if absent."""
    edge_access_log: Literal["failures", "all"] = "failures"
    """Which calls are logged: `failures` on our side, or `all`."""

    user_addr: Annotated[tuple[Address, ...], NoDecode]
    """Where user_svc is."""
    follow_addr: Annotated[tuple[Address, ...], NoDecode]
    """Where follow_svc is."""
    post_addr: Annotated[tuple[Address, ...], NoDecode]
    """Where post_svc is."""
    media_addr: Annotated[tuple[Address, ...], NoDecode]
    """Where media_svc is."""
    feed_addr: Annotated[tuple[Address, ...], NoDecode]
    """Where feed_svc is."""
    limits_addr: Annotated[tuple[Address, ...], NoDecode] = ()
    """Where `python -m edge_proxy limits` listens. With it, several edges count calls together; each also counts by itself."""

    mesh_tls: Path | None = None
    """The folder of certificates that `lensfeed certs` makes. With it, the parts of a mesh talk to each other by mTLS only."""

    s3_endpoint_url: str
    """S3, from which the edge serves `/m/…`, as http://host:port or https://host."""
    s3_bucket: str = Field(default="lensfeed-media", pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    """The bucket of all media. It is private: apps read `m/` through the edge."""

    token_jwks_file: Path
    """The public keys of access tokens (JWKS). Read again when the file is replaced."""
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins (`https://app.example`) whose pages may call the edge."""
    edge_reflection: bool = True
    """Whether anyone may read the public contracts by gRPC reflection, as grpcurl does."""
    descriptor_set: Path = Path(__file__).parents[1] / "lensfeed.binpb"
    """The descriptors of all contracts, as `make protos` writes them. The default is inside the package."""
    envoy_binary: Path | None = None
    """An Envoy to run instead of the one from pip."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
    """DEBUG, INFO, WARNING, ERROR or CRITICAL. At DEBUG the edge logs every call."""

    @field_validator("edge_addr", "edge_admin_addr", "edge_health_addr", mode="before")
    @classmethod
    def _read_address(cls, value: object) -> object:
        return parse_address(value) if isinstance(value, str) else value

    @field_validator("user_addr", "follow_addr", "post_addr", "media_addr", "feed_addr", "limits_addr", mode="before")
    @classmethod
    def _read_addresses(cls, value: object) -> object:
        return parse_addresses(value) if isinstance(value, str) else value

    @field_validator("edge_admin_addr")
    @classmethod
    def _keep_admin_private(cls, value: Address | None) -> Address | None:
        if value is not None and not is_loopback(value):
            raise ValueError("the admin API must listen on a loopback address, such as 127.0.0.1:9901")
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
                raise ValueError(f"{origin!r} is not an origin; use the form https://app.example, without a path")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def s3_address(self) -> Address:
        """The address of S3, with the scheme's default port if none is given."""
        parts = urlsplit(self.s3_endpoint_url)
        return Address(str(parts.hostname), parts.port or (443 if self.s3_uses_tls else 80))

    @property
    def s3_uses_tls(self) -> bool:
        """Whether S3 is called over https."""
        return urlsplit(self.s3_endpoint_url).scheme == "https"
