"""The secrets of a mesh, made once and kept with its data."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from secrets import token_hex

from devmesh.errors import MeshError


@dataclass(frozen=True)
class MeshSecrets:
    """Random texts, each known only to the parts that need it."""

    cursor_key: str
    webhook_secret: str
    s3_access_key: str
    s3_secret_key: str
    filer_key: str


def load_secrets(path: Path) -> MeshSecrets:
    """Read the secrets, or make them where there are none yet. Raises MeshError where the file is damaged."""
    if not path.exists():
        _write(path, MeshSecrets(**{field.name: token_hex(32) for field in fields(MeshSecrets)}))
    try:
        return MeshSecrets(**json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise MeshError(f"{path} is damaged ({error}); restore it, or move the whole data folder away") from error


def _write(path: Path, secrets: MeshSecrets) -> None:
    half = path.with_name(f"{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(secrets), file, indent=2)
    half.replace(path)
