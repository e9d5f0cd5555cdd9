"""A service without mTLS believes whoever reaches it.

Before: `LENSFEED_LISTEN_ADDR=0.0.0.0:50051` without mTLS started, and anyone in the network could call as any user.
Now: the process does not start unless a setting says that this is meant.
"""

import subprocess
import sys

import pytest

from meshkit.listen_address import is_local
from tests.edge_proxy.envoy.golden_config import PLAIN

pytestmark = pytest.mark.slow

PROCESSES = [("feed_svc", "serve"), ("media_svc", "work"), ("edge_proxy", "limits")]


@pytest.mark.parametrize("process", PROCESSES, ids=" ".join)
def test_an_open_service_does_not_start(process: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A service, a worker and the rate limit service refuse an open address, and name the settings."""
    for name in PLAIN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LENSFEED_LISTEN_ADDR", "0.0.0.0:0")
    done = subprocess.run([sys.executable, "-m", *process], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert "LENSFEED_LISTEN_ADDR: 0.0.0.0:0 can be reached from other machines" in done.stderr
    assert "LENSFEED_ALLOW_PLAINTEXT" in done.stderr


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("127.0.0.1:0", True),
        ("127.9.9.9:50051", True),
        ("[::1]:50051", True),
        ("localhost:50051", True),
        ("unix:/run/feed.sock", True),
        ("0.0.0.0:50051", False),
        ("[::]:50051", False),
        ("10.0.0.7:50051", False),
        ("feed.internal:50051", False),
        (":50051", False),
    ],
)
def test_which_addresses_are_local(address: str, is_private: bool) -> None:
    """Only loopback addresses and sockets count as local, and no other name does."""
    assert is_local(address) is is_private
