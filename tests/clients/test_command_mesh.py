"""The commands that use a mesh, each as a process of its own on a real one."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import Awaitable
from pathlib import Path

import pytest
import pytest_asyncio
from lensfeed_client.commands.unfinished import UnfinishedUploads

from tests.blackbox.mesh import Mesh
from tests.blackbox.people import PASSWORD, eventually
from tests.clients.commands import Done, Json, Seat, newcomer
from tests.clients.held_line import held_line
from tests.clients.pseudo_terminal import at_terminal
from tests.media_svc.pictures import encoded, quarters

pytestmark = pytest.mark.mesh

HOSTILE = "Look\x1b]0;mine\x07 \x9b31m[bold]here[/bold] 🙂\nand there"
LENSFEED = (sys.executable, "-m", "devmesh")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for what the people here have."""
    return tmp_path_factory.mktemp("people")


@pytest.fixture(scope="module")
def photo(folder: Path) -> Path:
    """Give a small JPEG in a file."""
    file = folder / "photo.jpg"
    file.write_bytes(encoded(quarters(), "image/jpeg"))
    return file


@pytest.fixture
def broken(folder: Path, photo: Path) -> Path:
    """Give a JPEG that ends early."""
    file = folder / "broken.jpg"
    file.write_bytes(photo.read_bytes()[:-600])
    return file


@pytest.fixture
def large(folder: Path, photo: Path) -> Path:
    """Give a JPEG that is uploaded in three parts."""
    file = folder / "large.jpg"
    file.write_bytes(padded(photo.read_bytes(), 20 * 2**20))
    return file


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def people(mesh: Mesh, folder: Path, photo: Path) -> tuple[tuple[Seat, str], tuple[Seat, str], list[Json]]:
    """Give two people, of whom the second follows the first, and the first's two posts, newest first."""
    ada, ben = await asyncio.gather(newcomer(folder, mesh.url, "ada", "Ada L."), newcomer(folder, mesh.url, "ben", ""))
    followed, first = await asyncio.gather(
        ben[0].run("follow", f"@{ada[1].upper()}", "--json"),
        ada[0].run("post", str(photo), str(photo), "-m", HOSTILE, "--alt", "A hill", "--json"),
    )
    assert followed.json["handle"] == ada[1]
    second = await ada[0].run("post", str(photo), "-m", "later", "--json")
    return ada, ben, [second.json, first.json]


People = tuple[tuple[Seat, str], tuple[Seat, str], list[Json]]


async def test_a_post_is_published_when_the_command_ends(people: People) -> None:
    """With its files in their order, each with its own words."""
    _, _, (_, post) = people
    assert post["state"] == "POST_STATE_PUBLISHED"
    assert post["caption"] == HOSTILE
    assert [medium["altText"] for medium in post["media"]] == ["A hill", ""]
    assert all(medium["state"] == "MEDIA_STATE_READY" for medium in post["media"])


async def test_the_feed_goes_page_by_page(people: People) -> None:
    """JSON is one item a line, and the next page's cursor an object on standard error; --all goes to the end."""
    (_, author), (ben, _), posts = people
    ids = [post["postId"] for post in posts]

    async def look() -> list[Json]:
        return (await ben.run("feed", "--all", "--limit", "1", "--json")).lines

    items = await eventually(look, lambda items: len(items) == 2)
    assert [item["post"]["postId"] for item in items] == ids
    assert {item["author"]["handle"] for item in items} == {author}
    page = await ben.run("feed", "--limit", "1", "--json")
    rest = await ben.run("feed", "--cursor", page.trouble["nextCursor"], "--json")
    assert [item["post"]["postId"] for item in (*page.lines, *rest.lines)] == ids
    assert rest.err == ""


async def test_a_pipe_gets_plain_text(people: People) -> None:
    """Whole addresses, no colours, no character that a terminal would obey; how to go on is told beside it."""
    (ada, author), _, (_, post) = people
    done, first = await asyncio.gather(ada.run("posts"), ada.run("posts", author, "--limit", "1"))
    assert done.out.count(f"@{author} Ada L.  20") == 2
    assert "Look␛]0;mine␇ \N{REPLACEMENT CHARACTER}31m[bold]here[/bold] 🙂\nand there\n" in done.out
    assert re.search(rf"photo \d+ x \d+ · A hill: http://\S+{post['media'][0]['mediaId']}\S+\.jpg\n", done.out)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.out)
    assert done.err == ""
    assert re.fullmatch(rf"more with: lensfeed posts @{author} --limit 1 --cursor \S+\n", first.err)


async def test_a_terminal_is_asked_for_the_next_page(people: People) -> None:
    """Pictures are links there; and what others wrote stays text."""
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
    """Where the upload ends at its whole length; a pipe sees none of it."""
    (ada, _), _, _ = people
    env = ada.environment(TERM="xterm-256color")
    watched, piped = await asyncio.gather(
        at_terminal((*LENSFEED, "upload", str(photo)), env, {}), ada.run("upload", str(photo), "--no-wait")
    )
    assert watched.code == 0
    assert "━" in watched.screen
    assert (piped.code, piped.err) == (0, "")
    assert re.fullmatch(r"[a-z2-7]{26}: photo, being prepared\n", piped.out)


async def test_what_is_uploaded_can_be_posted_later(people: People, photo: Path) -> None:
    """And a post can be deleted, by who made it alone."""
    (ada, _), (ben, _), _ = people
    medium = (await ben.run("upload", str(photo), "--alt", "kept", "--json")).json
    post = (await ben.run("post", "--media", medium["mediaId"], "--json")).json
    assert post["media"][0]["altText"] == "kept"
    refused = await ada.run("delete", post["postId"], "--json")
    assert (refused.code, refused.trouble["reason"]) == (1, "POST_NOT_FOUND")
    assert (await ben.run("delete", post["postId"], "--json")).json == {"postId": post["postId"]}


async def test_a_killed_post_is_not_made_twice(
    mesh: Mesh, people: People, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed after the server posted, and before it heard so, is gone on with: it gets that post."""
    (ada, _), _, (post, _) = people
    monkeypatch.setenv("XDG_STATE_HOME", str(ada.home / "state"))
    uploads = UnfinishedUploads(mesh.url, int(post["authorId"]))
    uploads.keep(photo, post["media"][0]["mediaId"])
    again = await ada.run("post", str(photo), "-m", post["caption"], "--resume", "--json")
    assert again.json["postId"] == post["postId"]
    assert uploads.find(photo) is None


async def test_a_post_with_a_broken_file_does_not_stay(people: People, broken: Path, photo: Path) -> None:
    """The file is named, with the reason, and nothing is left waiting for it."""
    (ada, _), _, posts = people
    done = await ada.run("post", str(photo), str(broken), "--json")
    assert done.code == 1
    assert done.trouble["reason"] == "MEDIA_CORRUPT"
    assert done.trouble["message"].startswith("broken.jpg: ")
    assert [post["postId"] for post in (await ada.run("posts", "--json")).lines] == [post["postId"] for post in posts]


async def test_refusals_are_told(mesh: Mesh, people: People, folder: Path) -> None:
    """A sentence each; 1 for what is refused, 2 for a wrong command line."""
    (ada, author), _, _ = people
    stranger = Seat(folder / "stranger")
    stranger.home.mkdir()
    nameless = ("signup", "dee", "--name", "\x1b[2J", "--password-stdin")
    asked: list[tuple[Awaitable[Done], int, str]] = [
        (stranger.run("feed", "--url", mesh.url), 1, "log in with `lensfeed login`"),
        (ada.run("login", "ada"), 2, "--password-stdin"),
        (ada.run("follow", "nobody.at.all"), 1, "nobody called nobody.at.all"),
        (ada.run("follow", author), 1, "nobody follows themselves"),
        (ada.run("feed", "--cursor", "nonsense"), 1, "the cursor is not one of this list"),
        (ada.run("upload", __file__), 1, "test_command_mesh.py: the server does not take files of this type"),
        (ada.run("post"), 2, "a post has 1 to 10"),
        (stranger.run(*nameless, "--url", mesh.url, stdin=f"{PASSWORD}\n"), 1, "\n  display_name: "),
    ]
    told = await asyncio.gather(*(run for run, *_ in asked))
    for done, (_, code, words) in zip(told, asked, strict=True):
        assert (done.code, done.out) == (code, ""), done
        assert done.err.startswith("lensfeed: "), done
        assert words in done.err, done


async def test_a_session_is_kept_without_the_password(mesh: Mesh, folder: Path) -> None:
    """The prompt does not show it. The server of the login is the one that is meant from then on, until the session ends."""
    (seat, handle), elsewhere = await newcomer(folder, mesh.url, "cid"), folder / "elsewhere"
    elsewhere.mkdir()
    unnamed = Seat(elsewhere)
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
    wrong = await seat.run("login", handle, "--password-stdin", "--json", stdin="wrong wrong\n")
    assert (wrong.code, wrong.trouble["reason"]) == (1, "CREDENTIALS_INVALID")


async def test_a_reader_that_has_enough_is_no_trouble(people: People) -> None:
    """`lensfeed feed | head` says nothing of a broken pipe."""
    _, (ben, _), _ = people
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        *LENSFEED, "feed", "--json", env=ben.environment(), stdout=writing, stderr=asyncio.subprocess.PIPE
    )
    os.close(writing)
    _, err = await process.communicate()
    assert err == b""


async def test_an_upload_goes_on_after_a_kill(people: People, large: Path) -> None:
    """Of three parts one had passed: --resume sends the other two alone, and of the same medium."""
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
    assert "going on with the upload of large.jpg" in done.err
    assert len(line.passed) == 1
    assert sorted((*line.passed, *rest.passed)) == [1, 2, 3]
    assert list((ada.home / "state" / "lensfeed-client" / "uploads").iterdir()) == []


def padded(jpeg: bytes, size: int) -> bytes:
    """Return a JPEG that looks the same and is as long as wished, by comments."""
    comment = b"\xff\xfe\xff\xff" + bytes(0xFFFD)
    return jpeg[:2] + comment * ((size - len(jpeg)) // len(comment)) + jpeg[2:]
