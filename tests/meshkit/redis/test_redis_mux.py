"""The multiplexed connection with a real Valkey and with misbehaving servers."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import redis.exceptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshkit.redis import line as redis_line
from meshkit.redis.client import open_redis
from meshkit.redis.link import NotSentError
from meshkit.redis.mux import RedisMux, open_mux

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def mux_url(valkey_url: str) -> str:
    """Give a database that only these tests use."""
    return valkey_url.removesuffix("/0") + "/6"


@pytest.fixture
async def mux(mux_url: str) -> AsyncIterator[RedisMux]:
    """Give a connection to an empty database."""
    async with open_mux(mux_url) as mux:
        await mux.execute("FLUSHDB")
        yield mux


@contextlib.asynccontextmanager
async def served(peer: Peer) -> AsyncIterator[str]:
    """Run a fake server; yields its URL."""
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()
        await server.wait_closed()


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the initial PING."""
    if await reader.readexactly(14) == b"*1\r\n$4\r\nPING\r\n":
        writer.write(b"+PONG\r\n")


@given(st.binary(max_size=200))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_values_are_binary(mux: RedisMux, value: bytes) -> None:
    """Nothing is decoded, escaped or cut."""
    await mux.execute("SET", b"key", value)
    assert await mux.execute("GET", b"key") == value


async def test_tasks_share_the_connection(mux: RedisMux) -> None:
    """Answers match commands, however many are in progress."""
    answers = await asyncio.gather(*(mux.execute("ECHO", str(number)) for number in range(2_000)))
    assert answers == [str(number).encode() for number in range(2_000)]
    assert (await mux.execute("CLIENT", "LIST")).count(b"db=6") == 1


async def test_commands_of_one_call_are_answered_in_order(mux: RedisMux) -> None:
    """One round trip may contain commands that depend on each other."""
    assert await mux.execute_many([("SET", "n", 1), ("INCR", "n"), ("GET", "n"), ("GET", "absent")]) == [
        b"OK",
        2,
        b"2",
        None,
    ]


async def test_an_error_answer_is_raised_and_affects_no_other_command(mux: RedisMux) -> None:
    """The other commands took effect, and the connection stays open."""
    with pytest.raises(redis.exceptions.ResponseError, match="WRONGTYPE"):
        await mux.execute_many([("SET", "text", "x"), ("LPUSH", "text", "y"), ("SET", "after", "z")])
    assert await mux.execute("GET", "after") == b"z"


async def test_a_cancelled_task_does_not_shift_answers(mux: RedisMux) -> None:
    """The answer of a cancelled command is dropped, and the next one gets its own."""
    given_up = asyncio.create_task(mux.execute("ECHO", "first"))
    await asyncio.sleep(0)
    given_up.cancel()
    assert await mux.execute("ECHO", "second") == b"second"


async def test_a_lost_connection_is_replaced(mux: RedisMux, mux_url: str) -> None:
    """Commands in progress fail, and the next command opens a new connection."""
    number = await mux.execute("CLIENT", "ID")
    async with open_redis(mux_url) as other:
        await other.client_kill_filter(_id=str(number))
    with contextlib.suppress(redis.exceptions.ConnectionError):
        await mux.execute("PING")
    assert await mux.execute("PING") == b"PONG"
    assert await mux.execute("CLIENT", "ID") != number


async def test_an_unreachable_server_is_a_connection_error() -> None:
    """It is not a hang, and not an error of the operating system."""
    async with open_mux("redis://127.0.0.1:1/0") as mux:
        with pytest.raises(redis.exceptions.ConnectionError):
            await mux.execute("PING")


@pytest.mark.slow
async def test_a_hung_server_is_a_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The connection is replaced, because a late answer could be mistaken for a later command's."""
    monkeypatch.setattr(redis_line, "REST_SECONDS", 0.0)
    monkeypatch.setattr(redis_line, "TRIAL_SECONDS", 60.0)
    asked = asyncio.Queue[bytes]()

    async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        asked.put_nowait(await reader.read(1_000))
        await reader.read()  # until the other side hangs up
        writer.write(b"+LATE\r\n")
        writer.close()

    async with served(late) as url, open_mux(url, timeout_seconds=0.5) as mux:
        for number in (1, 2):
            with pytest.raises(redis.exceptions.TimeoutError):
                await mux.execute("ECHO", number)
            assert str(number).encode() in await asked.get()


@contextlib.asynccontextmanager
async def standing_still(*, until: int) -> AsyncIterator[tuple[RedisMux, list[str]]]:
    """Give a connection after a timeout, to a server that answers from its connection `until` on."""
    connections: list[str] = []

    async def still(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append("made")
        is_first, is_back = len(connections) == 1, len(connections) >= until
        while is_first or is_back:
            is_first = False
            try:
                await greet(reader, writer)
            except asyncio.IncompleteReadError:
                break
        await reader.read()
        writer.close()

    async with served(still) as url, open_mux(url, timeout_seconds=0.2) as mux:
        failures = await asyncio.gather(*(mux.execute("GET", "x") for _ in range(10)), return_exceptions=True)
        assert {type(failure) for failure in failures} == {redis.exceptions.TimeoutError}
        yield mux, connections


async def test_right_after_a_timeout_calls_fail_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers do not wait for a hung server, because the feed has another source."""
    monkeypatch.setattr(redis_line, "REST_SECONDS", 3_600.0)
    async with standing_still(until=2) as (mux, connections):
        for _ in range(10):
            with pytest.raises(NotSentError, match="a moment ago"):
                await mux.execute("PING")
        assert len(connections) == 1


async def test_one_call_probes_a_hung_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others do not wait; as soon as one call gets through, all do."""
    monkeypatch.setattr(redis_line, "REST_SECONDS", 0.0)
    async with standing_still(until=3) as (mux, connections):
        trial, *others = await asyncio.gather(*(mux.execute("PING") for _ in range(10)), return_exceptions=True)
        assert "cannot be reached" in str(trial)
        assert {str(other) for other in others} == {"Redis did not answer a moment ago"}
        assert len(connections) == 2
        assert await mux.execute("PING") == b"PONG"
        assert await asyncio.gather(*(mux.execute("PING") for _ in range(10))) == [b"PONG"] * 10


@pytest.mark.parametrize("nonsense", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+OK\r\n+OK\r\n+surplus\r\n"])
async def test_an_invalid_answer_closes_the_connection(nonsense: bytes) -> None:
    """After an invalid answer none is trusted, and the next command opens a new connection."""
    connections = 0

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await greet(reader, writer)
        await reader.read(100)
        writer.write(nonsense)
        await reader.read()
        writer.close()

    async with served(peer) as url, open_mux(url) as mux:
        for _ in range(2):
            with contextlib.suppress(redis.exceptions.ConnectionError):
                await mux.execute("PING")
            await asyncio.sleep(0.05)
    assert connections == 2


async def test_a_split_answer_is_reassembled() -> None:
    """The network may split answers anywhere."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await greet(reader, writer)
        await reader.read(100)
        for byte in b"*2\r\n$3\r\nabc\r\n:7\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()
        writer.close()

    async with served(peer) as url, open_mux(url) as mux:
        assert await mux.execute("ANY") == [b"abc", 7]


async def test_a_wrong_password_is_reported(mux: RedisMux, mux_url: str) -> None:
    """Credentials come from the URL."""
    await mux.execute("ACL", "SETUSER", "app", "on", ">secret", "+@all", "~*")
    host = mux_url.removeprefix("redis://").rpartition("@")[2]
    async with open_mux(f"redis://app:secret@{host}") as allowed:
        assert await allowed.execute("ACL", "WHOAMI") == b"app"
    async with open_mux(f"redis://app:wrong@{host}") as refused:
        with pytest.raises(redis.exceptions.ConnectionError, match="refused"):
            await refused.execute("PING")
    await mux.execute("ACL", "DELUSER", "app")


async def test_a_loading_server_counts_as_unreachable() -> None:
    """It accepts connections, but its answers would be wrong."""

    async def loading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"-LOADING Redis is loading the dataset in memory\r\n")
        await reader.read()
        writer.close()

    async with served(loading) as url, open_mux(url) as mux:
        with pytest.raises(NotSentError, match="LOADING"):
            await mux.execute("GET", "key")


async def test_many_strings_are_read_in_the_order_of_their_keys(mux: RedisMux) -> None:
    """A missing string is None."""
    await mux.execute_many([("SET", f"key {number}", number) for number in range(5)])
    keys = [b"key 3", b"absent", b"key 0", b"key 3"]
    assert await mux.get_many(keys) == [b"3", None, b"0", b"3"]
    assert await mux.get_many([]) == []
