"""Lists of addresses as gRPC names."""

import pytest

from meshkit.grpc.targets import target_of
from meshkit.settings import SettingsError


@pytest.mark.parametrize(
    ("addresses", "target"),
    [
        ("127.0.0.1:1", "127.0.0.1:1"),
        ("dns:///feed.internal:50055", "dns:///feed.internal:50055"),
        ("127.0.0.1:1, 127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
        ("[::1]:1,[::1]:2", "ipv6:[::1]:1,[::1]:2"),
        ("ipv4:127.0.0.1:1,127.0.0.1:2", "ipv4:127.0.0.1:1,127.0.0.1:2"),
    ],
)
def test_addresses_are_one_target(addresses: str, target: str) -> None:
    """One address is any gRPC name; several are IP addresses, or the name that gRPC gives a list of them."""
    assert target_of(addresses) == target


@pytest.mark.parametrize("addresses", ["a:1,b:2", "127.0.0.1:1,[::1]:2"])
def test_names_cannot_be_listed(addresses: str) -> None:
    """Several names, or addresses of two families, are refused with an example."""
    with pytest.raises(SettingsError, match=r"is not a list of IP addresses of one family, as in 10\.0\.0\.1:50055"):
        target_of(addresses)
