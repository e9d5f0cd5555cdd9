"""Upload files, post them, and wait until the post is published."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from uuid import UUID, uuid5

from lensfeed.post.v1.post_pb2 import POST_STATE_PUBLISHED, Post

from lensfeed_client import Lensfeed, LensfeedError
from lensfeed_client.commands.display.bars import waiting
from lensfeed_client.commands.display.output import Output
from lensfeed_client.commands.errors.refusal import Refusal, not_logged_in, usage_error
from lensfeed_client.commands.send_file import naming, send_file
from lensfeed_client.commands.state.unfinished_uploads import UnfinishedUploads

MAX_MEDIA = 10
_POLL_SECONDS = 0.25
_REJECTIONS = frozenset({"MEDIA_CORRUPT", "MEDIA_TOO_LARGE", "TYPE_MISMATCH", "UPLOAD_EXPIRED"})
_KEYS = UUID("7f4a1c9e-6f0b-4b1c-9a55-0d7c3f1f6b2e")

Sources = Mapping[str, Path]
"""The file of each medium, by its id."""


@dataclass(frozen=True)
class Draft:
    """What to post. Files precede media that were uploaded earlier. Alternative texts belong to files, in order."""

    files: tuple[Path, ...]
    media: tuple[str, ...]
    caption: str
    alt_texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.files) + len(self.media) <= MAX_MEDIA:
            raise usage_error(
                "MEDIA_COUNT", f"a post has 1 to {MAX_MEDIA} pictures or videos", "pass files or --media ID"
            )
        if len(self.alt_texts) > len(self.files):
            raise usage_error("ALT_TEXT_COUNT", "there are more --alt options than files")


def publish(mesh: Lensfeed, url: str, draft: Draft, out: Output, *, resume: bool) -> tuple[Post, Sources]:
    """Upload the files that need it, and post. Raises what uploads and posts can raise."""
    if mesh.session is None:
        raise not_logged_in(url)
    uploads = UnfinishedUploads(url, mesh.session.user_id)
    sources = {}
    for path, alt_text in zip_longest(draft.files, draft.alt_texts, fillvalue=""):
        file = Path(path)
        with naming(file.name):
            sources[send_file(mesh, uploads, file, out, alt_text=str(alt_text), resume=resume).media_id] = file
    post = _post(mesh, draft, sources, uploads)
    for file in draft.files:
        uploads.forget(file)
    return post, sources


def wait_until_published(mesh: Lensfeed, post: Post, media: Sources, out: Output, patience: float) -> Post:
    """Wait until a post is published.

    If one of its media is rejected, the post could never be published: delete it and raise the rejection's reason.
    """
    ends = time.monotonic() + patience
    try:
        with waiting(out, "processing on the server"):
            for medium in post.media:
                source = media.get(medium.media_id)
                with naming(source.name if source else None):
                    mesh.wait_until_ready(medium.media_id, timeout=max(ends - time.monotonic(), _POLL_SECONDS))
            return _published(mesh, post, ends)
    except (LensfeedError, Refusal) as error:
        if error.reason in _REJECTIONS:
            mesh.delete_post(post.post_id)
        else:
            out.note(f"post {post.post_id} exists and will be published once its media are ready", postId=post.post_id)
        raise
    except KeyboardInterrupt:
        out.note(f"post {post.post_id} exists and will be published once its media are ready", postId=post.post_id)
        raise


def _published(mesh: Lensfeed, post: Post, ends: float) -> Post:
    while post.state != POST_STATE_PUBLISHED:
        if time.monotonic() > ends:
            raise Refusal("DEADLINE_EXCEEDED", "", "the server has not finished processing yet")
        time.sleep(_POLL_SECONDS)
        post = mesh.get_post(post.post_id)
    return post


def _post(mesh: Lensfeed, draft: Draft, sources: Sources, uploads: UnfinishedUploads) -> Post:
    media = (*sources, *draft.media)
    # Post the same uploads only once, even if a run was killed before it received the answer. Media that were uploaded
    # earlier may be posted as often as the user likes.
    key = str(uuid5(_KEYS, "\n".join((*media, draft.caption)))) if sources else None
    try:
        return mesh.post(media, draft.caption, idempotency_key=key)
    except LensfeedError as error:
        if error.reason == "MEDIA_REJECTED":
            for media_id, path in sources.items():
                uploads.forget(path)
                with naming(path.name):
                    mesh.wait_until_ready(media_id)  # raises why
        raise
