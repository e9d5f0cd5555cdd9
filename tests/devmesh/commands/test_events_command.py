"""`lensfeed events` with dead letters of a real consumer in a real Valkey."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from lensfeed.events.v1 import event_pb2
from lensfeed.media.v1 import media_pb2
from redis.asyncio import Redis
from structlog.testing import capture_logs

import feed_svc.events
import follow_svc.events
import media_svc.events
import post_svc.events
import user_svc.events
from devmesh.commands.dead_letter_selection import STREAMS, Selection
from devmesh.commands.dead_letters import DROP, PAGE, REPLAY, act_on, list_dead
from devmesh.parts.valkey import running_valkey
from devmesh.supervise.lock import locked
from meshkit.events import Consumer, DeadLetters, EventStream, new_record
from meshkit.events.entry import Entry
from meshkit.events.outbox import MINUTE_MS
from meshkit.redis.client import open_redis
from tests.devmesh.commands.test_command_line import lensfeed

pytestmark = pytest.mark.slow

POST, MEDIA = EventStream("post"), EventStream("media")
PUBLISHED = event_pb2.PostPublished(author_id=7, place=2**60)
LIMIT_SECONDS = 30.0


@pytest.fixture
def url(valkey_url: str) -> str:
    """Return the URL of a database for these tests only."""
    return valkey_url.removesuffix("/0") + "/8"


@pytest.fixture
async def redis(url: str) -> AsyncIterator["Redis"]:
    """Return an empty Redis."""
    async with open_redis(url) as client:
        await client.flushdb()
        yield client


async def give_up(redis: "Redis", stream: EventStream, *payloads: bytes) -> list[str]:
    """Let a real consumer give up each payload. Returns the ids of the letters."""
    entries: list[Any] = [await redis.xadd(stream.key, {"event": payload}) for payload in payloads]
    letters, stopping = DeadLetters(redis, stream), asyncio.Event()
    before = await letters.count()

    async def fail(_event: event_pb2.Event) -> None:
        raise ValueError("never")

    consumer = Consumer(redis, stream, "feed_svc", "m", fail, claim_idle_ms=10)
    with capture_logs():
        async with asyncio.timeout(LIMIT_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(consumer.run(stopping))
            while await letters.count() < before + len(entries):  # noqa: ASYNC110 - Redis raises no event here
                await asyncio.sleep(0.02)
            stopping.set()
    return [letter.letter_id for letter in (await letters.read())[before:]]


async def bury(redis: "Redis", stream: EventStream, count: int) -> None:
    """Add many events to the dead letters directly."""
    await redis.xgroup_create(stream.key, "g", id="0", mkstream=True)
    for user_id in range(count):
        record = new_record(event_pb2.UserUpdated(user_id=user_id))
        entry: Any = await redis.xadd(stream.key, {"event": record.payload})
        await redis.xreadgroup("g", "m", {stream.key: ">"})
        await DeadLetters(redis, stream).bury("g", Entry(entry, record.payload), "failed too often")
    await redis.xtrim(stream.key, maxlen=0)


async def events_in(redis: "Redis", stream: EventStream) -> list[event_pb2.Event]:
    """Return the events of a stream."""
    entries: Any = await redis.xrange(stream.key)
    return [event_pb2.Event.FromString(fields[b"event"]) for _, fields in entries]


async def test_letters_are_listed_with_their_ids(redis: "Redis", url: str) -> None:
    """Each line has stream, id, time, group, reason, event type and ids, even for garbage."""
    [first] = await give_up(redis, POST, new_record(PUBLISHED).payload)
    ready = event_pb2.MediaReady(owner_id=8, media=media_pb2.Media(media_id="abc", width=5))
    second, third = await give_up(redis, MEDIA, new_record(ready).payload, b"\xff")
    code, output, errors = await lensfeed("events", "dead", "--redis", url)
    assert (code, errors) == (0, "")
    header, *lines = (line.split() for line in output.splitlines())
    assert header == ["STREAM", "ID", "GIVEN", "UP", "BY", "WHY", "EVENT", "OF"]
    times = [line.pop(2) for line in lines]
    assert all(len(time) == len("2026-01-01T00:00:00Z") for time in times)
    often = ["feed_svc", "failed", "too", "often"]
    assert sorted(lines) == sorted(
        [
            ["post", first, *often, "PostPublished", "author_id=7", f"place={2**60}"],
            ["media", second, "feed_svc", "no", "event", "(none)"],
            ["media", third, *often, "MediaReady", "owner_id=8", "media_id=abc"],
        ]
    )


async def test_json_output_has_the_whole_event(redis: "Redis", capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is a JSON object with the event, or null for garbage."""
    record = new_record(PUBLISHED)
    [first] = await give_up(redis, POST, record.payload)
    await give_up(redis, MEDIA, b"\xff")
    assert await list_dead(redis, STREAMS, 100, as_json=True) == 0
    whole, poison = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert (whole["stream"], whole["id"], whole["group"]) == ("post", first, "feed_svc")
    assert whole["type"] == "PostPublished"
    assert whole["event"]["eventId"] == str(record.event_id)
    assert whole["event"]["postPublished"] == {"authorId": "7", "place": str(2**60)}
    assert (poison["stream"], poison["why"], poison["event"], poison["type"]) == ("media", "no event", None, None)


async def test_a_list_is_limited(redis: "Redis", capsys: pytest.CaptureFixture[str]) -> None:
    """The number of letters over the limit is printed on standard error."""
    await bury(redis, POST, 5)
    assert await list_dead(redis, STREAMS, 2, as_json=True) == 0
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 2
    assert told.err == "and 3 more; see --limit and --stream\n"
    assert await list_dead(redis, ("media",), 2, as_json=False) == 0
    assert capsys.readouterr() == ("", "there are no dead letters\n")


async def test_a_letter_is_replayed_by_its_id(redis: "Redis", url: str) -> None:
    """Replay puts the event back and deletes only its letter. A second replay does not find it."""
    record = new_record(PUBLISHED)
    mine, other = await give_up(redis, POST, record.payload, new_record(PUBLISHED).payload)
    await redis.xtrim(POST.key, maxlen=0)
    assert await lensfeed("events", "replay", mine, "--redis", url) == (0, "replayed 1\n", "")
    assert [event.event_id for event in await events_in(redis, POST)] == [record.event_id]
    assert [letter.letter_id for letter in await DeadLetters(redis, POST).read()] == [other]
    again = await lensfeed("events", "replay", mine, LENSFEED_REDIS_URL=url)
    assert again == (1, "replayed 0\n", f"lensfeed: dead letter {mine} does not exist\n")


async def test_all_letters_are_replayed(redis: "Redis", capsys: pytest.CaptureFixture[str]) -> None:
    """--all replays more letters than fit in one step. Garbage stays and is counted."""
    await bury(redis, POST, PAGE + 5)
    await give_up(redis, MEDIA, b"\xff", new_record(PUBLISHED).payload)
    await redis.xtrim(MEDIA.key, maxlen=0)
    assert await act_on(redis, Selection(STREAMS, None), REPLAY) == 0
    told = capsys.readouterr()
    assert told.out == f"replayed {PAGE + 6}\n"
    assert told.err == "skipped 1 without an event; remove them with `lensfeed events drop`\n"
    assert [event.user_updated.user_id for event in await events_in(redis, POST)] == list(range(PAGE + 5))
    assert len(await events_in(redis, MEDIA)) == 1
    assert [await DeadLetters(redis, stream).count() for stream in (POST, MEDIA)] == [0, 1]


async def test_garbage_can_be_dropped_but_not_replayed(redis: "Redis", capsys: pytest.CaptureFixture[str]) -> None:
    """Garbage, which would only fail again, can be dropped but not replayed."""
    [poison] = await give_up(redis, POST, b"\xff")
    assert await act_on(redis, Selection(STREAMS, (poison,)), REPLAY) == 1
    assert f"lensfeed events drop {poison}" in capsys.readouterr().err
    assert await act_on(redis, Selection(STREAMS, (poison,)), DROP) == 0
    assert capsys.readouterr().out == "dropped 1\n"
    assert await DeadLetters(redis, POST).count() == 0


async def test_an_ambiguous_id_needs_a_stream(redis: "Redis", capsys: pytest.CaptureFixture[str]) -> None:
    """An id in two streams is refused unless --stream selects one."""
    for stream in (POST, MEDIA):
        fields: Any = {"event": new_record(PUBLISHED).payload, "group": "g", "why": "", "entry": "1-1"}
        await redis.xadd(stream.dead_key, fields, id="5-0")
    assert await act_on(redis, Selection(STREAMS, ("5-0",)), REPLAY) == 1
    assert "5-0 is in post and media; choose with --stream" in capsys.readouterr().err
    assert await act_on(redis, Selection(("media",), ("5-0",)), REPLAY) == 0
    assert [await DeadLetters(redis, stream).count() for stream in (POST, MEDIA)] == [1, 0]


async def test_the_running_mesh_of_a_folder_is_found(tmp_path: Path) -> None:
    """Without a URL the command uses the Redis of the mesh running on --data, or reports that none runs."""
    async with running_valkey(tmp_path / "valkey") as url, open_redis(url) as redis:
        [letter] = await give_up(redis, POST, new_record(PUBLISHED).payload)
        with locked(tmp_path):
            code, output, _ = await lensfeed("events", "dead", "--data", str(tmp_path), LENSFEED_REDIS_URL="")
        assert code == 0
        assert letter in output
    code, _, errors = await lensfeed("events", "dead", "--data", str(tmp_path), LENSFEED_REDIS_URL="")
    assert code == 1
    assert errors.startswith(f"lensfeed: no mesh is running on {tmp_path}; give its folder with --data or a Redis with")


async def test_errors_do_not_show_the_redis_password() -> None:
    """The error about an unreachable Redis does not contain its password."""
    code, _, errors = await lensfeed("events", "dead", "--redis", "redis://me:secret@127.0.0.1:1/0")
    assert (code, errors) == (1, "lensfeed: no Redis answers at redis://127.0.0.1:1/0\n")


@pytest.mark.parametrize(
    "arguments",
    [("replay",), ("replay", "1-0", "--all"), ("replay", "yesterday"), ("dead", "--stream", "nonsense")],
    ids=["nothing named", "both named", "no id", "no stream"],
)
async def test_invalid_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    """Invalid arguments exit with 2."""
    code, output, errors = await lensfeed("events", *arguments)
    assert (code, output) == (2, "")
    assert errors


def test_every_stream_of_the_mesh_is_known() -> None:
    """The command knows all streams that services define."""
    modules = (feed_svc.events, follow_svc.events, media_svc.events, post_svc.events, user_svc.events)
    defined = [value for module in modules for value in vars(module).values()]
    streams = [each for value in defined for each in (value if isinstance(value, tuple) else (value,))]
    assert {each.name for each in streams if isinstance(each, EventStream)} == set(STREAMS)


async def test_an_outbox_is_reopened(redis: "Redis", url: str) -> None:
    """The sweepers of the named service, or of all services, are asked to go back from now."""
    assert (await lensfeed("events", "reopen", "post", "--minutes", "30", "--redis", url))[0] == 0
    this_minute = await POST.redis_ms(redis) // MINUTE_MS
    assert await POST.requested_reopening(redis) in {this_minute - 31, this_minute - 30}
    assert await MEDIA.requested_reopening(redis) is None
    code, output, _ = await lensfeed("events", "reopen", "--redis", url)
    assert (code, len(output.splitlines())) == (0, len(STREAMS) - 1)
    assert await MEDIA.requested_reopening(redis) is not None
