"""Access tokens, their keys, and refresh tokens."""

import base64
import contextlib
import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from meshkit.errors import UnauthenticatedError
from meshkit.settings import SettingsError
from user_svc.session import RefreshToken, Session
from user_svc.sessions.access_tokens import TokenSigner
from user_svc.sessions.key_ring import KeyRing, read_keys
from user_svc.sessions.keys import make_keys

LIFE = timedelta(minutes=15)


def _read_token(folder: Path, token: str) -> dict[str, Any]:
    """Verify a token with the JWKS alone, as the edge does."""
    keys = jwt.PyJWKSet.from_json((folder / "jwks.json").read_text())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        audience="lensfeed",
        issuer="lensfeed",
        options={"require": ["exp", "iat", "sub", "aud", "iss"]},
    )
    return claims


def test_access_token_is_verified_by_the_jwks(tmp_path: Path) -> None:
    """A token names its user, session and expiry, and the JWKS verifies it."""
    make_keys(tmp_path)
    now = int(time.time())
    token = TokenSigner(KeyRing(tmp_path / "token-key.pem", 0), LIFE).sign(2**62 + 1, "session", now)
    assert token.expires_at == now + 900
    assert _read_token(tmp_path, token.text) == {
        "iss": "lensfeed",
        "aud": "lensfeed",
        "sub": str(2**62 + 1),
        "sid": "session",
        "iat": now,
        "exp": now + 900,
    }
    assert token.text not in repr(token)


def test_access_token_expires(tmp_path: Path) -> None:
    """A token expires after a quarter of an hour."""
    make_keys(tmp_path)
    token = TokenSigner(KeyRing(tmp_path / "token-key.pem", 0), LIFE).sign(1, "session", int(time.time()) - 901)
    with pytest.raises(jwt.ExpiredSignatureError):
        _read_token(tmp_path, token.text)


def test_access_token_of_another_key_is_refused(tmp_path: Path) -> None:
    """The JWKS does not verify tokens of another key."""
    make_keys(tmp_path / "ours")
    make_keys(tmp_path / "theirs")
    token = TokenSigner(KeyRing(tmp_path / "theirs/token-key.pem", 0), LIFE).sign(1, "session", int(time.time()))
    with pytest.raises(KeyError):
        _read_token(tmp_path / "ours", token.text)


def test_jwks_holds_the_public_half_alone(tmp_path: Path) -> None:
    """The JWKS holds one public Ed25519 key with its RFC 7638 thumbprint. Only the owner can read the private key."""
    make_keys(tmp_path)
    [key] = json.loads((tmp_path / "jwks.json").read_text())["keys"]
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{key["x"]}"}}'
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical.encode()).digest()).rstrip(b"=").decode()
    assert key == {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": key["x"],
        "kid": thumbprint,
        "alg": "EdDSA",
        "use": "sig",
    }
    assert (tmp_path / "token-key.pem").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "jwks.json").stat().st_mode & 0o777 == 0o644
    assert sorted(each.name for each in tmp_path.iterdir()) == ["jwks.json", "token-key.pem"]


def test_keys_are_made_once(tmp_path: Path) -> None:
    """Existing keys stay unchanged; a missing JWKS is made from the same key."""
    make_keys(tmp_path)
    before = {each.name: each.read_bytes() for each in tmp_path.iterdir()}
    make_keys(tmp_path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before
    (tmp_path / "jwks.json").unlink()
    make_keys(tmp_path)
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == before


def test_keys_made_at_once_fit(tmp_path: Path) -> None:
    """Concurrent calls end with one key and its JWKS."""
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(make_keys, [tmp_path] * 8))
    token = TokenSigner(KeyRing(tmp_path / "token-key.pem", 0), LIFE).sign(1, "session", int(time.time()))
    assert _read_token(tmp_path, token.text)["sub"] == "1"
    assert len(list(tmp_path.iterdir())) == 2


def test_unusable_key_is_a_setting_to_mend(tmp_path: Path) -> None:
    """A missing or unusable key file is refused with the setting's name and the command that makes one."""
    (tmp_path / "text.pem").write_text("hello")
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "other.pem").write_bytes(other)
    for name in ("absent.pem", "text.pem", "other.pem"):
        with pytest.raises(SettingsError, match=r"LENSFEED_TOKEN_KEY_FILE.*python -m user_svc keys"):
            read_keys(tmp_path / name)


def test_foreign_key_stays(tmp_path: Path) -> None:
    """If something else is in the key's place, nothing is created and nothing is lost."""
    (tmp_path / "token-key.pem").write_text("hello")
    with pytest.raises(SettingsError, match=r"token-key\.pem is not an Ed25519 key"):
        make_keys(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == ["token-key.pem"]
    assert (tmp_path / "token-key.pem").read_text() == "hello"


def test_refresh_token_round_trip() -> None:
    """A token survives a round trip. The next one differs only in its turn. None shows its secrets."""
    token = RefreshToken.new()
    following = token.next(b"salt")
    assert following == token.next(b"salt") != token.next(b"pepper")
    assert RefreshToken.parse(str(token)) == token
    assert RefreshToken.parse(str(following)) == following
    assert (following.session_id, following.family) == (token.session_id, token.family)
    assert following.turn != token.turn
    assert str(token).partition(".")[2] not in repr(token)
    assert str(token.turn) not in repr(token)


def test_refresh_token_is_of_its_session() -> None:
    """Every token of a session is recognised as its own; another session's is not."""
    token = RefreshToken.new()
    session = Session(token.session_id, 1, token.family_hash, token.turn_hash, 0, 1)
    assert token.is_of(session)
    assert token.next(b"salt").is_of(session)
    assert not RefreshToken.new().is_of(session)


@given(st.text() | st.text("abcAZ09-_.=+/", min_size=85, max_size=89))
def test_refresh_token_of_other_texts(text: str) -> None:
    """Any text is either exactly a token or refused as TOKEN_INVALID."""
    with contextlib.suppress(UnauthenticatedError):
        assert str(RefreshToken.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", ".", "a.b", "\0", "é" * 87, "a" * 87, f"{'a' * 22}.{'=' * 64}", f"{'a' * 22}.{'+' * 64}"],
    ids=["empty", "dot", "short", "nul", "accents", "no dot", "padding", "other alphabet"],
)
def test_refresh_token_that_is_made_up(text: str) -> None:
    """A malformed token is TOKEN_INVALID."""
    with pytest.raises(UnauthenticatedError, match="TOKEN_INVALID"):
        RefreshToken.parse(text)


@given(st.data())
def test_refresh_token_with_a_changed_character(data: st.DataObject) -> None:
    """A token with one changed character is another token or TOKEN_INVALID."""
    text = str(RefreshToken.new())
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.characters().filter(lambda each: each != text[place]))
    changed = text[:place] + character + text[place + 1 :]
    try:
        parsed = RefreshToken.parse(changed)
    except UnauthenticatedError:
        return
    assert parsed != RefreshToken.parse(text)
