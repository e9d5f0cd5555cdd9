"""Delivery of media through the edge, and its end when posts are deleted."""

import httpx
import pytest

from tests.blackbox.mesh import Reach
from tests.blackbox.people import Person, eventually, put_parts

pytestmark = pytest.mark.mesh
CHROME = "image/avif,image/webp,image/apng,image/*,*/*;q=0.8"


async def test_a_plain_image(reach: Reach, bob: Person, photo_of_bob: str) -> None:
    """A plain <img src="/m/ID?w=…"> is redirected to the best file for the browser, cached forever, once it is posted."""
    await bob.post("plain", [photo_of_bob])
    for accept, content_type in ((CHROME, "image/avif"), ("image/webp,*/*", "image/webp"), ("*/*", "image/jpeg")):
        redirect = await reach.http.get(f"/m/{photo_of_bob}", params={"w": "100"}, headers={"accept": accept})
        assert redirect.status_code == 302
        assert redirect.headers["vary"] == "accept, save-data"
        shown = await reach.http.get(redirect.headers["location"])
        assert (shown.status_code, shown.headers["content-type"]) == (200, content_type)
        assert "immutable" in shown.headers["cache-control"]
        assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    absent = await reach.http.get(f"/m/{bob.user_id}")
    assert (absent.status_code, absent.json()["details"][0]["reason"]) == (404, "MEDIA_NOT_FOUND")


async def test_an_upload_resumes_after_a_crash(ann: Person, photo: bytes) -> None:
    """An app that kept only the id gets the missing parts and sends them; S3's event does the rest."""
    started = await ann.start_upload(photo)
    missing = (await ann.call("GET", f"/media/{started['mediaId']}"))["upload"]
    assert [part["number"] for part in missing["parts"]] == [1]
    await put_parts(missing, photo)
    assert (await ann.finished(started["mediaId"]))["state"] == "MEDIA_STATE_READY"
    assert "upload" not in await ann.call("GET", f"/media/{started['mediaId']}")


async def test_media_are_deleted_with_their_last_post(reach: Reach, bob: Person, photo: bytes) -> None:
    """A medium that is in no post any more is no longer served, except from caches for a minute."""
    gone, kept = [await bob.upload(photo) for _ in range(2)]
    urls = {each: [file["url"] for file in (await bob.finished(each))["renditions"]] for each in (gone, kept)}
    posts = [await bob.post(caption, media) for caption, media in (("both", [gone, kept]), ("one", [kept]))]
    seen = await reach.http.get(urls[gone][0])
    assert "s-maxage=60" in seen.headers["cache-control"]
    await bob.call("DELETE", f"/posts/{posts[0]}")

    async def status() -> int:
        # HEAD goes to the storage and is not cached.
        return (await reach.http.head(urls[gone][1])).status_code

    assert await eventually(status, lambda code: code != httpx.codes.OK) == httpx.codes.NOT_FOUND
    assert (await bob.send("GET", f"/media/{gone}")).status_code == httpx.codes.NOT_FOUND
    assert (await reach.http.get(f"/m/{gone}")).status_code == httpx.codes.NOT_FOUND
    assert [(await reach.http.get(url)).status_code for url in urls[kept]] == [200] * len(urls[kept])
    refused = await bob.send("POST", "/posts", {"caption": "again", "mediaIds": [gone]})
    assert refused.status_code == httpx.codes.NOT_FOUND
