"""Listing and ending sessions, over a real channel."""

import time

import grpc
import pytest
from lensfeed.user.v1.user_service_pb2 import (
    EndOtherSessionsRequest,
    EndSessionRequest,
)

from meshkit.call import Call
from tests.errors import reason_of
from tests.user_svc.running_users import Users, caller
from tests.user_svc.sessions.session_calls import is_open, listed, log_in
from user_svc.sessions.origins import device_of, network_of, origin_of

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
EDGE = f"{CHROME} Edg/126.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/17.5 Safari/604"


async def test_sessions_are_listed_with_where_they_come_from(users: Users) -> None:
    """A session has its device, its network and its times, and the caller's own is marked."""
    user = await users.new_user()
    before = int(time.time())
    phone, _ = await log_in(users, user, "Ada's phone", "203.0.113.77")
    other, _ = await log_in(users, user, "", "2001:db8:1:2::3")
    found = {each.session_id: each for each in await listed(users, user, phone)}
    assert set(found) == {phone, other}
    assert (found[phone].device, found[phone].network, found[phone].is_current) == (
        "Ada's phone",
        "203.0.113.0/24",
        True,
    )
    assert (found[other].network, found[other].is_current) == ("2001:db8:1::/48", False)
    assert found[other].device.startswith("grpc-python")
    assert all(before <= each.created_at.seconds == each.last_used_at.seconds for each in found.values())


async def test_nobody_lists_the_sessions_of_another(users: Users) -> None:
    """Sessions are listed to their owner only."""
    ada, bob = await users.new_user(), await users.new_user()
    await log_in(users, ada)
    assert await listed(users, bob) == []


async def test_a_session_is_ended_by_its_id(users: Users) -> None:
    """An ended session is neither listed nor refreshed; others stay. Ending it again is no error."""
    user = await users.new_user()
    (first, token), (second, other) = await log_in(users, user), await log_in(users, user)
    for _ in range(2):
        await users.public.EndSession(EndSessionRequest(session_id=first), metadata=caller(user.user_id, second))
    assert [each.session_id for each in await listed(users, user)] == [second]
    assert not await is_open(users, token)
    assert await is_open(users, other)


@pytest.mark.parametrize("session_id", ["", "nonsense", "another's"])
async def test_only_own_sessions_can_be_ended(users: Users, session_id: str) -> None:
    """A session that does not exist or belongs to another user is SESSION_NOT_FOUND, and goes on."""
    ada, bob = await users.new_user(), await users.new_user()
    bobs, token = await log_in(users, bob)
    request = EndSessionRequest(session_id=bobs if session_id == "another's" else session_id)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await users.public.EndSession(request, metadata=caller(ada.user_id))
    assert (caught.value.code(), reason_of(caught.value)) == (grpc.StatusCode.NOT_FOUND, "SESSION_NOT_FOUND")
    assert await is_open(users, token)


async def test_all_other_sessions_are_ended(users: Users) -> None:
    """EndOtherSessions leaves the caller's session alone, and other users' sessions."""
    user, stranger = await users.new_user(), await users.new_user()
    (current, mine), *others = [await log_in(users, user) for _ in range(4)]
    _, strangers = await log_in(users, stranger)
    for _ in range(2):
        await users.public.EndOtherSessions(EndOtherSessionsRequest(), metadata=caller(user.user_id, current))
    assert [each.session_id for each in await listed(users, user, current)] == [current]
    assert [await is_open(users, token) for _, token in others] == [False] * 3
    assert await is_open(users, mine)
    assert await is_open(users, strangers)


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (CHROME, "Chrome, Windows"),
        (EDGE, "Edge, Windows"),
        (SAFARI, "Safari, iPhone"),
        ("lensfeed-python/0.1.0 (Linux)", "lensfeed-python, Linux"),
        ("grpc-python/1.60.0 grpc-c/37.0.0 (linux; chttp2)", "grpc-python"),
        ("curl/8.5.0", "curl"),
        ("", ""),
        ("(((", ""),
    ],
)
def test_a_user_agent_names_a_device(user_agent: str, device: str) -> None:
    """The device is the program and the system of the User-Agent."""
    assert device_of(user_agent) == device


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("unix", ""),
    ],
)
def test_only_the_network_of_an_address_is_kept(address: str, network: str) -> None:
    """Addresses are cut to a /24 or a /48."""
    assert network_of(address) == network


def test_a_device_name_is_one_line() -> None:
    """Control characters are dropped; a name of nothing else falls back to the User-Agent."""
    call = Call("r", user_agent="curl/8")
    assert origin_of(call, "my\nphone\x1b").device == "myphone"
    assert origin_of(call, "\n").device == "curl"
