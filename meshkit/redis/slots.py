"""The slot of a command's key, and the server of each slot.

redis-py computes the slot of a key. It finds the key in a command by asking a server, which is too slow for the hot path, so the
positions are listed here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from meshkit.redis.link import Command

Address = tuple[str, int]
# The index of the first key if it is not 1. None: the command has no key and any server can run it.
_KEY_AT: Mapping[str, int | None] = {
    "PING": None,
    "ECHO": None,
    "TIME": None,
    "EVAL": 3,
    "EVALSHA": 3,
    "EVAL_RO": 3,
    "EVALSHA_RO": 3,
    "FCALL": 3,
    "FCALL_RO": 3,
    "MEMORY": 2,
    "OBJECT": 2,
    "XINFO": 2,
}
# Commands about a server, not about a key. Use redis-py for these.
_SERVER_COMMANDS = frozenset(
    {
        "ACL",
        "CLIENT",
        "CLUSTER",
        "COMMAND",
        "CONFIG",
        "DBSIZE",
        "FLUSHALL",
        "FLUSHDB",
        "FUNCTION",
        "INFO",
        "KEYS",
        "SCAN",
    }
    | {"RANDOMKEY", "SCRIPT"}
)


def slot_of(command: Command) -> int | None:
    """Return the slot of a command's first key, or None without a key. The server checks the other keys.

    Raises ValueError for a command about a server.
    """
    name = str(command[0])
    if name in _SERVER_COMMANDS:
        raise ValueError(f"{name} addresses one server, not a cluster")
    at = _KEY_AT.get(name, 1)
    if at is None or (at == 3 and not int(command[2])):  # noqa: PLR2004 - a script without keys
        return None
    key = command[at]
    return int(key_slot(key if isinstance(key, bytes) else str(key).encode()))


class SlotMap:
    """The known address of each slot's master."""

    def __init__(self) -> None:
        self._addresses: list[Address | None] = [None] * REDIS_CLUSTER_HASH_SLOTS

    def __getitem__(self, slot: int) -> Address | None:
        """Return the address of a slot."""
        return self._addresses[slot]

    @property
    def addresses(self) -> list[Address]:
        """All masters, each once."""
        return list({address: None for address in self._addresses if address})

    def move(self, slot: int, address: Address) -> None:
        """Record one slot's new address."""
        self._addresses[slot] = address

    @classmethod
    def read(cls, answer: Sequence[Any], asked: Address) -> "SlotMap":
        """Read the answer to CLUSTER SLOTS of the server at `asked`."""
        read = cls()
        for first, last, master, *_ in answer:
            address = address_of(master[0], master[1], asked)
            read._addresses[first : last + 1] = [address] * (last + 1 - first)
        return read


def address_of(host: bytes | str | None, port: int | str, asked: Address) -> Address:
    """Return an address as a server reports it. A server that does not know its name is reachable as `asked`."""
    name = host.decode() if isinstance(host, bytes) else host
    return (name if name and name != "?" else asked[0], int(port))
