"""Which layer may import which: the runtime, the services, and the domain within them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import PACKAGES, ROOT, SERVICES, imports_of, is_in, modules_of, offences

# What use cases, models and ports must not import: transports, generated code, drivers, and our bridges to them.
TECHNOLOGY = (
    *(
        "grpc",
        "google",
        "lensfeed",
        "redis",
        "hiredis",
        "cassandra",
        "boto3",
        "botocore",
        "aiobotocore",
        "sqlite3",
        "aiohttp",
    ),
    *("meshkit.cassandra", "meshkit.grpc.channels", "meshkit.grpc.layers", "meshkit.redis.client", "meshkit.redis.mux"),
    *("meshkit.grpc.server", "meshkit.sqlite", "meshkit.grpc.status", "meshkit.sight.peer"),
)
# Writes events under the ids they have, however old these are.
UNBOUNDED = ("meshkit.cassandra.outbox_steps", "meshkit.cassandra.outbox.outbox_steps")
# The adapters of a service: in every service these, and everything in store/ except ports and rules.
ADAPTERS = frozenset({"__main__.py", "app.py", "events.py", "peers.py", "rpc.py", "settings.py"})
STORE, STORE_DOMAIN = "store", frozenset({"port.py", "ports.py", "model.py", "rules.py"})
# Adapters in one service only.
OWN_ADAPTERS = {
    "feed_svc": {
        "presenting/json_cards.py",
        "presenting/json_page.py",
        "presenting/json_printer.py",
        "presenting/protobuf_page.py",
        "presenting/wire.py",
    },
    "follow_svc": {"finish_changes.py"},
    "media_svc": {
        "aws_session.py",
        "delivery/popularity.py",
        "delivery/purge_cdn.py",
        "jobs/move_old_jobs.py",
        "jobs/queue.py",
        "presenting.py",
        "s3/objects.py",
        "s3/set_up_bucket.py",
        "uploads/receive_s3_events.py",
        "uploads/receive_sqs.py",
        "uploads/unfinished_media.py",
    },
    "post_svc": {"manifests.py", "messages.py"},
    "user_svc": {"failure_counts.py", "messages.py"},
}


def domain_of(service: str, root: Path = ROOT) -> Iterator[Path]:
    """Return a service's use cases, models and ports."""
    for file in modules_of(service, root):
        name = file.relative_to(root / service)
        is_store = name.parts[0] == STORE and file.name not in STORE_DOMAIN
        if not is_store and str(name) not in ADAPTERS | OWN_ADAPTERS[service]:
            yield file


def test_all_kinds_of_imports_are_found(tmp_path: Path) -> None:
    """Plain, aliased, nested, conditional and relative imports are all found."""
    file = tmp_path / "post_svc" / "store" / "port.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import grpc.aio as rpc\nfrom .. import model\nfrom . import sqlite\nif TYPE_CHECKING:\n    from redis import Redis\n"
        "def late():\n    from lensfeed.post.v1 import post_pb2\n"
    )
    assert imports_of(file, tmp_path) == {
        *("grpc.aio", "post_svc.model", "post_svc.store.sqlite", "redis.Redis", "lensfeed.post.v1.post_pb2"),
    }
    assert offences(domain_of("post_svc", tmp_path), forbidden=("grpc", "redis"), root=tmp_path) == [
        "post_svc/store/port.py: grpc.aio",
        "post_svc/store/port.py: redis.Redis",
    ]
    assert not is_in("lensfeed_tools.x", ("lensfeed",))


def test_meshkit_imports_no_service() -> None:
    """Meshkit imports nothing that is built on it."""
    assert len(list(modules_of("meshkit"))) > 20
    assert offences(modules_of("meshkit"), forbidden=tuple(each for each in PACKAGES if each != "meshkit")) == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_process_imports_meshkit_first(service: str) -> None:
    """It sets what gRPC reads and decides what libraries import, so nothing of ours comes before it."""
    body = ast.parse((ROOT / service / "__main__.py").read_text()).body
    names = [
        node.names[0].name if isinstance(node, ast.Import) else str(node.module)
        for node in body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    ours = [name for name in names if name.partition(".")[0] in (*PACKAGES, "lensfeed", "grpc")]
    assert ours[0] == "meshkit.lean"


@pytest.mark.parametrize("service", SERVICES)
def test_services_meet_only_through_contracts(service: str) -> None:
    """No service imports another one or the code that runs the mesh."""
    assert list(modules_of(service))
    assert (
        offences(modules_of(service), forbidden=tuple(each for each in PACKAGES if each not in {"meshkit", service}))
        == []
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_domain_imports_no_technology(service: str) -> None:
    """Use cases, models and ports import no transport, generated code or driver."""
    domain = list(domain_of(service))
    assert len(domain) > 3
    assert offences(domain, forbidden=TECHNOLOGY) == []


@pytest.mark.parametrize("service", SERVICES)
def test_services_write_events_only_within_the_bounds(service: str) -> None:
    """On Cassandra, events are written by `write_with_events`, which keeps them out of closed minutes."""
    assert offences(modules_of(service), forbidden=UNBOUNDED) == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_listed_adapter_is_needed(service: str) -> None:
    """Each file listed as an adapter exists and imports a technology."""
    for name in OWN_ADAPTERS[service]:
        assert any(is_in(imported, TECHNOLOGY) for imported in imports_of(ROOT / service / name)), name
