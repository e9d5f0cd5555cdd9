"""The settings that services have in common."""

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

    @field_validator("redis_url")
    @classmethod
    def _names_a_redis(cls, url: str) -> str:
        read_redis_url(url)
        return url


class CursorKeySettings(ServerSettings):
    """A service whose lists have cursors needs the keys that sign them: comma-separated, the newest last."""

    cursor_keys: SecretStr

    @field_validator("cursor_keys")
    @classmethod
    def _has_a_key(cls, keys: SecretStr) -> SecretStr:
        if not _split(keys):
            raise ValueError("at least one key is needed")
        return keys

    @property
    def cursor_key_list(self) -> list[str]:
        """The keys, oldest first."""
        return _split(self.cursor_keys)


class WorkerSettings(ServerSettings):
    """A worker's place among those of its host, from 0; it must be stable over restarts."""

    worker_index: int = 0

    @property
    def member(self) -> str:
        """The worker's name in its consumer groups."""
        return f"{platform.node()}-{self.worker_index}"


class ServiceSettings(RedisSettings, CassandraSettings):
    """Where a service finds its store and Redis. `store` chooses between the embedded store and production's."""

    store: Literal["sqlite", "cassandra"] = "sqlite"
    sqlite_dir: Path = Path("data/sqlite")


class CursorSettings(ServiceSettings, CursorKeySettings):
    """A service with a store and with cursors."""


def _split(keys: SecretStr) -> list[str]:
    return [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]
