"""Certificates and trust as Envoy's secrets, each in a file of its own: Envoy takes renewed ones without a restart."""

from pathlib import Path

from edge_proxy.json_types import Json, typed

KIND = "extensions.transport_sockets.tls.v3.Secret"


def certificate_secret(name: str, certificate: Path, key: Path) -> Json:
    """Render a certificate and its key, read again whenever something is moved into the certificate's folder.

    Moved, not written: that is what mounted secrets do, and what leaves no moment with half of a file.
    """
    return typed(
        KIND,
        name=name,
        tls_certificate={
            "certificate_chain": {"filename": str(certificate.absolute())},
            "private_key": {"filename": str(key.absolute())},
            "watched_directory": {"path": str(certificate.absolute().parent)},
        },
    )


def trust_secret(name: str, authorities: Path) -> Json:
    """Render the authorities that are trusted, watched in the same way."""
    return typed(
        KIND,
        name=name,
        validation_context={
            "trusted_ca": {"filename": str(authorities.absolute())},
            "watched_directory": {"path": str(authorities.absolute().parent)},
        },
    )


def from_file(name: str, folder: Path) -> Json:
    """Render the reference to the secret `name`, whose file is in `folder`."""
    source = {"path": str(secret_path(name, folder))}
    return {"name": name, "sds_config": {"path_config_source": source, "resource_api_version": "V3"}}


def secret_path(name: str, folder: Path) -> Path:
    """Name the file of a secret."""
    return folder.absolute() / f"{name}.json"
