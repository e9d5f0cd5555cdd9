"""Settings that several services share."""

import platform
from pathlib import Path
from typing import Literal

from meshkit.cassandra_settings import CassandraSettings
from meshkit.grpc.server import ServerSettings
from meshkit.redis.url import read_redis_url
from meshkit.setting_types import SecretStr, setting


class RedisSettings(ServerSettings):
    """Where Redis is: one server or a cluster (see `meshkit.redis.url`)."""

    redis_url: str = setting(default="redis://127.0.0.1:6379/0", check=read_redis_url)
    """Redis or Valkey: `redis://`, `rediss://` (TLS) or `unix://`; a cluster by `redis+cluster://` or `rediss+cluster://`."""


def _split(keys: SecretStr) -> list[str]:
    return [key.strip() for key in keys.get_secret_value().split(",") if key.strip()]


def _need_a_key(keys: SecretStr) -> None:
    if not _split(keys):
        raise ValueError("at least one key is required")


class CursorKeySettings(ServerSettings):
    """The setting of services whose lists have cursors."""

    cursor_keys: SecretStr = setting(check=_need_a_key)
    """Secrets that sign cursors, newest last. Removing one invalidates the cursors that it signed."""

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


class ServiceSettings(RedisSettings, CassandraSettings):
    """Where a service finds its store and Redis."""

    store: Literal["sqlite", "cassandra"] = "sqlite"
    """`sqlite` (embedded) or `cassandra` (production). All services of a mesh use the same."""
    sqlite_dir: Path = Path("data/sqlite")
    """The folder of the SQLite databases. Each service creates its own file."""


class CursorSettings(ServiceSettings, CursorKeySettings):
    """Settings of a service with a store and cursors."""
