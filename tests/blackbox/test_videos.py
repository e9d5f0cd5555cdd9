"""A video from upload to playback."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.blackbox.people import Person, eventually
from tests.media_svc import films

pytestmark = pytest.mark.mesh


async def test_a_video_is_played_from_the_feed(ann: Person, bob: Person, tmp_path: Path) -> None:
    """A video posted during processing appears by itself and then plays in every rung."""
    await ann.follow(bob)
    film = await asyncio.to_thread(films.moving(tmp_path / "a.mp4", "640x360", "25", 5).read_bytes)
    media_id = await bob.upload(film, "video/mp4")
    await bob.post("moves", [media_id])
    await ann.sees("moves")
    (item,) = (await ann.call("GET", "/feed"))["items"]
    (shown,) = item["post"]["media"]
    assert (shown["kind"], shown["width"], shown["height"]) == ("MEDIA_KIND_VIDEO", 640, 360)

    async def progress() -> int:
        return int((await bob.call("GET", f"/media/{media_id}"))["media"]["progressPercent"])

    await eventually(progress, lambda percent: percent == 100)
    # The feed's URLs were issued with only the lowest rung and now lead to all rungs.
    async with httpx.AsyncClient() as http:
        master = await http.get(shown["hlsUrl"])
        assert films.sizes_of(films.variants_of(master.text)) == [(426, 240), (640, 360)]
        mp4 = await http.get(shown["renditions"][-1]["url"], headers={"range": "bytes=4-7"})
        assert (mp4.status_code, mp4.content, mp4.headers["content-type"]) == (206, b"ftyp", "video/mp4")
    played = await asyncio.to_thread(films.play_url, shown["hlsUrl"])
    assert played == {(426, 240): 125, (640, 360): 125}
