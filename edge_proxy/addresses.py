"""Network addresses in settings."""

import ipaddress
from typing import NamedTuple

from edge_proxy.json_types import Json

MAX_PORT = 65535
# gRPC's resolver prefix. Other readers of the same setting may need it.
DNS_SCHEME = "dns:///"


class Address(NamedTuple):
    """A host (name, IPv4 or IPv6 without brackets) and a port."""

    host: str
    port: int


def parse_address(text: str) -> Address:
    """Parse `host:port`, `[v6]:port` or `dns:///host:port`. Raises ValueError."""
    host, _, port = text.removeprefix(DNS_SCHEME).rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) <= MAX_PORT:
        raise ValueError(f"{text!r} is not host:port")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def parse_addresses(text: str) -> tuple[Address, ...]:
    """Parse one address, or several IP addresses with commas between them. Raises ValueError."""
    addresses = tuple(parse_address(part.strip()) for part in text.split(",") if part.strip())
    if not addresses:
        raise ValueError("an address is required")
    if len(addresses) > 1 and not all(is_ip(each.host) for each in addresses):
        raise ValueError(f"{text!r} names several addresses, which must all be IP addresses")
    return addresses


def is_ip(host: str) -> bool:
    """Return whether a host is an IP address, not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(address: Address) -> bool:
    """Return whether an address is a loopback IP."""
    return is_ip(address.host) and ipaddress.ip_address(address.host).is_loopback


def socket_address(address: Address) -> Json:
    """Render an address as Envoy's `core.v3.Address`."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}
