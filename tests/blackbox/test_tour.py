"""A first tour of lensfeed, from signing up to a picture in a follower's feed."""

import io
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.protobuf.message import Message
from lensfeed.feed.v1 import feed_service_pb2
from lensfeed.post.v1 import post_service_pb2
from PIL import Image

from tests.blackbox.mesh import Reach
from tests.blackbox.people import Json, Person, new_user
from tests.media_svc.pictures import (
    BLUE,
    GREEN,
    PLACE_WORDS,
    RED,
    YELLOW,
    corner_colours,
    encoded,
    exif,
    near,
    quarters,
)
from tests.protocols import Edge, Headers, Outcome, grpc_call, grpc_web_call

pytestmark = pytest.mark.mesh

Call = Callable[[Edge, str, Message, Headers], Awaitable[Outcome]]
LEFT_SIDE_DOWN = 6
CAPTION = "Four colours \N{RAINBOW}"


@dataclass(frozen=True)
class Tour:
    """The tour's result: an author, a follower, the post and the uploaded picture."""

    author: Person
    follower: Person
    post_id: str
    picture: bytes
    part_url: str


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tour(reach: Reach) -> Tour:
    """Take the tour: two accounts, a phone photo, a post and a follow."""
    author, follower = await new_user(reach, "author"), await new_user(reach, "follower")
    picture = encoded(quarters(1200, 800), "image/jpeg", exif=exif(LEFT_SIDE_DOWN))
    upload = await author.start_upload(picture, alt_text="Four colours")
    async with httpx.AsyncClient() as s3:
        [part] = upload["parts"]
        put = await s3.put(part["url"], content=picture, headers=part["headers"])
    claimed = {"parts": [{"number": part["number"], "etag": put.headers["etag"]}]}
    await author.call("POST", f"/media/{upload['mediaId']}/complete", claimed)
    await author.finished(upload["mediaId"])
    post_id = await author.post(CAPTION, [upload["mediaId"]])
    await follower.follow(author)
    await follower.sees(CAPTION)
    return Tour(author, follower, post_id, picture, part["url"])


async def read_media(tour: Tour) -> Json:
    """Read the picture from the follower's feed."""
    [item] = (await tour.follower.call("GET", "/feed"))["items"]
    [media] = item["post"]["media"]
    assert media["state"] == "MEDIA_STATE_READY"
    result: Json = media
    return result


async def fetch(reach: Reach, rendition: Json) -> bytes:
    """Fetch a rendition by its URL without a token."""
    response = await reach.http.get(rendition["url"])
    assert response.status_code == 200
    assert response.headers["content-type"] == rendition["contentType"]
    return response.content


async def test_a_follower_reads_the_post_with_its_author(tour: Tour) -> None:
    """The feed has everything an app shows: caption, author and picture."""
    page = await tour.follower.call("GET", "/feed")
    [item] = page["items"]
    assert "nextCursor" not in page
    assert "emptyReason" not in page
    assert item["post"]["postId"] == tour.post_id
    assert item["post"]["caption"] == CAPTION
    assert item["post"]["state"] == "POST_STATE_PUBLISHED"
    assert item["author"] == (await tour.follower.call("GET", f"/users/{tour.author.user_id}"))["user"]
    assert item["author"]["handle"] == tour.author.handle


async def test_the_picture_is_described(tour: Tour) -> None:
    """Width and height are those after orientation; alternative text and a preview are included."""
    media = await read_media(tour)
    assert (media["width"], media["height"]) == (800, 1200)
    assert media["kind"] == "MEDIA_KIND_PHOTO"
    assert media["altText"] == "Four colours"
    assert media["thumbhash"]


async def test_every_format_exists_in_every_width(tour: Tour) -> None:
    """AVIF, WebP and JPEG exist in every width, including the original's."""
    renditions = (await read_media(tour))["renditions"]
    widths = {each["width"] for each in renditions}
    offered = {(each["contentType"], each["width"]) for each in renditions}
    assert offered == {(kind, width) for kind in ("image/avif", "image/webp", "image/jpeg") for width in widths}
    assert len(offered) == len(renditions)
    assert 800 in widths


async def test_renditions_match_their_description(tour: Tour, reach: Reach) -> None:
    """Each rendition decodes upright and has the stated type, size and length."""
    for rendition in (await read_media(tour))["renditions"]:
        content = await fetch(reach, rendition)
        assert rendition["url"].startswith(str(reach.http.base_url))
        assert len(content) == int(rendition["sizeBytes"])
        with Image.open(io.BytesIO(content)) as picture:
            assert f"image/{picture.format}".lower() == rendition["contentType"]
            assert picture.size == (rendition["width"], rendition["height"])
            shown = zip(corner_colours(picture), (BLUE, RED, YELLOW, GREEN), strict=True)
            assert all(near(found, wanted) for found, wanted in shown)


async def test_renditions_contain_no_location(tour: Tour, reach: Reach) -> None:
    """No rendition contains EXIF or a location, although the original has both."""
    assert PLACE_WORDS in tour.picture
    for rendition in (await read_media(tour))["renditions"]:
        content = await fetch(reach, rendition)
        assert PLACE_WORDS not in content
        with Image.open(io.BytesIO(content)) as picture:
            assert not picture.getexif()
            assert "exif" not in picture.info


async def test_the_original_is_nobodys_to_read(tour: Tour) -> None:
    """The address that it was PUT to gives nothing without a signature, nor with that of the PUT."""
    async with httpx.AsyncClient() as s3:
        for url in (tour.part_url, tour.part_url.partition("?")[0]):
            response = await s3.get(url)
            assert response.status_code in {403, 404}
            assert PLACE_WORDS not in response.content


@pytest.mark.parametrize("call", [grpc_call, grpc_web_call])
async def test_the_feed_is_the_same_in_every_protocol(tour: Tour, reach: Reach, call: Call) -> None:
    """The feed page in gRPC and gRPC-Web equals the REST answer."""
    request = feed_service_pb2.GetFeedRequest(limit=5)
    outcome = await call(reach, "/lensfeed.feed.v1.FeedService/GetFeed", request, tour.follower.headers)
    page = feed_service_pb2.GetFeedResponse.FromString(outcome.answer)
    assert page.items[0].post.caption == CAPTION
    same_as_json(page, await tour.follower.call("GET", "/feed?limit=5"))


@pytest.mark.parametrize("call", [grpc_call, grpc_web_call])
async def test_a_post_is_the_same_in_every_protocol(tour: Tour, reach: Reach, call: Call) -> None:
    """A post in gRPC and gRPC-Web equals the REST answer."""
    request = post_service_pb2.GetPostRequest(post_id=tour.post_id)
    outcome = await call(reach, "/lensfeed.post.v1.PostService/GetPost", request, tour.follower.headers)
    answer = post_service_pb2.GetPostResponse.FromString(outcome.answer)
    assert answer.post.media[0].renditions
    same_as_json(answer, await tour.follower.call("GET", f"/posts/{tour.post_id}"))


def same_as_json(message: Message, json: Json) -> None:
    """Check that a message equals proto3 JSON that prints fields without presence."""
    assert json == json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    assert json_format.ParseDict(json, type(message)()) == message
