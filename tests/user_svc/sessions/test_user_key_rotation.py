"""Access token keys are rotated without any edge refusing a token."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import jwt
import pytest
from jwt import PyJWKSet

from meshkit.settings import SettingsError
from user_svc.sessions.access_tokens import AUDIENCE, ISSUER, TokenSigner
from user_svc.sessions.key_ring import LOOK_SECONDS, KeyRing, read_keys
from user_svc.sessions.keys import key_id, make_keys
from user_svc.sessions.rotate_keys import KEEP_SECONDS, drop_key, rotate_keys

LIFE = timedelta(minutes=15)
SETTLE = 60


class Clock:
    """A clock that tests set, in seconds since 1970."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Return a clock for one test."""
    return Clock()


def signer_of(folder: Path, clock: Clock) -> TokenSigner:
    """Open a folder's key ring as user_svc does."""
    return TokenSigner(KeyRing(folder / "token-key.pem", SETTLE, clock), LIFE)


def known(folder: Path, token: str) -> bool:
    """Return whether an edge with the current JWKS accepts a token."""
    keys = {key.key_id: key for key in PyJWKSet.from_json((folder / "jwks.json").read_text()).keys}
    key = keys.get(jwt.get_unverified_header(token)["kid"])
    if key is None:
        return False
    # The tests' clock runs ahead of the library's.
    jwt.decode(token, key.key, ["EdDSA"], {"verify_iat": False}, audience=AUDIENCE, issuer=ISSUER)
    return True


def test_a_new_key_is_known_before_it_signs_and_an_old_one_after_it_signed(tmp_path: Path, clock: Clock) -> None:
    """After a rotation the old key keeps signing until the new one has settled. Both are known throughout."""
    make_keys(tmp_path)
    signer = signer_of(tmp_path, clock)
    before = signer.sign(1, "s", int(clock())).text
    rotate_keys(tmp_path, int(clock()))
    clock.now += LOOK_SECONDS
    during = signer.sign(1, "s", int(clock())).text
    clock.now += SETTLE
    after = signer.sign(1, "s", int(clock())).text
    kids = [jwt.get_unverified_header(token)["kid"] for token in (before, during, after)]
    assert kids[0] == kids[1] != kids[2]
    assert all(known(tmp_path, token) for token in (before, during, after))


def test_a_process_that_starts_in_between_signs_with_the_settled_key(tmp_path: Path, clock: Clock) -> None:
    """A restart during a rotation changes nothing."""
    make_keys(tmp_path)
    first = jwt.get_unverified_header(signer_of(tmp_path, clock).sign(1, "s", int(clock())).text)["kid"]
    rotate_keys(tmp_path, int(clock()))
    assert jwt.get_unverified_header(signer_of(tmp_path, clock).sign(1, "s", int(clock())).text)["kid"] == first


def test_outdated_keys_go_when_no_token_of_theirs_can_be_valid(tmp_path: Path, clock: Clock) -> None:
    """The first key is dropped by the first rotation that comes a day after its successor."""
    make_keys(tmp_path)
    now = int(clock())
    assert len(rotate_keys(tmp_path, now)) == 2
    assert len(rotate_keys(tmp_path, now + KEEP_SECONDS - 1)) == 3
    assert len(rotate_keys(tmp_path, now + KEEP_SECONDS)) == 3
    assert len(json.loads((tmp_path / "jwks.json").read_text())["keys"]) == 3


def test_rotations_at_once_lose_no_key(tmp_path: Path) -> None:
    """Concurrent rotations each add a key."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(rotate_keys, [tmp_path] * 8))
    assert len(read_keys(tmp_path / "token-key.pem")) == 9
    assert len(json.loads((tmp_path / "jwks.json").read_text())["keys"]) == 9


def test_a_damaged_file_changes_nothing_for_a_process_that_runs(tmp_path: Path, clock: Clock) -> None:
    """A running process keeps its keys when the file is damaged."""
    make_keys(tmp_path)
    signer = signer_of(tmp_path, clock)
    before = signer.sign(1, "s", int(clock())).text
    (tmp_path / "token-key.pem").write_text("half of a ke")
    clock.now += LOOK_SECONDS
    assert known(tmp_path, signer.sign(1, "s", int(clock())).text)
    assert known(tmp_path, before)


def test_a_dropped_key_is_unknown_at_once(tmp_path: Path, clock: Clock) -> None:
    """After a drop the edges know no token of the key, and the next token is signed by another one that they know."""
    make_keys(tmp_path)
    signer = signer_of(tmp_path, clock)
    for _ in range(2):
        stolen = signer.sign(1, "s", int(clock())).text
        drop_key(tmp_path, jwt.get_unverified_header(stolen)["kid"])
        clock.now += LOOK_SECONDS
        assert not known(tmp_path, stolen)
        assert known(tmp_path, signer.sign(1, "s", int(clock())).text)


def test_a_drop_leaves_the_other_keys_alone(tmp_path: Path, clock: Clock) -> None:
    """Tokens of other keys stay good, and an older key signs again where the newest was dropped."""
    make_keys(tmp_path)
    signer = signer_of(tmp_path, clock)
    before = signer.sign(1, "s", int(clock())).text
    newest = key_id(rotate_keys(tmp_path, int(clock()))[-1].key.public_key())
    clock.now += SETTLE + LOOK_SECONDS
    assert jwt.get_unverified_header(signer.sign(1, "s", int(clock())).text)["kid"] == newest
    drop_key(tmp_path, newest)
    clock.now += LOOK_SECONDS
    after = signer.sign(1, "s", int(clock())).text
    assert known(tmp_path, before)
    assert known(tmp_path, after)


def test_a_key_that_is_not_there_is_not_dropped(tmp_path: Path) -> None:
    """An unknown id is refused, and the keys stay as they are."""
    make_keys(tmp_path)
    before = (tmp_path / "token-key.pem").read_bytes()
    with pytest.raises(SettingsError, match=r"no key in .* has the id nonsense"):
        drop_key(tmp_path, "nonsense")
    assert (tmp_path / "token-key.pem").read_bytes() == before


def test_private_keys_stay_private(tmp_path: Path) -> None:
    """Only the owner can read the keys, before and after a rotation; the JWKS has public keys only."""
    rotate_keys(tmp_path)
    assert (tmp_path / "token-key.pem").stat().st_mode & 0o777 == 0o600
    assert all("d" not in key for key in json.loads((tmp_path / "jwks.json").read_text())["keys"])
