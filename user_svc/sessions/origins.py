"""Where a session was opened, for its owner to recognise: the device and the network."""

import ipaddress
import re
import unicodedata
from dataclasses import dataclass

from meshkit.call import Call

MAX_DEVICE = 100
# The first that matches names the program; Edge and Opera also call themselves Chrome, and Chrome calls itself Safari.
_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
# Android also calls itself Linux, and an iPhone also Mac OS X.
_SYSTEMS = ("iPhone", "iPad", "Android", "Windows", ("Mac OS X", "macOS"), "Linux")
_PRODUCT = re.compile(r"[^\s/(]+")
# IPv6 hands out at least a /48 to a site, IPv4 a /24 to a provider's customers: neither names a person.
_PREFIXES = {4: 24, 6: 48}


@dataclass(frozen=True, slots=True)
class Origin:
    """The device and the network that a session was opened from. Either may be empty."""

    device: str = ""
    network: str = ""


def origin_of(call: Call, device_name: str) -> Origin:
    """Return the origin of a call. Whole addresses are not kept."""
    return Origin(_printable(device_name) or device_of(call.user_agent), network_of(call.address))


def device_of(user_agent: str) -> str:
    """Return the program and the system that a User-Agent names, such as `Firefox, Windows`."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    product = _PRODUCT.search(user_agent)
    names = [each if isinstance(each, tuple) else (each, each) for each in _SYSTEMS]
    system = next((name for mark, name in names if mark in user_agent), "")
    program = browser or (product[0] if product else "")
    return _printable(", ".join(filter(None, (program, system))))


def network_of(address: str) -> str:
    """Return the network of an address, a /24 or a /48; empty for what is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return ""
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    known = mapped or parsed
    return str(ipaddress.ip_network((known, _PREFIXES[known.version]), strict=False))


def _printable(text: str) -> str:
    return "".join(each for each in text if unicodedata.category(each) != "Cc").strip()[:MAX_DEVICE]
