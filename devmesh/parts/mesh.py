"""Describes the parts of a mesh, grouped by the order in which they start and stop."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from functools import partial

from devmesh.copies import EDGE, SERVICES, WORKERS, names_of
from devmesh.layout import Layout
from devmesh.parts.bucket import prepare_bucket
from devmesh.parts.cassandra.account import make_account
from devmesh.parts.cassandra.node import START_SECONDS as CLUSTER_SECONDS
from devmesh.parts.cassandra.node import STOP_SECONDS as FLUSH_SECONDS
from devmesh.parts.cassandra.node import node_answers, node_command
from devmesh.parts.seaweed import STOP_SECONDS, Webhook, s3_answers, seaweed_command
from devmesh.parts.seaweed_sockets import remove_sockets
from devmesh.parts.stores import OwnCluster
from devmesh.parts.valkey import valkey_command
from devmesh.ports import address
from devmesh.supervise.part import Part, nothing
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import grpc_serving, http_status, valkey_answers
from devmesh.supervise.running import START_SECONDS

NOT_FOR_EDGE = ("LENSFEED_S3_ACCESS_KEY", "LENSFEED_S3_SECRET_KEY")
"""The key that may write. The edge has one of its own."""

WEBHOOK = ("LENSFEED_WEBHOOK_ADDR", "LENSFEED_WEBHOOK_SECRET")
"""Where S3 sends its events: to the first media_svc."""


@dataclass(frozen=True)
class MeshParts:
    """The parts of a mesh by group. Groups stop in reverse order."""

    valkey: Part
    seaweed: Part
    cassandra: tuple[Part, ...]
    """The Cassandra nodes; empty with another store."""
    workers: tuple[Part, ...]
    services: tuple[Part, ...]
    edges: tuple[Part, ...]

    def groups(self) -> tuple[tuple[Part, ...], ...]:
        """Return groups ordered by dependency: no part needs a later one to finish its work."""
        return (self.valkey,), (self.seaweed, *self.cassandra), self.workers, self.services, self.edges

    def in_display_order(self) -> tuple[Part, ...]:
        """Return all parts, the edges first and the servers last."""
        return *self.edges, *self.services, *self.workers, *self.cassandra, self.seaweed, self.valkey


def mesh_parts(layout: Layout, env: Mapping[str, str]) -> MeshParts:
    """Describe a mesh and write the configuration of its servers. `env` is shared by all processes."""
    return MeshParts(
        valkey=_valkey(layout, env),
        seaweed=_seaweed(layout, env),
        cassandra=_cassandra(layout, env, layout.store.cluster) if layout.store.cluster else (),
        workers=tuple(part for name in WORKERS for part in _workers(layout, env, name)),
        services=tuple(part for name in SERVICES for part in _services(layout, env, name)),
        edges=tuple(
            _edge(layout, env, name, port)
            for name, port in zip(names_of(EDGE, len(layout.ports.edges)), layout.ports.edges, strict=True)
        ),
    )


def keys_command(layout: Layout, env: Mapping[str, str]) -> Command:
    """Return the command that creates the keys for access tokens."""
    return _module(layout, env, "keys", "user_svc", "keys", str(layout.keys))


def _valkey(layout: Layout, env: Mapping[str, str]) -> Part:
    port, password = layout.ports.valkey, layout.passwords.redis_password
    return Part(
        name="valkey",
        command=valkey_command(layout.data / "valkey", port, password, layout.log("valkey"), env),
        check=partial(valkey_answers, port, password),
        address=address(port),
    )


def _seaweed(layout: Layout, env: Mapping[str, str]) -> Part:
    ports, passwords = layout.ports.seaweed, layout.passwords
    webhook = Webhook(address(layout.ports.webhook), passwords.webhook_secret)
    folder, log = layout.data / "seaweed", layout.log("seaweed")
    return Part(
        name="seaweed",
        command=seaweed_command(folder, ports, layout.s3, passwords.filer_key, webhook, log, env),
        check=partial(s3_answers, ports.s3),
        address=address(ports.s3),
        set_up=partial(prepare_bucket, layout.s3),
        clean_up=partial(remove_sockets, astuple(ports)),
        grace=STOP_SECONDS,
    )


def _cassandra(layout: Layout, env: Mapping[str, str], cluster: OwnCluster) -> tuple[Part, ...]:
    shape, program = cluster.shape, cluster.program
    parts = []
    for number, host in enumerate(shape.addresses):
        name = f"cassandra-{number + 1}" if shape.nodes > 1 else "cassandra"
        folder = layout.data / "cassandra" / f"node{number + 1}"
        part = Part(
            name=name,
            command=node_command(shape, number, folder, program, layout.log(name), env),
            check=partial(node_answers, host, shape.native_port),
            set_up=partial(make_account, shape, cluster.password) if number == 0 else nothing,
            address=f"{host}:{shape.native_port}",
            patience=CLUSTER_SECONDS,
            grace=FLUSH_SECONDS,
        )
        parts.append(part)
    return tuple(parts)


def _services(layout: Layout, env: Mapping[str, str], service: str) -> Iterator[Part]:
    ports = layout.ports.services[service]
    for index, (name, port) in enumerate(zip(names_of(f"{service}-serve", len(ports)), ports, strict=True)):
        own = env if index == 0 else {key: value for key, value in env.items() if key not in WEBHOOK}
        yield _python(layout, own, service, "serve", name, port)


def _workers(layout: Layout, env: Mapping[str, str], service: str) -> Iterator[Part]:
    ports = layout.ports.workers[service]
    for index, (name, port) in enumerate(zip(names_of(f"{service}-work", len(ports)), ports, strict=True)):
        own = env if index == 0 else {**env, "LENSFEED_WORKER_INDEX": str(index)}
        yield _python(layout, own, service, "work", name, port)


def _python(layout: Layout, env: Mapping[str, str], service: str, command: str, name: str, port: int) -> Part:
    metrics = address(layout.ports.metrics[name])
    own = {**env, "LENSFEED_LISTEN_ADDR": address(port), "LENSFEED_METRICS_ADDR": metrics}
    return Part(
        name=name,
        command=_module(layout, own, name, f"{service}_svc", command),
        check=partial(grpc_serving, port, service, layout.mesh_tls),
        address=address(port),
        metrics=f"http://{metrics}/metrics",
        patience=_service_seconds(layout),
    )


def _edge(layout: Layout, env: Mapping[str, str], name: str, port: int) -> Part:
    own = {key: value for key, value in env.items() if key not in NOT_FOR_EDGE}
    own |= {"LENSFEED_EDGE_ADDR": address(port), "LENSFEED_EDGE_DIR": str(layout.data / name)}
    return Part(
        name=name,
        command=_module(layout, own, name, "edge_proxy", "run"),
        check=partial(edge_answers, port),
        address=address(port),
        patience=_service_seconds(layout) * 1.5,  # it waits for the services, which should time out first
    )


def _service_seconds(layout: Layout) -> float:
    """Return how long a service may take to start. On a new cluster it creates its tables first."""
    return START_SECONDS + (CLUSTER_SECONDS if layout.store.cluster else 0)


async def edge_answers(port: int) -> bool:
    """Return whether the edge reports a healthy mesh."""
    return await http_status(port, "/healthz") == 200  # noqa: PLR2004 - OK


def _module(layout: Layout, env: Mapping[str, str], name: str, *arguments: str) -> Command:
    argv = (sys.executable, "-P", "-m", *arguments)  # -P: never import from the data folder
    return Command(argv=argv, env=env, folder=layout.data, log=layout.log(name))
