"""Pending posts, and uploads that complete by themselves."""

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from tests.blackbox.mesh import Mesh
from tests.blackbox.people import Person, put_parts
from tests.media_svc.pictures import encoded, png_header, quarters

pytestmark = pytest.mark.mesh


@contextlib.contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    """Suspend a process until the block ends."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def state_of(author: Person, post_id: str) -> str:
    """Return a post's state."""
    return str((await author.call("GET", f"/posts/{post_id}"))["post"]["state"])


async def test_a_post_waits_for_its_media(mesh: Mesh, ann: Person, bob: Person, photo: bytes) -> None:
    """While its photo is PROCESSING, a post is PENDING and only its author sees it."""
    await ann.follow(bob)
    with suspended(mesh.process_of("media_svc work")):
        media_id = await bob.upload(photo)
        post_id = await bob.post("waits", [media_id])
        post = (await bob.call("GET", f"/posts/{post_id}"))["post"]
        assert post["state"] == "POST_STATE_PENDING"
        assert "publishedAt" not in post
        assert [media["state"] for media in post["media"]] == ["MEDIA_STATE_PROCESSING"]
        assert (await ann.send("GET", f"/posts/{post_id}")).status_code == 404
        assert (await bob.call("GET", f"/users/{bob.user_id}/posts"))["posts"] == []
        assert await ann.feed() == []
    await ann.sees("waits")


async def test_a_pending_post_gets_its_place_when_published(
    mesh: Mesh, ann: Person, bob: Person, photo: bytes, photo_of_bob: str
) -> None:
    """A published pending post appears once, above posts created after it, in feed and profile."""
    await ann.follow(bob)
    with suspended(mesh.process_of("media_svc work")):
        first = await bob.post("made first", [photo_of_bob, await bob.upload(photo)])
        second = await bob.post("made second", [photo_of_bob])
        assert await state_of(bob, second) == "POST_STATE_PUBLISHED"
        await ann.sees("made second")
    await ann.sees("made first", "made second")
    assert await state_of(bob, first) == "POST_STATE_PUBLISHED"
    profile = (await ann.call("GET", f"/users/{bob.user_id}/posts"))["posts"]
    assert [post["postId"] for post in profile] == [first, second]
    assert len(profile[0]["media"]) == 2


async def test_a_post_may_precede_its_upload(ann: Person, bob: Person, photo: bytes) -> None:
    """A post of a started upload is published once its bytes have arrived."""
    await ann.follow(bob)
    upload = await bob.start_upload(photo)
    post_id = await bob.post("early", [upload["mediaId"]])
    assert await state_of(bob, post_id) == "POST_STATE_PENDING"
    parts = await put_parts(upload, photo)
    await bob.call("POST", f"/media/{upload['mediaId']}/complete", {"parts": parts})
    await ann.sees("early")


async def test_an_upload_completes_by_itself(bob: Person, photo: bytes) -> None:
    """If an app is closed after its last PUT, S3's event completes the upload."""
    upload = await bob.start_upload(photo)
    await put_parts(upload, photo)
    assert (await bob.finished(upload["mediaId"]))["state"] == "MEDIA_STATE_READY"


async def test_completing_is_repeatable(bob: Person, photo: bytes) -> None:
    """Completing an upload again returns the medium in its current state."""
    upload = await bob.start_upload(photo)
    done = {"parts": await put_parts(upload, photo)}
    path = f"/media/{upload['mediaId']}/complete"
    for _ in range(2):
        assert (await bob.call("POST", path, done))["media"]["mediaId"] == upload["mediaId"]
    await bob.finished(upload["mediaId"])
    assert (await bob.call("POST", path, done))["media"]["state"] == "MEDIA_STATE_READY"


async def test_a_large_photo_is_uploaded_in_parts(bob: Person) -> None:
    """A file larger than a part gets several URLs and becomes one picture."""
    padding = bytes(9_000_000)
    picture = encoded(quarters(), "image/jpeg") + padding
    upload = await bob.start_upload(picture)
    assert [part["number"] for part in upload["parts"]] == [1, 2]
    assert int(upload["partSizeBytes"]) == int(upload["parts"][0]["sizeBytes"])
    parts = await put_parts(upload, picture)
    await bob.call("POST", f"/media/{upload['mediaId']}/complete", {"parts": parts})
    media = await bob.finished(upload["mediaId"])
    assert (media["state"], media["width"], media["height"]) == ("MEDIA_STATE_READY", 120, 80)


@pytest.mark.parametrize(
    ("content", "content_type", "reason"),
    [
        (encoded(quarters(), "image/jpeg")[:400], "image/jpeg", "MEDIA_CORRUPT"),
        (encoded(quarters(), "image/png"), "image/jpeg", "TYPE_MISMATCH"),
        (png_header(50_000, 50_000), "image/png", "MEDIA_TOO_LARGE"),
    ],
    ids=["corrupt", "another type", "too many pixels"],
)
async def test_an_unusable_picture_is_rejected(bob: Person, content: bytes, content_type: str, reason: str) -> None:
    """A medium that can never be served says why and has no renditions."""
    media = await bob.finished(await bob.upload(content, content_type))
    assert media["state"] == "MEDIA_STATE_REJECTED"
    assert media["failure"]["reason"] == reason
    assert media["failure"]["message"]
    assert media["renditions"] == []


async def test_a_post_with_a_rejected_medium_is_never_published(ann: Person, bob: Person, photo_of_bob: str) -> None:
    """It stays PENDING with the reason at its medium, and feeds continue without it."""
    await ann.follow(bob)
    upload = await bob.start_upload(b"no picture")
    post_id = await bob.post("never", [upload["mediaId"]])
    await put_parts(upload, b"no picture")
    await bob.finished(upload["mediaId"])
    await bob.post("after it", [photo_of_bob])
    await ann.sees("after it")
    post = (await bob.call("GET", f"/posts/{post_id}"))["post"]
    assert post["state"] == "POST_STATE_PENDING"
    assert post["media"][0]["failure"]["reason"] in {"TYPE_MISMATCH", "MEDIA_CORRUPT"}


async def test_a_pending_post_can_be_deleted(mesh: Mesh, ann: Person, bob: Person, photo: bytes) -> None:
    """A post deleted while PENDING is not published when its media become READY."""
    await ann.follow(bob)
    with suspended(mesh.process_of("media_svc work")):
        media_id = await bob.upload(photo)
        withdrawn = await bob.post("withdrawn", [media_id])
        await bob.post("stays", [media_id])
        await bob.call("DELETE", f"/posts/{withdrawn}")
    await ann.sees("stays")
    assert (await bob.send("GET", f"/posts/{withdrawn}")).status_code == 404
