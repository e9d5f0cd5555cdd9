"""Which server of a cluster a command belongs to: the slot of its key, and the servers of the slots."""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from meshkit.redis.link import Command

Address = tuple[str, int]
# Where the first key stands, if not right after the name. None: the command has no key, and any server will do.
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
# They are about a server, not about a key: redis-py asks all of them.
_ABOUT_A_SERVER = frozenset(
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
    """Return the slot of a command's first key, None where it has none; the server checks the other keys.

    Raises ValueError for a command that is about a server.
    """
    name = str(command[0])
    if name in _ABOUT_A_SERVER:
        raise ValueError(f"{name} is about one server, and this is a cluster")
    at = _KEY_AT.get(name, 1)
    if at is None or (at == 3 and not int(command[2])):  # noqa: PLR2004 - a script that says it has no keys
        return None
    key = command[at]
    return int(key_slot(key if isinstance(key, bytes) else str(key).encode()))


class SlotMap:
    """The address of each slot's master, as far as is known."""

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
        """Remember one slot's new address."""
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
    """Return the address that the server at `asked` means: one that does not know its name has the one by which it was asked."""
    name = host.decode() if isinstance(host, bytes) else host
    return (name if name and name != "?" else asked[0], int(port))
