"""Addresses of a service, as gRPC names them."""

import ipaddress

from meshkit.settings import SettingsError


def target_of(addresses: str) -> str:
    """Return the gRPC name of `a:1,b:2`, over which calls are spread. What is one gRPC name already stays as it is.

    Raises SettingsError unless several addresses are IP addresses of one family, which is what gRPC can name together.
    """
    listed = [each.strip() for each in addresses.split(",") if each.strip()]
    if len(listed) < 2 or listed[0].startswith(("ipv4:", "ipv6:")):  # noqa: PLR2004 - a single one
        return addresses.strip().rstrip(",")
    try:
        families = {ipaddress.ip_address(each.rpartition(":")[0].strip("[]")).version for each in listed}
    except ValueError:
        families = set()
    if len(families) != 1:
        raise SettingsError(
            f"{addresses!r} is not a list of IP addresses of one family, as in 10.0.0.1:50055,10.0.0.2:50055"
        )
    return f"ipv{families.pop()}:{','.join(listed)}"
