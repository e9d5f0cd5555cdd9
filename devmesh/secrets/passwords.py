"""The passwords and keys between the parts of a mesh, created once and kept in its data folder."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from secrets import token_hex

from devmesh.errors import MeshError

# What folders of earlier versions do not have.
LATER = frozenset({"cassandra_password", "edge_s3_access_key", "edge_s3_secret_key", "redis_password"})


@dataclass(frozen=True)
class MeshPasswords:
    """Random passwords and keys. Each part gets only those it needs."""

    cursor_key: str
    webhook_secret: str
    s3_access_key: str
    s3_secret_key: str
    edge_s3_access_key: str
    edge_s3_secret_key: str
    filer_key: str
    redis_password: str
    cassandra_password: str


def load_passwords(path: Path) -> MeshPasswords:
    """Read the passwords, or create them. Raises MeshError if the file is damaged."""
    kept = None
    try:
        if path.exists():
            kept = json.loads(path.read_text())
        missing = {field.name for field in fields(MeshPasswords)} if kept is None else LATER - kept.keys()
        secrets = MeshPasswords(**{name: token_hex(32) for name in missing}, **(kept or {}))
    except (ValueError, TypeError, AttributeError) as error:
        raise MeshError(f"{path} is damaged ({error}); restore it, or move the data folder away") from error
    if asdict(secrets) != kept:  # a new folder, or one of a version that had fewer secrets
        _write(path, secrets)
    return secrets


def _write(path: Path, secrets: MeshPasswords) -> None:
    half = path.with_name(f"{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(secrets), file, indent=2)
    half.replace(path)
