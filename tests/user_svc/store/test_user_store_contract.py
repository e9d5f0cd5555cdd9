"""The contract of every store of accounts and sessions."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from meshkit.events.outbox import OutboxRecord
from meshkit.ids import new_id
from meshkit.service_settings import ServiceSettings
from tests.user_svc import user_stores
from tests.user_svc.user_stores import Opened, open_store, rotation
from user_svc.model import Account, Avatar, ProfileChange, User
from user_svc.session import Session

ADA = User(7, "ada", "Ada", created_at=1_700_000_000_123, bio="hello", avatar_media_id="m", avatar_url="http://a")
BOB = User(8, "bob", "", created_at=1_700_000_000_456)
MAX_ID = 2**63 - 1
NOW = int(time.time())
SESSION = Session("s-1", 7, b"family", b"turn", created_at=NOW, expires_at=NOW + 1_000)


async def test_account_round_trip(opened: Opened) -> None:
    """An account is read as it was added, with and without its secret."""
    assert await opened.store.add_account(Account(ADA, "hash"))
    assert await opened.store.get_account(7) == Account(ADA, "hash")
    assert await opened.store.get_users([7]) == [ADA]


async def test_account_id_is_taken_once(opened: Opened) -> None:
    """An id that is taken is refused, and its account stays."""
    assert await opened.store.add_account(Account(ADA, "hash"))
    assert not await opened.store.add_account(Account(replace(BOB, user_id=7), "other"))
    assert await opened.store.get_account(7) == Account(ADA, "hash")


async def test_account_is_absent(opened: Opened) -> None:
    """An account that was never added is absent, whatever the id."""
    for user_id in (0, -1, 7, MAX_ID, -(2**63)):
        assert await opened.store.get_account(user_id) is None
        assert await opened.store.get_users([user_id]) == []


async def test_users_keep_the_order_asked_for(opened: Opened) -> None:
    """A batch keeps the order and repetitions of the request and leaves out absent accounts."""
    last = replace(BOB, user_id=MAX_ID)
    for user in (ADA, BOB, last):
        await opened.store.add_account(Account(user, "hash"))
    assert await opened.store.get_users([MAX_ID, 99, 8, 7, 8]) == [last, BOB, ADA, BOB]
    assert await opened.store.get_users([]) == []


async def test_batch_of_many_users(opened: Opened) -> None:
    """The contract's largest batch is read at once."""
    users = [replace(BOB, user_id=each, handle=f"u{each}") for each in range(1, 201)]
    for user in users:
        await opened.store.add_account(Account(user, "hash"))
    assert await opened.store.get_users([user.user_id for user in reversed(users)]) == users[::-1]


async def test_removed_account_is_gone(opened: Opened) -> None:
    """An account can be removed, repeatedly."""
    await opened.store.add_account(Account(ADA, "hash"))
    await opened.store.add_account(Account(BOB, "hash"))
    for _ in range(2):
        await opened.store.remove_account(7)
    assert await opened.store.get_users([7, 8]) == [BOB]


async def test_handle_has_no_owner_before_its_claim(opened: Opened) -> None:
    """An account without its claim, as a crash may leave it, owns no handle and blocks nobody."""
    await opened.store.add_account(Account(ADA, "hash"))
    assert await opened.store.get_handle_owner("ada") is None
    assert await opened.store.claim_handle("ada", 8) == 8


async def test_handle_goes_to_the_first(opened: Opened) -> None:
    """A handle belongs to the first claimant, who may claim it again."""
    assert await opened.store.claim_handle("ada", 7) == 7
    assert await opened.store.claim_handle("ada", 8) == 7
    assert await opened.store.claim_handle("ada", 7) == 7
    assert await opened.store.get_handle_owner("ada") == 7


async def test_handle_is_claimed_by_one_of_many(opened: Opened) -> None:
    """Concurrent claims of a handle all return the same owner."""
    owners = await asyncio.gather(*(opened.store.claim_handle("ada", each) for each in range(1, 51)))
    assert len(set(owners)) == 1
    assert owners[0] in range(1, 51)
    assert await opened.store.get_handle_owner("ada") == owners[0]


async def test_account_id_goes_to_one_of_many(opened: Opened) -> None:
    """Of concurrent accounts with one id exactly one is added, and it is the one stored."""
    accounts = [Account(replace(ADA, display_name=f"Ada {each}"), f"hash {each}") for each in range(20)]
    added = await asyncio.gather(*map(opened.store.add_account, accounts))
    assert added.count(True) == 1
    assert await opened.store.get_account(7) == accounts[added.index(True)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (ProfileChange(), ADA),
        (ProfileChange(display_name="Countess"), replace(ADA, display_name="Countess")),
        (ProfileChange(bio=""), replace(ADA, bio="")),
        (ProfileChange(avatar=Avatar()), replace(ADA, avatar_media_id="", avatar_url="")),
        (
            ProfileChange("", "é\0\U0001f600\n", Avatar("n", "http://b")),
            replace(ADA, display_name="", bio="é\0\U0001f600\n", avatar_media_id="n", avatar_url="http://b"),
        ),
    ],
)
async def test_change_of_a_profile(opened: Opened, change: ProfileChange, expected: User) -> None:
    """A change affects the named fields of one account, and its event is in the outbox."""
    await opened.store.add_account(Account(ADA, "hash"))
    await opened.store.add_account(Account(BOB, "hash"))
    record = OutboxRecord(new_id(), b"changed")
    await opened.store.change_profile(7, change, [record])
    assert await opened.store.get_account(7) == Account(expected, "hash")
    assert await opened.store.get_users([8]) == [BOB]
    assert await opened.records_of(record.minute) == [record]


async def test_last_change_stands(opened: Opened) -> None:
    """Consecutive changes each last until the next; fields they do not name stay."""
    await opened.store.add_account(Account(ADA, "hash"))
    for each in range(20):
        await opened.store.change_profile(7, ProfileChange(bio=f"{each}"), [])
        await opened.store.change_profile(7, ProfileChange(display_name=f"Ada {each}"), [])
        assert await opened.store.get_users([7]) == [replace(ADA, bio=f"{each}", display_name=f"Ada {each}")]


async def test_avatars_do_not_mix(opened: Opened) -> None:
    """Of concurrent avatar changes one wins with both of its parts."""
    await opened.store.add_account(Account(ADA, "hash"))
    avatars = [Avatar(f"m{each}", f"http://{99 - each}") for each in range(20)]
    await asyncio.gather(*(opened.store.change_profile(7, ProfileChange(avatar=each), []) for each in avatars))
    (user,) = await opened.store.get_users([7])
    assert Avatar(user.avatar_media_id, user.avatar_url) in avatars


async def test_nobody_is_made_by_a_change(opened: Opened) -> None:
    """Neither a profile change nor a hash change creates an account."""
    await opened.store.change_profile(7, ProfileChange(bio="boo"), [])
    await opened.store.replace_password_hash(7, "old", "new")
    assert await opened.store.get_users([7]) == []
    assert await opened.store.get_account(7) is None


async def test_removed_account_can_be_added_again(opened: Opened) -> None:
    """The id of a removed account can be used again."""
    await opened.store.add_account(Account(BOB, "older"))
    await opened.store.change_profile(8, ProfileChange(bio="older"), [])
    await opened.store.remove_account(8)
    assert await opened.store.add_account(Account(BOB, "hash"))
    assert await opened.store.get_account(8) == Account(BOB, "hash")


async def test_password_hash_is_replaced_once(opened: Opened) -> None:
    """A hash is replaced only if it is the expected one."""
    await opened.store.add_account(Account(ADA, "old"))
    await opened.store.replace_password_hash(7, "old", "new")
    await opened.store.replace_password_hash(7, "old", "newer")
    await opened.store.replace_password_hash(8, "old", "new")
    assert await opened.store.get_account(7) == Account(ADA, "new")
    assert await opened.store.get_account(8) is None


async def test_session_round_trip(opened: Opened) -> None:
    """A session is read as it was added."""
    await opened.store.add_session(SESSION)
    assert await opened.store.get_session("s-1") == SESSION
    assert await opened.store.get_session("s-2") is None


async def test_session_outlives_the_addition_of_others(opened: Opened) -> None:
    """A session stays until it expires, however many are added after it."""
    await opened.store.add_session(SESSION)
    await opened.store.add_session(replace(SESSION, session_id="s-2", created_at=NOW + 999, expires_at=NOW + 1_999))
    assert await opened.store.get_session("s-1") == SESSION


async def test_rotation_replaces_the_turn(opened: Opened) -> None:
    """A rotation changes the turn, the expiry and the last use, and keeps what a repeat of it needs."""
    await opened.store.add_session(SESSION)
    assert await opened.store.rotate_session("s-1", rotation(b"turn", b"next", NOW + 3_000, NOW + 5))
    rotated = replace(
        SESSION,
        turn_hash=b"next",
        expires_at=NOW + 3_000,
        last_used_at=NOW + 5,
        previous_turn_hash=b"turn",
        turn_salt=b"salt",
    )
    assert await opened.store.get_session("s-1") == rotated
    assert await opened.store.get_rotated_session("s-1") == rotated
    assert await opened.store.get_rotated_session("s-2") is None


async def test_rotation_needs_the_current_turn(opened: Opened) -> None:
    """A rotation with another turn, or without a session, changes and creates nothing."""
    await opened.store.add_session(SESSION)
    assert not await opened.store.rotate_session("s-1", rotation(b"older", b"next", NOW + 3_000))
    assert not await opened.store.rotate_session("s-2", rotation(b"turn", b"next", NOW + 3_000))
    assert await opened.store.get_session("s-1") == SESSION
    assert await opened.store.get_session("s-2") is None


async def test_rotation_is_won_by_one_of_many(opened: Opened) -> None:
    """Of concurrent rotations from one turn exactly one succeeds, and its turn is stored."""
    await opened.store.add_session(SESSION)
    turns = [b"turn-%d" % each for each in range(40)]
    won = await asyncio.gather(
        *(opened.store.rotate_session("s-1", rotation(b"turn", turn, NOW + 3_000)) for turn in turns)
    )
    assert won.count(True) == 1
    session = await opened.store.get_session("s-1")
    assert session is not None
    assert session.turn_hash == turns[won.index(True)]


async def test_rotation_and_revocation_at_once(opened: Opened) -> None:
    """If rotations and a revocation race, the session ends up revoked."""
    await opened.store.add_session(SESSION)

    async def rotate_on() -> None:
        turn = b"turn"
        while await opened.store.rotate_session("s-1", rotation(turn, following := turn + b".", NOW + 3_000)):
            turn = following

    async with asyncio.timeout(30):
        await asyncio.gather(rotate_on(), opened.store.revoke_session("s-1"))
    session = await opened.store.get_session("s-1")
    assert session is not None
    assert session.is_revoked


async def test_revoked_session_stays_revoked(opened: Opened) -> None:
    """A revoked session cannot be rotated. Revoking is repeatable and creates no session."""
    await opened.store.add_session(SESSION)
    for session_id in ("s-1", "s-1", "s-2"):
        await opened.store.revoke_session(session_id)
    assert not await opened.store.rotate_session("s-1", rotation(b"turn", b"next", NOW + 3_000))
    assert await opened.store.get_session("s-1") == replace(SESSION, is_revoked=True)
    assert await opened.store.get_session("s-2") is None


async def test_sessions_of_an_account_are_listed(opened: Opened) -> None:
    """An account's sessions are listed with all they hold, and not those of others or revoked ones."""
    full = replace(
        SESSION, session_id="s-2", password_version=3, last_used_at=NOW, device="phone", network="10.0.0.0/24"
    )
    for session in (SESSION, full, replace(SESSION, session_id="s-3"), replace(SESSION, session_id="s-4", user_id=8)):
        await opened.store.add_session(session)
    await opened.store.revoke_session("s-3")
    await opened.store.rotate_session("s-1", rotation(b"turn", b"next", NOW + 3_000, NOW + 5))
    last = replace(SESSION, previous_turn_hash=b"turn", turn_salt=b"salt", last_used_at=NOW + 5)
    rotated = replace(last, turn_hash=b"next", expires_at=NOW + 3_000)
    assert sorted(await opened.store.list_sessions(7), key=lambda each: each.session_id) == [rotated, full]
    assert await opened.store.list_sessions(9) == []


async def test_very_many_sessions_are_listed(opened: Opened) -> None:
    """All sessions of an account are listed, more than a page of them."""
    ids = {f"s-{number:04}" for number in range(520)}
    for some in (sorted(ids)[start : start + 40] for start in range(0, len(ids), 40)):
        await asyncio.gather(*(opened.store.add_session(replace(SESSION, session_id=each)) for each in some))
    assert {each.session_id for each in await opened.store.list_sessions(7)} == ids


async def test_credentials_are_replaced_if_they_are_the_expected_ones(opened: Opened) -> None:
    """Hash, version, kept session and codes change together, unless hash or codes have changed before."""
    old = Account(ADA, "hash")
    new = Account(ADA, "newer", 1, "s-1", {b"one": 0, b"two": 5})
    burnt = replace(new, recovery={b"one": NOW, b"two": 5})
    await opened.store.add_account(old)
    assert await opened.store.replace_credentials(old, new)
    assert await opened.store.get_account(7) == new
    assert not await opened.store.replace_credentials(old, replace(old, password_hash="other"))
    assert await opened.store.replace_credentials(new, burnt)
    assert not await opened.store.replace_credentials(new, replace(new, password_hash="other"))
    assert await opened.store.get_account(7) == burnt
    assert not await opened.store.replace_credentials(Account(BOB, "hash"), Account(BOB, "new"))
    assert await opened.store.get_account(8) is None


async def test_credentials_are_replaced_by_one_of_many(opened: Opened) -> None:
    """Of concurrent changes from one state exactly one succeeds."""
    old = Account(ADA, "hash")
    await opened.store.add_account(old)
    wanted = [replace(old, password_hash=f"hash {number}", password_version=1) for number in range(10)]
    won = await asyncio.gather(*(opened.store.replace_credentials(old, each) for each in wanted))
    assert won.count(True) == 1
    assert await opened.store.get_account(7) == wanted[won.index(True)]


async def test_store_remembers(store_settings: ServiceSettings) -> None:
    """Everything survives the end of the process."""
    async with open_store(store_settings) as opened:
        await opened.store.add_account(Account(ADA, "hash"))
        await opened.store.claim_handle("ada", 7)
        await opened.store.add_session(SESSION)
    async with open_store(store_settings) as opened:
        assert await opened.store.get_account(7) == Account(ADA, "hash")
        assert await opened.store.get_handle_owner("ada") == 7
        assert await opened.store.get_session("s-1") == SESSION


async def test_sqlite_forgets_expired_sessions(tmp_path: Path) -> None:
    """SQLite, which has no TTL, drops expired sessions when one is added."""
    async with open_store(user_stores.store_settings(None, tmp_path)) as opened:
        await opened.store.add_session(SESSION)
        await opened.store.add_session(
            replace(SESSION, session_id="s-2", created_at=NOW + 1_001, expires_at=NOW + 2_001)
        )
        assert await opened.store.get_session("s-1") is None
        assert await opened.store.get_session("s-2") is not None
