"""The command's handling of other people's text, dates, cards and errors, without a server."""

import io
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from lensfeed.media.v1.media_pb2 import MEDIA_KIND_VIDEO, MEDIA_STATE_READY, Media, Rendition
from lensfeed.post.v1.post_pb2 import Post
from lensfeed.user.v1.user_pb2 import User
from lensfeed_client.commands.display.cards import medium_line, post_card
from lensfeed_client.commands.display.dates import ago, local_and_relative
from lensfeed_client.commands.display.output import json_of
from lensfeed_client.commands.display.visible import visible, visible_lines
from lensfeed_client.commands.errors.messages import MESSAGES
from lensfeed_client.commands.errors.refusal import refusal_of
from lensfeed_client.commands.state.state_folder import state_folder
from lensfeed_client.commands.state.unfinished_uploads import UnfinishedUploads
from lensfeed_client.errors import LensfeedError
from rich.console import Console

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Clears the screen, sets the window title, rings, overwrites the line, uses C1 controls and reverses text.
ATTACK = "\x1b[2J\x1b]0;mine\x07\b\r\x9b31m\x85\u202eevil\u2066\x7f\u2028"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def in_tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set the local time zone to Tokyo."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def on_terminal(text: object, width: int = 80) -> str:
    """Return what a terminal with colours and links would receive."""
    console = Console(
        file=io.StringIO(), force_terminal=True, color_system="truecolor", width=width, legacy_windows=False
    )
    console.print(text, markup=False, highlight=False, emoji=False)
    sent = console.file
    assert isinstance(sent, io.StringIO)
    return sent.getvalue()


def test_control_characters_are_shown_instead_of_sent() -> None:
    """Each control character becomes a visible sign; letters of all scripts, newlines and joined emoji stay."""
    assert not OBEYED.search(visible(ATTACK) + visible_lines(ATTACK))
    assert visible(ATTACK).startswith("␛[2J␛]0;mine␇␈␍")
    family, mixed = "👩\u200d👩\u200d👧 नमस्ते", "ab\u05d0\u05d1"
    assert visible_lines(f"{family}\r\n{mixed}\n\n.") == f"{family}\n{mixed}\n\n."
    assert visible("two\nlines\tand a tab") == "two lines and a tab"


def test_json_output_escapes_control_characters() -> None:
    """Characters that `json` leaves raw are escaped, and the decoded value is unchanged."""
    line = json_of(Post(caption=f"{ATTACK} ünï 🙂"))
    assert not OBEYED.search(line)
    assert "ünï 🙂" in line
    assert json.loads(line)["caption"] == f"{ATTACK} ünï 🙂"


def test_a_hostile_post_cannot_leave_its_card() -> None:
    """Captions, names, alternative texts and URLs cannot send escape sequences."""
    post = Post(post_id=ATTACK, caption=f"[bold]{ATTACK}[/bold] :smile:")
    post.published_at.FromDatetime(NOW)
    post.media.append(Media(alt_text=ATTACK, state=MEDIA_STATE_READY))
    post.media[0].renditions.append(Rendition(url=f"http://x/{ATTACK}", content_type="image/jpeg"))
    sent = on_terminal(post_card(post, User(handle=ATTACK, display_name=ATTACK), links=True), width=400)
    ours = re.sub(r"\x1b\[[0-9;]*m", "", sent)
    assert not OBEYED.search(ours)
    assert "[bold]" in ours
    assert ":smile:" in ours


def test_a_card_shows_author_time_and_content() -> None:
    """Without links, the card shows whole URLs."""
    post = Post(post_id="abc", caption="Two\nlines")
    post.published_at.FromDatetime(datetime.now(UTC) - timedelta(minutes=3, seconds=5))
    post.media.append(_photo())
    plain = post_card(post, User(handle="ada", display_name="Ada"), links=False).plain
    assert re.fullmatch(
        r"@ada Ada  \d{4}-\d\d-\d\d \d\d:\d\d \(3 minutes ago\)\nTwo\nlines\n"
        r"  photo 1600 x 1200 · A hill: http://host/m/1600\.jpg\n  post abc\n",
        plain,
    )


def test_a_link_hides_its_url_on_a_terminal() -> None:
    """Links use OSC 8, whatever the width."""
    for width in (20, 200):
        sent = on_terminal(medium_line(_photo(), links=True), width)
        assert re.search(r"\x1b\]8;[^;]*;http://host/m/1600\.jpg\x1b\\", sent)
        assert "http" not in re.sub(r"\x1b\]8;.*?\x1b\\", "", sent)


def test_a_video_links_to_its_mp4() -> None:
    """The link leads to the complete file, not to the poster."""
    video = Media(kind=MEDIA_KIND_VIDEO, state=MEDIA_STATE_READY, width=640, height=360, duration_ms=12_400)
    video.renditions.append(Rendition(url="http://host/m/poster.jpg", content_type="image/jpeg", width=640))
    video.renditions.append(Rendition(url="http://host/m/all.mp4", content_type="video/mp4", width=320))
    assert medium_line(video, links=False).plain == "video 640 x 360 12 s: http://host/m/all.mp4"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        *((-100, "just now"), (0, "just now"), (59, "just now"), (60, "1 minute ago"), (7_199, "1 hour ago")),
        *((86_400, "1 day ago"), (29 * 86_400, "29 days ago"), (400 * 86_400, "1 year ago")),
    ],
)
def test_how_long_ago(seconds: int, expected: str) -> None:
    """The largest unit counts, and future times become `just now`."""
    assert ago(NOW - timedelta(seconds=seconds), NOW) == expected


def test_times_are_local(in_tokyo: None) -> None:
    """Times are shown in the local zone, whatever zone they came in."""
    stamp = Timestamp()
    stamp.FromDatetime(NOW - timedelta(hours=2))
    assert local_and_relative(stamp.ToDatetime(UTC), NOW) == "2026-03-01 19:00 (2 hours ago)"


def test_every_reason_of_the_contracts_has_a_message() -> None:
    """Reasons of methods, of field rules and of rejected media all have messages."""
    found: set[str] = set()
    for proto in (ROOT / "protos" / "lensfeed").rglob("*.proto"):
        if "internal" not in proto.name:
            comments = re.findall(r"(?://.*\n\s*)*// Errors?:.*\n(?:\s*//.*\n)*", proto.read_text())
            found |= set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", "".join(comments)))
            found |= set(re.findall(r'id: "([A-Z_]+)"', proto.read_text()))
    codes = {code.name for code in grpc.StatusCode}
    assert len(found - codes) > 20
    assert found - codes <= set(MESSAGES)


def test_an_error_says_when_to_try_again() -> None:
    """The hint says when to retry, and unknown reasons keep the server's message."""
    limited = refusal_of(
        LensfeedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED", "slow down", retry_after=7.2)
    )
    assert limited.hint == "try again in 8 seconds"
    assert limited.as_json()["retryAfterSeconds"] == 7.2
    assert refusal_of(LensfeedError(grpc.StatusCode.INTERNAL, "NEW_REASON", "a new thing")).message == "a new thing"


def test_an_upload_is_remembered_by_user_server_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed file counts as another file, and only the owner can read the state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"one")
    uploads = UnfinishedUploads("http://a", 1)
    uploads.keep(photo, "medium")
    assert uploads.find(photo) == "medium"
    assert UnfinishedUploads("http://b", 1).find(photo) is None
    assert UnfinishedUploads("http://a", 2).find(photo) is None
    made = [each for each in state_folder().rglob("*") if each.is_file()]
    assert made
    assert all(each.stat().st_mode & 0o077 == 0 for each in (state_folder(), *made))
    photo.write_bytes(b"two!")
    assert uploads.find(photo) is None
    uploads.forget(photo)
    uploads.forget(photo)
    assert not [each for each in state_folder().rglob("*") if each.is_file()]


def _photo() -> Media:
    photo = Media(width=1600, height=1200, alt_text="A hill", state=MEDIA_STATE_READY)
    for width in (320, 1600):
        for kind in ("avif", "jpeg"):
            url = f"http://host/m/{width}.{kind.replace('e', '')}"
            photo.renditions.append(Rendition(url=url, content_type=f"image/{kind}", width=width))
    return photo
