"""TLS between apps and the edge."""

import ssl
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from meshkit.settings import Settings


class TlsSettings(Settings):
    """With a certificate and its key, the edge's port accepts only TLS."""

    edge_tls_cert_file: Path | None = None
    """The edge's certificate and its chain, as PEM. With it and its key, apps connect by TLS only."""
    edge_tls_key_file: Path | None = None
    """The certificate's key, as PEM. Both are read again when renewed files are moved into their place."""
    edge_hsts_seconds: int = Field(default=31_536_000, ge=0)
    """With TLS, how long browsers must use HTTPS (HSTS). 0 does not send the header."""

    @property
    def edge_uses_tls(self) -> bool:
        """Whether apps use https."""
        return self.edge_tls_cert_file is not None

    @model_validator(mode="after")
    def _fit(self) -> Self:
        certificate, key = self.edge_tls_cert_file, self.edge_tls_key_file
        if (certificate is None) != (key is None):
            raise ValueError("LENSFEED_EDGE_TLS_CERT_FILE and LENSFEED_EDGE_TLS_KEY_FILE must be set together")
        if certificate is not None and key is not None:
            _require_pair(certificate, key)
        return self


def _require_pair(certificate: Path, key: Path) -> None:
    """Check the pair now. Envoy would start anyway, with a port that does not answer."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise ValueError(f"{certificate} and {key} are not a certificate and its key: {error}") from None


def _no_password() -> str:
    raise ValueError("keys with a password are not supported")
