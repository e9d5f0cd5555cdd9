"""Runs the measured servers: real processes with their own Valkey and SQLite stores."""

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from redis.asyncio import Redis

from devmesh.parts.valkey import running_valkey
from devmesh.ports import address, reserved_ports
from devmesh.secrets.token_keys import make_keys
from devmesh.supervise.process import Child, Command
from devmesh.supervise.readiness import grpc_serving
from devmesh.supervise.running import running
from meshkit.redis.client import open_redis
from meshkit.settings import PREFIX

PEERS = ("user", "follow", "post")


@dataclass(frozen=True, slots=True)
class Mesh:
    """The running Redis, feed_svc processes and other services."""

    redis: "Redis"
    redis_url: str
    valkey_pid: int
    peer_pids: tuple[int, ...]
    feed_address: str
    feed_pid: int
    worker_pid: int
    post_address: str
    user_address: str
    user_pid: int
    start_feed: Callable[[Mapping[str, str]], Awaitable[tuple[str, int]]]
    """Starts a further feed_svc with settings of its own; returns its address and process id."""


@contextlib.asynccontextmanager
async def running_mesh(folder: Path, settings: Mapping[str, str] | None = None) -> AsyncIterator[Mesh]:
    """Run Valkey, user_svc, follow_svc, post_svc, feed_svc and its worker on the stores in `folder`/sqlite.

    `settings` extend the environment of feed_svc.
    """
    async with contextlib.AsyncExitStack() as stack:
        redis_url = await stack.enter_async_context(running_valkey(folder / "valkey"))
        redis = await stack.enter_async_context(open_redis(redis_url))
        names = (*PEERS, "feed", "worker", "feed-2")
        ports = dict(zip(names, stack.enter_context(reserved_ports(len(names))), strict=True))
        env = environment_of(folder, redis_url, ports)
        await make_keys(folder / "keys", command_of(folder, env, "user_svc", "keys", str(folder / "keys")))

        async def start(name: str, module: str, word: str, **more: str) -> Child:
            own = {**env, "LENSFEED_LISTEN_ADDR": address(ports[name]), **more}
            ready = partial(grpc_serving, ports[name])
            return await stack.enter_async_context(
                running(name, command_of(folder, own, module, word, name=name), ready)
            )

        async def start_feed(more: Mapping[str, str]) -> tuple[str, int]:
            child = await start("feed-2", "feed_svc", "serve", **more)
            return address(ports["feed-2"]), child.pid

        peers = [await start(name, f"{name}_svc", "serve") for name in PEERS]
        feed = await start("feed", "feed_svc", "serve", **(settings or {}))
        worker = await start("worker", "feed_svc", "work", **(settings or {}))
        valkey_pid = int((await redis.info("server"))["process_id"])
        yield Mesh(
            redis,
            redis_url,
            valkey_pid,
            tuple(peer.pid for peer in peers),
            address(ports["feed"]),
            feed.pid,
            worker.pid,
            address(ports["post"]),
            address(ports["user"]),
            peers[PEERS.index("user")].pid,
            start_feed,
        )


def environment_of(folder: Path, redis_url: str, ports: Mapping[str, int]) -> dict[str, str]:
    """Return the environment of the services, whose ports are given by name."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "OTEL_"))}
    return {
        **outer,
        **{f"LENSFEED_{name.upper()}_ADDR": address(ports[name]) for name in PEERS if name in ports},
        "LENSFEED_MEDIA_ADDR": "127.0.0.1:9",  # not needed: posts contain their media
        "LENSFEED_REDIS_URL": redis_url,
        "LENSFEED_SQLITE_DIR": str(folder / "sqlite"),
        "LENSFEED_CURSOR_KEYS": "a key of the measurements",
        "LENSFEED_TOKEN_KEY_FILE": str(folder / "keys" / "token-key.pem"),
        "LENSFEED_LOG_LEVEL": "WARNING",
    }


def command_of(folder: Path, env: Mapping[str, str], module: str, *words: str, name: str = "keys") -> Command:
    """Return the command of a module; its log is called `name`."""
    return Command((sys.executable, "-m", module, *words), env, folder, folder / "logs" / f"{name}.log")
