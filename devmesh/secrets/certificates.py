"""Creates and renews certificates for mTLS: an authority, and a certificate for each part.

The folder is the one for LENSFEED_MESH_TLS (`meshkit.identity.parts`), plus `authority/` with the signing key. Do not
copy that key to machines that only run a part.
"""

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from devmesh.errors import MeshError
from meshkit.identity.parts import NAMES, MeshIdentity, dns_name, spiffe_id

AUTHORITY = "authority"
AUTHORITY_LIFE = dt.timedelta(days=3650)
DEFAULT_DAYS = 90
# Certificates are valid a little earlier, as clocks differ.
SKEW = dt.timedelta(minutes=5)
# Renewed when less than this share of its life is left.
REMAINING = 1 / 3
CURVE = ec.SECP256R1()


@dataclass(frozen=True)
class Authority:
    """A certificate authority with its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def make_certificates(folder: Path, days: int = DEFAULT_DAYS, *, renew_all: bool = False) -> list[str]:
    """Create missing certificates and renew those that expire soon (or all). Returns the parts with a new one.

    Each file is replaced atomically, the key before its certificate, so that running parts can reload them. Raises
    MeshError if the folder has unreadable files.
    """
    authority = load_authority(folder / AUTHORITY)
    made = []
    for name in NAMES:
        identity = MeshIdentity(name, folder / name)
        if renew_all or not _is_good(identity, authority):
            issue(identity, authority, dt.timedelta(days=days))
            made.append(name)
    return made


def load_authority(folder: Path) -> Authority:
    """Read the authority in a folder, or create one. Raises MeshError if it is unusable."""
    key_file, certificate_file = folder / "ca.key", folder / "ca.crt"
    if not key_file.exists() and not certificate_file.exists():
        key = ec.generate_private_key(CURVE)
        certificate = _signed_authority(key)
        _write(key_file, _key_pem(key))
        _write(certificate_file, certificate.public_bytes(Encoding.PEM))
    try:
        found = load_pem_private_key(key_file.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise MeshError(f"{folder} has no usable authority: {error}") from error
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.public_key() != certificate.public_key():
        raise MeshError(f"the key and the certificate in {folder} do not match")
    return Authority(found, certificate)


def _signed_authority(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    # A random name, so that authorities of two meshes can be distinguished.
    name = _common_name(f"lensfeed mesh {x509.random_serial_number() & 0xFFFFFFFF:08x}")
    usage = _key_usage(signs_certificates=True)
    return (
        _begun(name, name, key.public_key(), AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def issue(identity: MeshIdentity, authority: Authority, life: dt.timedelta) -> None:
    """Issue a certificate with a new key for a part."""
    key = ec.generate_private_key(CURVE)
    issuer = authority.certificate.subject
    names = [x509.DNSName(dns_name(identity.name)), x509.UniformResourceIdentifier(spiffe_id(identity.name))]
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _begun(_common_name(identity.name), issuer, key.public_key(), life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    _write(identity.authorities, authority.certificate.public_bytes(Encoding.PEM))
    _write(identity.key, _key_pem(key))
    _write(identity.certificate, certificate.public_bytes(Encoding.PEM))


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: dt.timedelta
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
    )


def _is_good(identity: MeshIdentity, authority: Authority) -> bool:
    """Return whether a part has a complete certificate of this authority that does not expire soon."""
    try:
        certificate = x509.load_pem_x509_certificate(identity.certificate.read_bytes())
        key = load_pem_private_key(identity.key.read_bytes(), password=None)
        certificate.verify_directly_issued_by(authority.certificate)
        trusted = x509.load_pem_x509_certificates(identity.authorities.read_bytes())
    except (OSError, ValueError, TypeError, x509.InvalidVersion, InvalidSignature):
        return False
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    left = certificate.not_valid_after_utc - dt.datetime.now(dt.UTC)
    return key.public_key() == certificate.public_key() and authority.certificate in trusted and left > life * REMAINING


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Replace a file atomically, readable by its owner only. Watchers of the folder notice it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    half.replace(path)
