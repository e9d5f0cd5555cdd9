"""Sends one CQL query over a plain connection, to check whether a Cassandra node answers.

The driver would start threads and take half a second to import.
"""

import asyncio
import struct
from enum import IntEnum

VERSION = 4
RESPONSE = 0x80
HEADER = struct.Struct("!BBhBi")
"""Version, flags, stream, opcode, body length."""

LONGEST_BODY = 2**20


class Opcode(IntEnum):
    """The CQL messages used here."""

    STARTUP = 0x01
    READY = 0x02
    AUTHENTICATE = 0x03
    QUERY = 0x07
    RESULT = 0x08


class Consistency(IntEnum):
    """How many replicas must answer."""

    ONE = 0x01
    ALL = 0x05


async def cql_answers(host: str, port: int, query: str, consistency: Consistency = Consistency.ONE) -> bool:
    """Return whether a node answers a query with a result, or asks for a login.

    Raises OSError or IncompleteReadError if the port does not speak CQL.
    """
    reader, writer = await asyncio.open_connection(host, port)
    try:
        greeting = await _ask(reader, writer, Opcode.STARTUP, _startup())
        if greeting != Opcode.READY:
            return greeting == Opcode.AUTHENTICATE
        return await _ask(reader, writer, Opcode.QUERY, _query(query, consistency)) == Opcode.RESULT
    finally:
        writer.close()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, opcode: Opcode, body: bytes) -> int:
    """Send a message and return the opcode of the response."""
    writer.write(HEADER.pack(VERSION, 0, 0, opcode, len(body)) + body)
    version, _, _, answer, length = HEADER.unpack(await reader.readexactly(HEADER.size))
    if version != VERSION | RESPONSE or not 0 <= length <= LONGEST_BODY:
        return 0
    await reader.readexactly(length)
    return int(answer)


def _startup() -> bytes:
    return struct.pack("!H", 1) + _string("CQL_VERSION") + _string("3.0.0")


def _query(query: str, consistency: Consistency) -> bytes:
    text = query.encode()
    return struct.pack("!i", len(text)) + text + struct.pack("!HB", consistency, 0)


def _string(text: str) -> bytes:
    return struct.pack("!H", len(text)) + text.encode()
