"""The five services in this process, over SQLite and a real Valkey."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from pydantic import SecretStr

from devmesh.ports import address, reserved_ports
from feed_svc import app as feed_app
from feed_svc.settings import FeedSettings
from follow_svc import app as follow_app
from follow_svc.settings import FollowSettings
from media_svc import app as media_app
from media_svc.settings import ServeSettings as MediaSettings
from media_svc.store.open import open_store as open_media
from media_svc.store.port import MediaStore
from meshkit.grpc.server import running
from post_svc import app as post_app
from post_svc.settings import ServeSettings as PostSettings
from post_svc.store import PostStore
from post_svc.store.open import open_store as open_posts
from user_svc import app as user_app
from user_svc.sessions.keys import make_keys
from user_svc.settings import UserSettings
from user_svc.store import UserStore
from user_svc.store.open import open_store as open_users

PARTS = ("user", "follow", "post", "media", "feed")
KEYS = SecretStr("a key of the tests")


@dataclass(frozen=True, slots=True)
class SightMesh:
    """A channel to each service, and the stores behind them."""

    channels: dict[str, grpc.aio.Channel]
    users: UserStore
    posts: PostStore
    media: MediaStore


@contextlib.asynccontextmanager
async def sight_mesh(folder: Path, redis_url: str) -> AsyncIterator[SightMesh]:
    """Run the services. No worker and no S3: what the tests need of these, they write into the stores."""
    make_keys(folder)
    with reserved_ports(len(PARTS)) as ports:
        at = dict(zip(PARTS, map(address, ports), strict=True))
        common: dict[str, Any] = {"redis_url": redis_url, **{f"{name}_addr": at[name] for name in PARTS}}
        stored = {**common, "sqlite_dir": folder}

        def own(name: str, fields: Any, values: dict[str, Any]) -> dict[str, Any]:
            return {each: value for each, value in values.items() if each in fields} | {"listen_addr": at[name]}

        user = UserSettings(token_key_file=folder / "token-key.pem", **own("user", UserSettings.model_fields, stored))
        follow = FollowSettings(cursor_keys=KEYS, **own("follow", FollowSettings.model_fields, stored))
        post = PostSettings(cursor_keys=KEYS, **own("post", PostSettings.model_fields, stored))
        media = MediaSettings(
            s3_access_key=SecretStr("a key"),
            s3_secret_key=SecretStr("a secret"),
            s3_endpoint_url="http://127.0.0.1:1",
            **own("media", MediaSettings.model_fields, stored),
        )
        feed = FeedSettings(cursor_keys=KEYS, **own("feed", FeedSettings.model_fields, common))
        async with contextlib.AsyncExitStack() as stack:
            enter = stack.enter_async_context
            # user_svc and follow_svc call each other, and neither waits for the other.
            await enter(running(await enter(user_app.serving_process(user)), user))
            await enter(running(await enter(follow_app.serving_process(follow)), follow))
            await enter(running(await enter(media_app.serving_process(media)), media))
            await enter(running(await enter(post_app.serving_process(post)), post))
            await enter(running(await enter(feed_app.serving_process(feed)), feed))
            channels = {name: await enter(grpc.aio.insecure_channel(at[name])) for name in PARTS}
            yield SightMesh(
                channels,
                (await enter(open_users(user))).store,
                (await enter(open_posts(post))).store,
                (await enter(open_media(media))).store,
            )
