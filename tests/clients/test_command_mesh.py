"""The commands that use a mesh, each as a process on a real mesh."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path

import pytest
import pytest_asyncio
from lensfeed_client.commands.state.unfinished_uploads import UnfinishedUploads

from tests.blackbox.mesh import Mesh
from tests.blackbox.people import PASSWORD, eventually
from tests.clients.commands import Finished, Json, User, new_user
from tests.clients.held_line import held_line
from tests.clients.pseudo_terminal import at_terminal
from tests.media_svc.pictures import encoded, quarters

pytestmark = pytest.mark.mesh

HOSTILE = "Look\x1b]0;mine\x07 \x9b31m[bold]here[/bold] 🙂\nand there"
LENSFEED = (sys.executable, "-m", "devmesh")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the users' files."""
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def photo(folder: Path) -> Path:
    """Return a small JPEG file."""
    file = folder / "photo.jpg"
    file.write_bytes(encoded(quarters(), "image/jpeg"))
    return file


@pytest.fixture
def broken(folder: Path, photo: Path) -> Path:
    """Return a truncated JPEG file."""
    file = folder / "broken.jpg"
    file.write_bytes(photo.read_bytes()[:-600])
    return file


@pytest.fixture
def large(folder: Path, photo: Path) -> Path:
    """Return a JPEG file that is uploaded in three parts."""
    file = folder / "large.jpg"
    file.write_bytes(padded(photo.read_bytes(), 20 * 2**20))
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(mesh: Mesh, folder: Path, photo: Path) -> tuple[tuple[User, str], tuple[User, str], list[Json]]:
    """Two users, the second following the first, and the first one's two posts, newest first."""
    ada, ben = await asyncio.gather(new_user(folder, mesh.url, "ada", "Ada L."), new_user(folder, mesh.url, "ben", ""))
    followed, first = await asyncio.gather(
        ben[0].run("follow", f"@{ada[1].upper()}", "--json"),
        ada[0].run("post", str(photo), str(photo), "-m", HOSTILE, "--alt", "A hill", "--json"),
    )
    assert followed.json["handle"] == ada[1]
    second = await ada[0].run("post", str(photo), "-m", "later", "--json")
    return ada, ben, [second.json, first.json]


People = tuple[tuple[User, str], tuple[User, str], list[Json]]


async def test_a_post_is_published_when_the_command_ends(people: People) -> None:
    """The post has the files in order, each with its own alternative text."""
    _, _, (_, post) = people
    assert post["state"] == "POST_STATE_PUBLISHED"
    assert post["caption"] == HOSTILE
    assert [medium["altText"] for medium in post["media"]] == ["A hill", ""]
    assert all(medium["state"] == "MEDIA_STATE_READY" for medium in post["media"])


async def test_the_feed_is_paged(people: People) -> None:
    """JSON output has one item per line and the cursor on standard error; --all reads to the end."""
    (_, author), (ben, _), posts = people
    ids = [post["postId"] for post in posts]

    async def look() -> list[Json]:
        return (await ben.run("feed", "--all", "--limit", "1", "--json")).lines

    items = await eventually(look, lambda items: len(items) == 2)
    assert [item["post"]["postId"] for item in items] == ids
    assert {item["author"]["handle"] for item in items} == {author}
    page = await ben.run("feed", "--limit", "1", "--json")
    rest = await ben.run("feed", "--cursor", page.error["nextCursor"], "--json")
    assert [item["post"]["postId"] for item in (*page.lines, *rest.lines)] == ids
    assert rest.err == ""


async def test_a_pipe_gets_plain_text(people: People) -> None:
    """A pipe gets whole URLs and no colours or control characters. The next command goes to standard error."""
    (ada, author), _, (_, post) = people
    done, first = await asyncio.gather(ada.run("posts"), ada.run("posts", author, "--limit", "1"))
    assert done.out.count(f"@{author} Ada L.  20") == 2
    assert "Look␛]0;mine␇ \N{REPLACEMENT CHARACTER}31m[bold]here[/bold] 🙂\nand there\n" in done.out
    assert re.search(rf"photo \d+ x \d+ · A hill: http://\S+{post['media'][0]['mediaId']}\S+\.jpg\n", done.out)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)
    assert done.err == ""
    assert re.fullmatch(rf"more with: lensfeed posts @{author} --limit 1 --cursor \S+\n", first.err)


async def test_a_terminal_is_asked_for_the_next_page(people: People) -> None:
    """At a terminal, pictures are links and other people's text stays text."""
    _, (ben, _), _ = people
    command, env = (*LENSFEED, "feed", "--limit", "1"), ben.environment(TERM="xterm-256color")
    seen, colourless = await asyncio.gather(
        at_terminal(command, env, {"q ends: ": "\n"}, columns=34),
        at_terminal(command, {**env, "NO_COLOR": "1"}, {"q ends: ": "q\n"}),
    )
    assert seen.code == 0
    assert re.search(r"\x1b\]8;[^;]*;http://\S+\.jpg\x1b\\", seen.screen)
    assert "␛]0;mine␇" in seen.screen
    assert "\x1b]0;" not in seen.screen
    assert seen.screen.index("later") < seen.screen.index("q ends: ") < seen.screen.index("Look")
    assert "more with: lensfeed feed" in colourless.screen
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", colourless.screen)


async def test_progress_is_for_terminals(people: People, photo: Path) -> None:
    """A terminal shows a progress bar; a pipe does not."""
    (ada, _), _, _ = people
    env = ada.environment(TERM="xterm-256color")
    # One after the other: a second run would resume the upload of the first.
    watched = await at_terminal((*LENSFEED, "upload", str(photo)), env, {})
    piped = await ada.run("upload", str(photo), "--no-wait")
    assert watched.code == 0
    assert "━" in watched.screen
    assert (piped.code, piped.err) == (0, "")
    # A quick worker is done by then.
    assert re.fullmatch(r"[a-z2-7]{26}: photo(, being prepared| 120 x 80: http\S+\.jpg)\n", piped.out)


async def test_an_upload_can_be_posted_later(people: People, photo: Path) -> None:
    """An uploaded medium can be posted later, and only its author can delete the post."""
    (ada, _), (ben, _), _ = people
    medium = (await ben.run("upload", str(photo), "--alt", "kept", "--json")).json
    post = (await ben.run("post", "--media", medium["mediaId"], "--json")).json
    assert post["media"][0]["altText"] == "kept"
    refused = await ada.run("delete", post["postId"], "--json")
    assert (refused.code, refused.error["reason"]) == (1, "POST_NOT_FOUND")
    assert (await ben.run("delete", post["postId"], "--json")).json == {"postId": post["postId"]}


async def test_a_killed_post_is_not_created_twice(
    mesh: Mesh, people: People, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run resumed after a kill returns the post that the server has already created."""
    (ada, _), _, (post, _) = people
    monkeypatch.setenv("XDG_STATE_HOME", str(ada.home / "state"))
    uploads = UnfinishedUploads(mesh.url, int(post["authorId"]))
    uploads.keep(photo, post["media"][0]["mediaId"])
    again = await ada.run("post", str(photo), "-m", post["caption"], "--resume", "--json")
    assert again.json["postId"] == post["postId"]
    assert uploads.find(photo) is None


async def test_a_post_with_a_broken_file_is_deleted(people: People, broken: Path, photo: Path) -> None:
    """The error names the file and the reason, and no pending post is left."""
    (ada, _), _, posts = people
    done = await ada.run("post", str(photo), str(broken), "--json")
    assert done.code == 1
    assert done.error["reason"] == "MEDIA_CORRUPT"
    assert done.error["message"].startswith("broken.jpg: ")
    assert [post["postId"] for post in (await ada.run("posts", "--json")).lines] == [post["postId"] for post in posts]


async def test_errors_are_explained(mesh: Mesh, people: People, folder: Path) -> None:
    """Each error is a sentence; the exit code is 1 for a refusal and 2 for a wrong command line."""
    (ada, author), _, _ = people
    stranger = User(folder / "stranger")
    stranger.home.mkdir()
    nameless = ("signup", "dee", "--name", "\x1b[2J", "--password-stdin")
    asked: list[tuple[Awaitable[Finished], int, str]] = [
        (stranger.run("feed", "--url", mesh.url), 1, "log in with `lensfeed login`"),
        (ada.run("login", "ada"), 2, "--password-stdin"),
        (ada.run("follow", "nobody.at.all"), 1, "no user called nobody.at.all"),
        (ada.run("follow", author), 1, "you cannot follow yourself"),
        (ada.run("feed", "--cursor", "nonsense"), 1, "the cursor does not belong to this list"),
        (ada.run("upload", __file__), 1, "test_command_mesh.py: the server does not accept this file type"),
        (ada.run("post"), 2, "a post has 1 to 10"),
        (stranger.run(*nameless, "--url", mesh.url, stdin=f"{PASSWORD}\n"), 1, "\n  display_name: "),
    ]
    finished = await asyncio.gather(*(run for run, *_ in asked))
    for done, (_, code, words) in zip(finished, asked, strict=True):
        assert (done.code, done.out) == (code, ""), done
        assert done.err.startswith("lensfeed: "), done
        assert words in done.err, done


async def test_a_session_is_stored_without_the_password(mesh: Mesh, folder: Path) -> None:
    """The prompt and the files do not show the password. Later commands use the same server until logout."""
    (user, handle), elsewhere = await new_user(folder, mesh.url, "cid"), folder / "elsewhere"
    elsewhere.mkdir()
    unnamed = User(elsewhere)
    env = unnamed.environment(TERM="xterm")
    typed = {"Handle": f"@{handle}\n", "Password: ": f"{PASSWORD}\n"}
    seen = await at_terminal((*LENSFEED, "login", "--url", mesh.url), env, typed)
    assert seen.code == 0, seen.screen
    assert f"Logged in as @{handle}" in re.sub(r"\x1b\[[0-9;]*m", "", seen.screen)
    kept = [file.read_text() for file in elsewhere.rglob("*") if file.is_file()]
    assert any("refresh_token" in text for text in kept)
    assert all(PASSWORD not in text for text in (seen.screen, *kept))
    assert (await unnamed.run("whoami", "--json")).json["handle"] == handle
    assert (await unnamed.run("logout", "--json")).json == {}
    assert (await unnamed.run("whoami")).code == 1
    wrong = await user.run("login", handle, "--password-stdin", "--json", stdin="wrong wrong\n")
    assert (wrong.code, wrong.error["reason"]) == (1, "CREDENTIALS_INVALID")


async def test_a_closed_pipe_is_no_error(people: People) -> None:
    """`lensfeed feed | head` prints no error about a broken pipe."""
    _, (ben, _), _ = people
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        *LENSFEED, "feed", "--json", env=ben.environment(), stdout=writing, stderr=asyncio.subprocess.PIPE
    )
    os.close(writing)
    _, err = await process.communicate()
    assert err == b""


async def test_an_upload_resumes_after_a_kill(people: People, large: Path) -> None:
    """With one of three parts stored, --resume sends only the other two of the same medium."""
    (ada, _), _, _ = people
    async with held_line(passes=1) as line:
        process = await ada.start("upload", str(large), "--resume", "--json", HTTP_PROXY=line.url)
        await asyncio.wait_for(line.holds.wait(), 60)
        process.send_signal(signal.SIGKILL)
        await process.communicate()
    assert process.returncode == -signal.SIGKILL
    async with held_line(passes=9) as rest:
        done = await ada.run("upload", str(large), "--resume", HTTP_PROXY=rest.url)
    assert done.code == 0, done
    assert "resuming the upload of large.jpg" in done.err
    assert len(line.passed) == 1
    assert sorted((*line.passed, *rest.passed)) == [1, 2, 3]
    assert list((ada.home / "state" / "lensfeed-client" / "uploads").iterdir()) == []


def padded(jpeg: bytes, size: int) -> bytes:
    """Return a JPEG that looks the same but is enlarged to `size` by comments."""
    comment = b"\xff\xfe\xff\xff" + bytes(0xFFFD)
    return jpeg[:2] + comment * ((size - len(jpeg)) // len(comment)) + jpeg[2:]
