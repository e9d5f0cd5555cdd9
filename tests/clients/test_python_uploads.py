"""Uploads by the Python client: streaming, progress, retries and resuming."""

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
from lensfeed_client.uploads.content_types import guess_type
from lensfeed_client.uploads.source import Source
from lensfeed_client.uploads.upload import Upload

from tests.blackbox.mesh import Mesh
from tests.blackbox.people import eventually
from tests.clients.python_people import PASSWORD, new_handle, new_user
from tests.media_svc.pictures import encoded, quarters

PART = 8 * 1024 * 1024
PARTS = 3
SIZE = 2 * PART + 1000
FILM = "video/mp4"
WHOLE = (MediaState.MEDIA_STATE_PROCESSING, MediaState.MEDIA_STATE_REJECTED)
"""Random bytes become REJECTED at some time after they are complete."""

Reports = list[tuple[int, int]]


@pytest.fixture(scope="module")
def photo() -> bytes:
    """Return a small JPEG."""
    return encoded(quarters(), "image/jpeg")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of SIZE random bytes, which are two full parts and a small one."""
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    file.write_bytes(os.urandom(SIZE))
    return file


@pytest.fixture
def shrunk(tmp_path: Path) -> Source:
    """Return a file that had ten bytes and now has five."""
    file = tmp_path / "film"
    file.write_bytes(b"0123456789")
    source = Source(file)
    file.write_bytes(b"01234")
    return source


@pytest_asyncio.fixture
async def feed(mesh: Mesh) -> AsyncIterator[AsyncLensfeed]:
    """Yield a client of a new user."""
    async with AsyncLensfeed(mesh.url) as feed:
        await new_user(feed, "ada")
        yield feed


@pytest.mark.mesh
async def test_the_blocking_client_uploads(mesh: Mesh, photo: bytes, tmp_path: Path) -> None:
    """A photo from a file or memory gets its type from its bytes and can be posted once it is ready."""
    file = tmp_path / "photo"
    file.write_bytes(photo)
    ids: list[str] = []
    reports: Reports = []

    def use() -> None:
        handle = new_handle("ada")
        with Lensfeed(mesh.url) as feed:
            feed.sign_up(handle, PASSWORD)
            user = feed.log_in(handle, PASSWORD)
            media = feed.upload(
                file, alt_text="four", started=ids.append, progress=lambda sent, total: reports.append((sent, total))
            )
            again = feed.upload(photo)
            first, second = (feed.wait_until_ready(each.media_id, timeout=60) for each in (media, again))
            assert (first.alt_text, first.width) == ("four", second.width)
            post = feed.post([first.media_id, second.media_id], "two of a kind")
            assert [each.post_id for each in feed.user_posts(user.user_id)] == [post.post_id]
            assert ids == [media.media_id]

    await asyncio.to_thread(use)
    assert reports == [(0, len(photo)), (len(photo), len(photo))]


@pytest.mark.mesh
async def test_a_large_file_is_streamed(feed: AsyncLensfeed, film: Path) -> None:
    """A large file is read in chunks, no part is ever whole in memory, and progress never decreases."""
    reports: Reports = []
    tracemalloc.start()
    media = await feed.upload(film, content_type=FILM, progress=lambda sent, total: reports.append((sent, total)))
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert media.state in WHOLE
    assert most < PART
    assert (reports[0], reports[-1]) == ((0, SIZE), (SIZE, SIZE))
    assert reports == sorted(set(reports))
    assert len(reports) > 40


@pytest.mark.mesh
async def test_an_upload_resumes_after_a_crash(mesh: Mesh, film: Path, tmp_path: Path) -> None:
    """After a kill, another process sends only the missing parts."""
    sessions = tmp_path / "sessions.json"
    async with AsyncLensfeed(mesh.url, sessions=FileSessions(sessions)) as feed:
        await new_user(feed, "ada")
    sender = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.clients.send_slowly", mesh.url, str(sessions), str(film)), stdout=PIPE
    )
    assert sender.stdout is not None
    media_id = (await sender.stdout.readline()).decode().strip()
    reports: Reports = []
    async with AsyncLensfeed(mesh.url, sessions=FileSessions(sessions)) as feed:

        async def missing_parts() -> list[int]:
            upload = (await feed.media_service.GetMedia(GetMediaRequest(media_id=media_id))).upload
            return [part.number for part in upload.parts]

        assert await eventually(missing_parts, lambda numbers: len(numbers) < PARTS) == [1, 2]
        sender.kill()
        assert await sender.wait() == -signal.SIGKILL
        media = await feed.upload(film, media_id=media_id, progress=lambda sent, total: reports.append((sent, total)))
        assert media.state in WHOLE
        again = await feed.upload(film, media_id=media_id)
    assert (reports[0], reports[-1]) == ((SIZE - 2 * PART, SIZE), (SIZE, SIZE))
    assert again.media_id == media_id, "resuming a finished upload is no error"


@pytest.mark.mesh
async def test_another_file_is_refused(feed: AsyncLensfeed, film: Path) -> None:
    """An upload is not resumed with a file of another length."""
    async with httpx.AsyncClient(transport=Unreliable([400]), timeout=30) as broken:
        ids: list[str] = []
        with pytest.raises(LensfeedError):
            await Upload(feed.media_service, broken, Source(b"0123456789"), None).start(FILM, "", ids.append)
    for content in (b"012345678", b"0123456789a"):
        with pytest.raises(LensfeedError) as refusal:
            await feed.upload(content, media_id=ids[0])
        assert (refusal.value.code, refusal.value.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FILE_CHANGED")
    assert (await feed.upload(b"0123456789", media_id=ids[0])).state in WHOLE


@pytest.mark.mesh
async def test_parts_are_retried(feed: AsyncLensfeed, film: Path) -> None:
    """A part is sent again after errors of the storage or the network, with a fresh URL if necessary."""
    reports: Reports = []
    storage = Unreliable([503, 403, httpx.ReadTimeout, httpx.WriteError, 403])
    async with httpx.AsyncClient(transport=storage, timeout=30) as http:
        upload = Upload(feed.media_service, http, Source(film), lambda sent, total: reports.append((sent, total)))
        media = await upload.start(FILM, "", None)
    assert media.state in WHOLE
    assert not storage.failures
    assert reports == sorted(set(reports))
    assert reports[-1][0] == SIZE


@pytest.mark.mesh
async def test_a_refusal_says_why(feed: AsyncLensfeed) -> None:
    """The mesh or its worker refuses a file that is not a picture, with the contract's reason."""
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


async def test_a_file_that_shrinks_while_it_is_read_fails(shrunk: Source) -> None:
    """A part that is missing from the file is an error of the file, not of the storage."""
    with pytest.raises(LensfeedError) as failure:
        [chunk async for chunk in shrunk.read(2, 8)]
    assert failure.value.reason == "FILE_CHANGED"


@pytest.mark.parametrize(
    ("head", "name", "found"),
    [
        (b"\xff\xd8\xff\xe0", "photo.png", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "", "image/png"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "", "image/webp"),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86", "", "video/webm"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "", "image/avif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "", "image/heic"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "", "image/heic"),
        (b"\0\0\0\x18ftypiso5\0\0\0\0isomiso2", "", "video/mp4"),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "", "video/quicktime"),
        (b"nothing known", "film.webm", "video/webm"),
        (b"nothing known", "", "application/octet-stream"),
    ],
)
def test_types_are_guessed(head: bytes, name: str, found: str) -> None:
    """The bytes determine the type, else the name; otherwise the mesh decides."""
    assert guess_type(head, name) == found


class Unreliable(httpx.AsyncHTTPTransport):
    """A transport to the real storage whose first requests fail with a status or a network error."""

    def __init__(self, failures: list[int | type[httpx.TransportError]]) -> None:
        super().__init__()
        self.failures = failures

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Fail in the middle of the body, or pass the request on."""
        if not self.failures:
            return await super().handle_async_request(request)
        failure = self.failures.pop(0)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for _ in request.stream:
            break
        if isinstance(failure, int):
            return httpx.Response(failure, request=request)
        raise failure("the network broke", request=request)
