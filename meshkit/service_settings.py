"""Settings that several services share."""

import platform
from pathlib import Path
from typing import Literal

from pydantic import SecretStr, field_validator

from meshkit.cassandra_settings import CassandraSettings
from meshkit.grpc.server import ServerSettings
from meshkit.redis.url import read_redis_url


class RedisSettings(ServerSettings):
    """Where Redis is: one server or a cluster (see `meshkit.redis.url`)."""

    redis_url: str = "redis://127.0.0.1:6379/0"
    """Redis or Valkey: `redis://`, `rediss://` (TLS) or `unix://`; a cluster by `redis+cluster://` or `rediss+cluster://`."""

    @field_validator("redis_url")
    @classmethod
    def _check_url(cls, url: str) -> str:
        read_redis_url(url)
        return url


class CursorKeySettings(ServerSettings):
    """The setting of services whose lists have cursors."""

    cursor_keys: SecretStr
    """Secrets that sign cursors, newest last. Removing one invalidates the cursors that it signed."""

    @field_validator("cursor_keys")
    @classmethod
    def _check_keys(cls, keys: SecretStr) -> SecretStr:
        if not _split(keys):
            raise ValueError("at least one key is required")
        return keys

    @property
    def cursor_key_list(self) -> list[str]:
        """The keys, oldest first."""
        return _split(self.cursor_keys)


class WorkerSettings(ServerSettings):
    """The setting of workers."""

    worker_index: int = 0
    """Distinguishes the workers of one service on one host. It must stay the same across restarts."""

    @property
    def member(self) -> str:
        """The worker's name in its consumer groups."""
        return f"{platform.node()}-{self.worker_index}"


class SightSettings(ServerSettings):
    """The setting of services that show what belongs to accounts."""

    follow_addr: str = "127.0.0.1:50052"
    """Where follow_svc is."""


class ServiceSettings(RedisSettings, CassandraSettings):
    """Where a service finds its store and Redis."""

    store: Literal["sqlite", "cassandra"] = "sqlite"
    """`sqlite` (embedded) or `cassandra` (production). All services of a mesh use the same."""
    sqlite_dir: Path = Path("data/sqlite")
    """The folder of the SQLite databases. Each service creates its own file."""


class CursorSettings(ServiceSettings, CursorKeySettings):
    """Settings of a service with a store and cursors."""


def _split(keys: SecretStr) -> list[str]:
    return [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
