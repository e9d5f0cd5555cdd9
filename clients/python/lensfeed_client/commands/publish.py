"""Posting files: upload, post, and wait until everybody sees it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from uuid import UUID, uuid5

from lensfeed.post.v1.post_pb2 import POST_STATE_PUBLISHED, Post

from lensfeed_client import Lensfeed, LensfeedError
from lensfeed_client.commands.bars import waiting
from lensfeed_client.commands.output import Output
from lensfeed_client.commands.refusal import Refusal, misused, not_logged_in
from lensfeed_client.commands.send_file import about, send_file
from lensfeed_client.commands.unfinished import UnfinishedUploads

MOST_MEDIA = 10
_POLL_SECONDS = 0.25
_REJECTIONS = frozenset({"MEDIA_CORRUPT", "MEDIA_TOO_LARGE", "TYPE_MISMATCH", "UPLOAD_EXPIRED"})
_KEYS = UUID("7f4a1c9e-6f0b-4b1c-9a55-0d7c3f1f6b2e")

Sources = Mapping[str, Path]
"""Which file each medium was made of."""


@dataclass(frozen=True)
class Publication:
    """What is to be posted. Files come before media that were uploaded earlier; alternative texts belong to files, in order."""

    files: tuple[Path, ...]
    media: tuple[str, ...]
    caption: str
    alt_texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.files) + len(self.media) <= MOST_MEDIA:
            raise misused(
                "MEDIA_COUNT", f"a post has 1 to {MOST_MEDIA} pictures or videos", "name files, or --media ID"
            )
        if len(self.alt_texts) > len(self.files):
            raise misused("ALT_TEXT_COUNT", "there are more --alt than files")


def publish(mesh: Lensfeed, url: str, wish: Publication, out: Output, *, resume: bool) -> tuple[Post, Sources]:
    """Upload what is not there yet and post it. Raises what uploads and posts are refused for."""
    if mesh.session is None:
        raise not_logged_in(url)
    uploads = UnfinishedUploads(url, mesh.session.user_id)
    sources = {}
    for path, alt_text in zip_longest(wish.files, wish.alt_texts, fillvalue=""):
        file = Path(path)
        with about(file.name):
            sources[send_file(mesh, uploads, file, out, alt_text=str(alt_text), resume=resume).media_id] = file
    post = _post(mesh, wish, sources, uploads)
    for file in wish.files:
        uploads.forget(file)
    return post, sources


def wait_until_published(mesh: Lensfeed, post: Post, media: Sources, out: Output, patience: float) -> Post:
    """Wait until everybody sees a post.

    One whose picture is rejected would wait for ever: it is deleted, and the picture's reason raised.
    """
    ends = time.monotonic() + patience
    try:
        with waiting(out, "the server prepares it"):
            for medium in post.media:
                source = media.get(medium.media_id)
                with about(source.name if source else None):
                    mesh.wait_until_ready(medium.media_id, timeout=max(ends - time.monotonic(), _POLL_SECONDS))
            return _shown(mesh, post, ends)
    except (LensfeedError, Refusal) as error:
        if error.reason in _REJECTIONS:
            mesh.delete_post(post.post_id)
        else:
            out.note(f"post {post.post_id} is made, and appears by itself", postId=post.post_id)
        raise
    except KeyboardInterrupt:
        out.note(f"post {post.post_id} is made, and appears by itself", postId=post.post_id)
        raise


def _shown(mesh: Lensfeed, post: Post, ends: float) -> Post:
    while post.state != POST_STATE_PUBLISHED:
        if time.monotonic() > ends:
            raise Refusal("DEADLINE_EXCEEDED", "", "the server is not done with it yet")
        time.sleep(_POLL_SECONDS)
        post = mesh.get_post(post.post_id)
    return post


def _post(mesh: Lensfeed, wish: Publication, sources: Sources, uploads: UnfinishedUploads) -> Post:
    media = (*sources, *wish.media)
    # The same uploads are posted once, also by a run that goes on where one was killed before it heard the answer. Media
    # that were uploaded before may be posted as often as one likes.
    key = str(uuid5(_KEYS, "\n".join((*media, wish.caption)))) if sources else None
    try:
        return mesh.post(media, wish.caption, idempotency_key=key)
    except LensfeedError as error:
        if error.reason == "MEDIA_REJECTED":
            for media_id, path in sources.items():
                uploads.forget(path)
                with about(path.name):
                    mesh.wait_until_ready(media_id)  # raises why
        raise
