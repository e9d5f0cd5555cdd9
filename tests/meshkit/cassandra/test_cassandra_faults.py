"""The bridge to Cassandra while a node stalls, dies or refuses clients. Uses its own node."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import NoHostAvailable
from pydantic import SecretStr
from structlog.testing import capture_logs

from devmesh.parts.cassandra.cluster import CassandraNode, running_cassandra
from meshkit.cassandra import Cassandra, CassandraSettings, UnknownOutcomeError, open_cassandra, read, write
from meshkit.cassandra.cluster import make_cluster
from meshkit.errors import UnavailableError
from tests.meshkit.identity.certificates import Authority
from tests.meshkit.redis.clusters import call_of, opened, settings_of, until_it_answers

pytestmark = pytest.mark.slow

PUT = write("INSERT INTO words (number, word) VALUES (?, ?)")
GET = read("SELECT word FROM words WHERE number = ? LIMIT 1")
# Every node has this account.
PASSWORD = SecretStr("cassandra")
# Longer than a call's deadline, and shorter than the time-out of a statement outside of a call.
STALL_SECONDS = 8
ENCRYPTION = """
client_encryption_options:
  enabled: true
  optional: true
  require_client_auth: true
  ssl_context_factory: {{class_name: org.apache.cassandra.security.PEMBasedSslContextFactory}}
  keystore: {keystore}
  truststore: {truststore}
"""


@dataclass(frozen=True)
class Guarded:
    """A node that requires a password and TLS, and the settings of an accepted client."""

    node: CassandraNode
    settings: CassandraSettings
    folder: Path

    def settings_but(self, **others: Any) -> CassandraSettings:
        """Return those settings with something else in them."""
        return CassandraSettings(**self.settings.model_dump() | others)


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Guarded]:
    """Run the node."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority(folder, "authority")
    keystore = folder / "node.pem"
    keystore.write_bytes(b"".join(each.read_bytes() for each in reversed(authority.issue("node", "127.0.0.1"))))
    extra = ENCRYPTION.format(keystore=keystore, truststore=authority.ca_file)
    certificate, key = authority.issue("client", "127.0.0.1")
    async with running_cassandra(folder, authenticator="PasswordAuthenticator", extra=extra) as cluster:
        settings = settings_of(
            cluster.contact_points,
            cassandra_username="cassandra",
            cassandra_password=PASSWORD,
            cassandra_tls_ca_file=authority.ca_file,
            cassandra_tls_cert_file=certificate,
            cassandra_tls_key_file=key,
        )
        yield Guarded(cluster.nodes[0], settings, folder)


@pytest.fixture(scope="module")
def migrations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give migrations that create one table."""
    folder = tmp_path_factory.mktemp("migrations")
    (folder / "0001-words.cql").write_text("CREATE TABLE IF NOT EXISTS words (number int PRIMARY KEY, word text)")
    return folder


@pytest.fixture(scope="module")
async def words(guarded: Guarded, migrations: Path) -> AsyncIterator[Cassandra]:
    """Give a keyspace on it with prepared statements."""
    async with opened(guarded.settings, migrations) as words:
        await words.execute(PUT, 0, "nought")
        assert await words.execute(GET, 0) == [("nought",)]
        yield words


async def connect(settings: CassandraSettings) -> None:
    """Connect once by the settings."""
    cluster = make_cluster(settings)
    try:
        await asyncio.to_thread(cluster.connect)
    finally:
        await asyncio.to_thread(cluster.shutdown)


async def test_password_and_certificate_are_accepted(guarded: Guarded, words: Cassandra) -> None:
    """A client with the password, the authority and a certificate can connect."""
    await connect(guarded.settings)
    await words.check()


async def test_wrong_password_is_refused(guarded: Guarded, words: Cassandra) -> None:
    """With a wrong or no password the process logs it and keeps running."""
    await words.check()
    for others in (
        {"cassandra_password": SecretStr("wrong")},
        {"cassandra_username": None, "cassandra_password": None},
    ):
        with pytest.raises(NoHostAvailable):
            await connect(guarded.settings_but(**others))


async def test_foreign_authority_is_refused(guarded: Guarded, words: Cassandra) -> None:
    """A node with a certificate of another authority is refused."""
    await words.check()
    foreign = Authority(guarded.folder, "foreign")
    with pytest.raises(NoHostAvailable, match="CERTIFICATE_VERIFY_FAILED"):
        await connect(guarded.settings_but(cassandra_tls_ca_file=foreign.ca_file))


async def test_a_missing_certificate_is_refused(guarded: Guarded, words: Cassandra) -> None:
    """A node that requires certificates refuses clients without one."""
    await words.check()
    with pytest.raises(NoHostAvailable):
        await connect(guarded.settings_but(cassandra_tls_cert_file=None, cassandra_tls_key_file=None))


async def test_a_statement_ends_at_the_calls_deadline(guarded: Guarded, words: Cassandra) -> None:
    """On a stalled node a read fails and a write has an unknown outcome."""
    guarded.node.pause()
    try:
        async with asyncio.timeout(STALL_SECONDS):
            with call_of(seconds=0.3), pytest.raises(UnavailableError) as caught:
                await words.execute(GET, 0)
            assert type(caught.value) is UnavailableError
            with call_of(seconds=0.3), pytest.raises(UnknownOutcomeError):
                await words.execute(PUT, 1, "in doubt")
    finally:
        guarded.node.resume()
    await until_it_answers(words)
    assert await words.execute(GET, 0) == [("nought",)]


async def test_a_cancelled_write_is_logged(guarded: Guarded, words: Cassandra) -> None:
    """A cancelled write is logged as of unknown outcome, a read is not, and both free their slot."""
    guarded.node.pause()
    try:
        with capture_logs() as logs:
            for statement, parameters in ((GET, (0,)), (PUT, (2, "left alone"))):
                running = asyncio.create_task(words.execute(statement, *parameters))
                await asyncio.sleep(0.1)
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
    finally:
        guarded.node.resume()
    assert [each["event"] for each in logs].count("write_outcome_unknown") == 1
    await until_it_answers(words)
    assert await words.execute(GET, 0) == [("nought",)]


async def test_a_cluster_may_start_late_and_come_back(guarded: Guarded, words: Cassandra, migrations: Path) -> None:
    """Statements fail while the node is down and work once it is up, with an old or a new connection."""
    await guarded.node.kill()
    async with open_cassandra(guarded.settings, "late", migrations) as late:
        async with asyncio.timeout(STALL_SECONDS):
            for cassandra in (words, late):
                with pytest.raises(UnavailableError):
                    await cassandra.execute(GET, 0)
        await guarded.node.restart()
        for cassandra in (words, late):
            await until_it_answers(cassandra)
            await cassandra.execute(PUT, 3, "back")
            assert await cassandra.execute(GET, 3) == [("back",)]
