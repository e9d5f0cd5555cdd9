"""The names of the parts of a mesh with mTLS, and the files of their certificates.

`LENSFEED_MESH_TLS` names a folder with a subfolder per part (`post`, `edge`, …), which contains `tls.crt`, `tls.key` and
`ca.crt`, named as in a Kubernetes secret of cert-manager. A part only needs its own folder.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from meshkit.settings import SettingsError

SERVICES = ("user", "follow", "post", "media", "feed")
# Forwards apps' calls, and is the only part that may set the user of a call.
EDGE = "edge"
# Operators and their tools.
OPS = "ops"
NAMES = (*SERVICES, EDGE, OPS)

_ROOT = "spiffe://lensfeed/"


def spiffe_id(name: str) -> str:
    """Return the URI in a part's certificate, which identifies it as a client."""
    return f"{_ROOT}{name}"


def dns_name(name: str) -> str:
    """Return the DNS name in a part's certificate, which identifies it as a server at any address."""
    return f"{name}.lensfeed"


def name_of(identity: str) -> str:
    """Return the part of a SPIFFE ID; empty if it is not one of ours."""
    name = identity.removeprefix(_ROOT)
    return name if name in NAMES and name != identity else ""


class Pems(NamedTuple):
    """The contents of a part's files."""

    key: bytes
    certificate: bytes
    authorities: bytes


@dataclass(frozen=True, slots=True)
class MeshIdentity:
    """A part and the folder of its certificate."""

    name: str
    folder: Path

    @classmethod
    def find(cls, mesh_tls: Path, name: str) -> "MeshIdentity":
        """Find the files of a part. Raises SettingsError if they cannot be read or do not match."""
        found = cls(name, (mesh_tls / name).absolute())
        try:
            found.read()
        except OSError as error:
            reason = f"{found.folder} contains no certificate with its key ({error}); `lensfeed certs` creates them"
            raise SettingsError(f"LENSFEED_MESH_TLS: {reason}") from None
        return found

    @property
    def certificate(self) -> Path:
        """The certificate chain, PEM."""
        return self.folder / "tls.crt"

    @property
    def key(self) -> Path:
        """The certificate's key, PEM."""
        return self.folder / "tls.key"

    @property
    def authorities(self) -> Path:
        """The trusted authorities, PEM. While one is replaced, both the old and the new one."""
        return self.folder / "ca.crt"

    def read(self) -> Pems:
        """Read the files. Raises OSError if one is missing, or if key and certificate do not match."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)  # an SSLError is an OSError
        context.load_verify_locations(self.authorities)
        return Pems(self.key.read_bytes(), self.certificate.read_bytes(), self.authorities.read_bytes())

    def version(self) -> tuple[int, ...]:
        """Return a value that changes when one of the files is replaced."""
        return tuple(file.stat().st_mtime_ns for file in (self.certificate, self.key, self.authorities))
