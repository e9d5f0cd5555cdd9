"""Chooses the certificates of a mesh."""

from collections.abc import Mapping
from pathlib import Path

from meshkit.identity.parts import NAMES, MeshIdentity


def chosen_certificates(data: Path, env: Mapping[str, str], *, wanted: bool) -> Path | None:
    """Return the folder of a mesh's certificates: from the environment or, if wanted, in its data folder.

    Returns None without mTLS. Raises MeshError and SettingsError.
    """
    if named := env.get("LENSFEED_MESH_TLS"):
        for name in NAMES:
            MeshIdentity.find(Path(named), name)
        return Path(named).absolute()
    if not wanted:
        return None
    # Imported here because most meshes need no certificates, and cryptography takes 8 MB.
    from devmesh.secrets.certificates import make_certificates

    folder = data / "mesh-tls"
    make_certificates(folder)
    return folder
