"""Certificates as Envoy secrets, each in its own file. Envoy reloads renewed ones."""

from pathlib import Path

from edge_proxy.json_types import Json, typed

KIND = "extensions.transport_sockets.tls.v3.Secret"


def certificate_secret(name: str, certificate: Path, key: Path) -> Json:
    """Render a certificate and its key. Envoy reloads them when a file is moved into the certificate's folder.

    Moving is what mounted secrets do, and it never exposes half a file.
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
    """Render the trusted authorities, reloaded in the same way."""
    return typed(
        KIND,
        name=name,
        validation_context={
            "trusted_ca": {"filename": str(authorities.absolute())},
            "watched_directory": {"path": str(authorities.absolute().parent)},
        },
    )


def from_file(name: str, folder: Path) -> Json:
    """Render a reference to the secret `name` in `folder`."""
    source = {"path": str(secret_path(name, folder))}
    return {"name": name, "sds_config": {"path_config_source": source, "resource_api_version": "V3"}}


def secret_path(name: str, folder: Path) -> Path:
    """Return the path of a secret's file."""
    return folder.absolute() / f"{name}.json"
