"""How posts and people appear in a terminal."""

import re
from datetime import UTC, datetime

from lensfeed.media.v1 import media_pb2
from lensfeed.media.v1.media_pb2 import Media
from lensfeed.post.v1.post_pb2 import Post
from lensfeed.user.v1.user_pb2 import User
from rich.style import Style
from rich.text import Text

from lensfeed_client.commands.display.dates import local_and_relative
from lensfeed_client.commands.display.visible import visible, visible_lines

# Link to a photo format that every program opens, and to a video's single file.
_WHOLE_VIDEO = "video/mp4"
_VIEWABLE = (_WHOLE_VIDEO, "image/jpeg")
_WEB_ADDRESS = re.compile(r"https?://[!-~]+")
_STATES = {
    media_pb2.MEDIA_STATE_AWAITING_UPLOAD: "not uploaded yet",
    media_pb2.MEDIA_STATE_PROCESSING: "being prepared",
    media_pb2.MEDIA_STATE_REJECTED: "rejected",
}


def post_card(post: Post, author: User | None, *, links: bool) -> Text:
    """Render a post: author, time, caption, media and id. With `links`, URLs hide behind their text."""
    lines = [_heading(post, author)]
    if post.caption:
        lines.append(Text(visible_lines(post.caption)))
    lines += [Text("  ") + medium_line(medium, links=links) for medium in post.media]
    lines.append(Text(f"  post {visible(post.post_id)}", "dim"))
    return Text("\n").join([*lines, Text()])


def medium_line(medium: Media, *, links: bool) -> Text:
    """Render a medium in one line: what it is, its alternative text and its URL."""
    kind = "video" if medium.kind == media_pb2.MEDIA_KIND_VIDEO else "photo"
    size = f" {medium.width} x {medium.height}" if medium.width else ""
    length = f" {medium.duration_ms / 1000:.0f} s" if medium.duration_ms else ""
    label = f"{kind}{size}{length}"
    if state := _STATES.get(medium.state, ""):
        label = f"{label}, {state}"
    alt_text = f" · {visible(medium.alt_text)}" if medium.alt_text else ""
    address = address_of(medium)
    if links and address:
        return Text.assemble((label, Style(underline=True, link=address)), alt_text)
    return Text(f"{label}{alt_text}{address and ': '}{address}")


def address_of(medium: Media) -> str:
    """Return the best URL to view a medium, or an empty string if there is none yet."""
    viewable = [each for each in medium.renditions if each.content_type in _VIEWABLE]
    best = max(viewable, key=lambda each: (each.content_type == _WHOLE_VIDEO, each.width), default=None)
    url = best.url if best else medium.hls_url
    return url if _WEB_ADDRESS.fullmatch(url) else ""


def user_card(user: User, url: str) -> Text:
    """Render an account and its server."""
    lines = [name_of(user), Text(f"  id {user.user_id} at {visible(url)}", "dim")]
    if user.HasField("created_at"):
        since = user.created_at.ToDatetime(UTC)
        lines.append(Text(f"  since {local_and_relative(since, datetime.now(UTC))}", "dim"))
    if user.bio:
        lines.append(Text(visible_lines(user.bio)))
    return Text("\n").join(lines)


def name_of(user: User) -> Text:
    """Render an account's unique handle and its display name."""
    chosen = f" {visible(user.display_name)}" if user.display_name else ""
    return Text.assemble((f"@{visible(user.handle)}", "bold"), chosen)


def _heading(post: Post, author: User | None) -> Text:
    when = (
        local_and_relative(post.published_at.ToDatetime(UTC), datetime.now(UTC))
        if post.HasField("published_at")
        else "pending"
    )
    return name_of(author) + Text(f"  {when}", "dim") if author else Text(when, "dim")
