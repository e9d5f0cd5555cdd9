"""Uploads by the Python client: streamed, told of, tried again, and gone on with."""

import asyncio
import os
import signal
import sys
import tracemalloc
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio
from lensfeed.media.v1.media_pb2 import MediaState
from lensfeed.media.v1.media_service_pb2 import GetMediaRequest
from lensfeed_client import AsyncLensfeed, FileSessions, Lensfeed, LensfeedError
from lensfeed_client.content_types import guess_type
from lensfeed_client.sources import Source
from lensfeed_client.upload import Upload

from tests.blackbox.mesh import Mesh
from tests.blackbox.people import eventually
from tests.clients.python_people import PASSWORD, new_handle, newcomer
from tests.media_svc.pictures import encoded, quarters

PART = 8 * 1024 * 1024
PARTS = 3
SIZE = 2 * PART + 1000
FILM = "video/mp4"
WHOLE = (MediaState.MEDIA_STATE_PROCESSING, MediaState.MEDIA_STATE_REJECTED)
"""Of bytes that are no film the worker says so at some time after all of them have come."""

Told = list[tuple[int, int]]


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Give a small JPEG."""
    return encoded(quarters(), "image/jpeg")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a file of SIZE random bytes, which are two parts and a small one."""
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    file.write_bytes(os.urandom(SIZE))
    return file


@pytest.fixture
def shrunk(tmp_path: Path) -> Source:
    """Give a file that had ten bytes and has five."""
    file = tmp_path / "film"
    file.write_bytes(b"0123456789")
    source = Source(file)
    file.write_bytes(b"01234")
    return source


@pytest_asyncio.fixture
async def feed(mesh: Mesh) -> AsyncIterator[AsyncLensfeed]:
    """Give a client of somebody who is new."""
    async with AsyncLensfeed(mesh.url) as feed:
        await newcomer(feed, "ada")
        yield feed


@pytest.mark.mesh
async def test_a_photo_by_the_client_that_waits(mesh: Mesh, photo: bytes, tmp_path: Path) -> None:
    """A photo is uploaded from a file or from memory, its type seen by its bytes, and can be posted once it is ready."""
    file = tmp_path / "photo"
    file.write_bytes(photo)
    ids: list[str] = []
    told: Told = []

    def use() -> None:
        handle = new_handle("ada")
        with Lensfeed(mesh.url) as feed:
            feed.sign_up(handle, PASSWORD)
            user = feed.log_in(handle, PASSWORD)
            media = feed.upload(
                file, alt_text="four", started=ids.append, progress=lambda sent, total: told.append((sent, total))
            )
            again = feed.upload(photo)
            first, second = (feed.wait_until_ready(each.media_id, timeout=60) for each in (media, again))
            assert (first.alt_text, first.width) == ("four", second.width)
            post = feed.post([first.media_id, second.media_id], "two of a kind")
            assert [each.post_id for each in feed.user_posts(user.user_id)] == [post.post_id]
            assert ids == [media.media_id]

    await asyncio.to_thread(use)
    assert told == [(0, len(photo)), (len(photo), len(photo))]


@pytest.mark.mesh
async def test_a_large_file_is_streamed(feed: AsyncLensfeed, film: Path) -> None:
    """A file of many parts goes from the disk piece by piece: no part is ever whole in memory, and progress never goes back."""
    told: Told = []
    tracemalloc.start()
    media = await feed.upload(film, content_type=FILM, progress=lambda sent, total: told.append((sent, total)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert media.state in WHOLE
    assert most < PART
    assert (told[0], told[-1]) == ((0, SIZE), (SIZE, SIZE))
    assert told == sorted(set(told))
    assert len(told) > 40


@pytest.mark.mesh
async def test_an_upload_goes_on_after_a_crash(mesh: Mesh, film: Path, tmp_path: Path) -> None:
    """After a kill in the middle another process sends what is missing, and nothing else."""
    sessions = tmp_path / "sessions.json"
    async with AsyncLensfeed(mesh.url, sessions=FileSessions(sessions)) as feed:
        await newcomer(feed, "ada")
    sender = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.clients.send_slowly", mesh.url, str(sessions), str(film)), stdout=PIPE
    )
    assert sender.stdout is not None
    media_id = (await sender.stdout.readline()).decode().strip()
    told: Told = []
    async with AsyncLensfeed(mesh.url, sessions=FileSessions(sessions)) as feed:

        async def missing() -> list[int]:
            upload = (await feed.media_service.GetMedia(GetMediaRequest(media_id=media_id))).upload
            return [part.number for part in upload.parts]

        assert await eventually(missing, lambda numbers: len(numbers) < PARTS) == [1, 2]
        sender.kill()
        assert await sender.wait() == -signal.SIGKILL
        media = await feed.upload(film, media_id=media_id, progress=lambda sent, total: told.append((sent, total)))
        assert media.state in WHOLE
        again = await feed.upload(film, media_id=media_id)
    assert (told[0], told[-1]) == ((SIZE - 2 * PART, SIZE), (SIZE, SIZE))
    assert again.media_id == media_id, "to go on with a finished one is no error"


@pytest.mark.mesh
async def test_another_file_is_refused(feed: AsyncLensfeed, film: Path) -> None:
    """Nothing of a file is sent that has become longer or shorter since its upload began."""
    async with httpx.AsyncClient(transport=Stumbling([400]), timeout=30) as broken:
        ids: list[str] = []
        with pytest.raises(LensfeedError):
            await Upload(feed.media_service, broken, Source(b"0123456789"), None).start(FILM, "", ids.append)
    for content in (b"012345678", b"0123456789a"):
        with pytest.raises(LensfeedError) as refusal:
            await feed.upload(content, media_id=ids[0])
        assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FILE_CHANGED")
    assert (await feed.upload(b"0123456789", media_id=ids[0])).state in WHOLE


@pytest.mark.mesh
async def test_parts_are_tried_again(feed: AsyncLensfeed, film: Path) -> None:
    """Where the storage stumbles, hangs or finds a URL too old, the part is sent again, by a fresh URL if need be."""
    told: Told = []
    storage = Stumbling([503, 403, httpx.ReadTimeout, httpx.WriteError, 403])
    async with httpx.AsyncClient(transport=storage, timeout=30) as http:
        upload = Upload(feed.media_service, http, Source(film), lambda sent, total: told.append((sent, total)))
        media = await upload.start(FILM, "", None)
    assert media.state in WHOLE
    assert not storage.troubles
    assert told == sorted(set(told))
    assert told[-1][0] == SIZE


@pytest.mark.mesh
async def test_a_refusal_says_why(feed: AsyncLensfeed) -> None:
    """What is not a picture is refused at the start by the mesh, or later by its worker, with the contract's reason."""
    with pytest.raises(LensfeedError) as refusal:
        await feed.upload(b"just a text")
    assert refusal.value.reason == "TYPE_UNSUPPORTED"
    assert [each.field for each in refusal.value.violations] == ["content_type"]
    media = await feed.upload(b"just a text", content_type="image/png")
    with pytest.raises(LensfeedError) as refusal:
        await feed.wait_until_ready(media.media_id, timeout=60)
    assert refusal.value.reason == "TYPE_MISMATCH"
    with pytest.raises(LensfeedError) as refusal:
        await feed.upload(b"just a text", media_id=media.media_id)
    assert refusal.value.reason == "TYPE_MISMATCH"


async def test_a_file_that_shrinks_while_it_is_read(shrunk: Source) -> None:
    """A part that the file no longer has is an error of the file, not of the storage."""
    with pytest.raises(LensfeedError) as failure:
        [chunk async for chunk in shrunk.read(2, 8)]
    assert failure.value.reason == "FILE_CHANGED"


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [
        (b"\xff\xd8\xff\xe0", "photo.png", "image/jpeg"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "", "image/avif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "", "image/heic"),
        (b"\0\0\0\x18ftypiso5\0\0\0\0isomiso2", "", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "", "video/quicktime"),
        (b"nothing known", "film.webm", "video/webm"),
        (b"nothing known", "", "application/octet-stream"),
    ],
)
def test_types_are_guessed(head: bytes, name: str, found: str) -> None:
    """The bytes tell what a file is, or else its name; where neither does, the mesh is left to refuse it."""
    assert guess_type(head, name) == found


class Stumbling(httpx.AsyncHTTPTransport):
    """The way to the real storage, on which the first requests fail: with a status, or an error of the network."""

    def __init__(self, troubles: list[int | type[httpx.TransportError]]) -> None:
        super().__init__()
        self.troubles = troubles

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail in the middle of the body, or pass the request on."""
        if not self.troubles:
            return await super().handle_async_request(request)
        trouble = self.troubles.pop(0)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for _ in request.stream:
            break
        if isinstance(trouble, int):
            return httpx.Response(trouble, request=request)
        raise trouble("the network broke", request=request)
