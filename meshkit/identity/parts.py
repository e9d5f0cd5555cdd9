"""Who is who in a mesh with mTLS: the names of its parts, and the files of a part's certificate.

`LENSFEED_MESH_TLS` names a folder with a folder for each part (`post`, `edge`, …), which holds `tls.crt`, `tls.key` and `ca.crt`:
the names that a Kubernetes secret of cert-manager has. A part needs its own folder only.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from meshkit.settings import SettingsError

SERVICES = ("user", "follow", "post", "media", "feed")
# Brings apps' calls, and is the only one that states for which user a call is.
EDGE = "edge"
# The people who run a mesh, and what looks after it for them.
OPS = "ops"
NAMES = (*SERVICES, EDGE, OPS)

_ROOT = "spiffe://lensfeed/"


def spiffe_id(name: str) -> str:
    """Return what the certificate of a part says of it as a client, as its URI."""
    return f"{_ROOT}{name}"


def dns_name(name: str) -> str:
    """Return what it says as a server, as its DNS name, wherever it listens."""
    return f"{name}.lensfeed"


def name_of(identity: str) -> str:
    """Return the part of a SPIFFE ID; empty where it is none of ours."""
    name = identity.removeprefix(_ROOT)
    return name if name in NAMES and name != identity else ""


class Pems(NamedTuple):
    """The contents of a part's files."""

    key: bytes
    certificate: bytes
    authorities: bytes


@dataclass(frozen=True, slots=True)
class MeshIdentity:
    """One part, and where its certificate lies."""

    name: str
    folder: Path

    @classmethod
    def find(cls, mesh_tls: Path, name: str) -> "MeshIdentity":
        """Find the files of a part. Raises SettingsError where they cannot be read, or do not belong together."""
        found = cls(name, (mesh_tls / name).absolute())
        try:
            found.read()
        except OSError as error:
            reason = f"{found.folder} holds no certificate with its key ({error}); `lensfeed certs` makes them"
            raise SettingsError(f"LENSFEED_MESH_TLS: {reason}") from None
        return found

    @property
    def certificate(self) -> Path:
        """Its certificate, and what leads from it to an authority, PEM."""
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        """The key of its certificate, PEM."""
        return self.folder / "tls.key"

    @property
    def authorities(self) -> Path:
        """The authorities that it trusts to name others, PEM. While one is replaced, the old and the new."""
        return self.folder / "ca.crt"

    def read(self) -> Pems:
        """Read the files. Raises OSError where one is missing, or where key and certificate are not a pair (any more, or yet)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)  # an SSLError is an OSError
        context.load_verify_locations(self.authorities)
        return Pems(self.key.read_bytes(), self.certificate.read_bytes(), self.authorities.read_bytes())

    def version(self) -> tuple[int, ...]:
        """Return something that is another after one of the files was replaced."""
        return tuple(file.stat().st_mtime_ns for file in (self.certificate, self.key, self.authorities))
