"""Writes the rendered configuration to golden/, so that reviews show changes to Envoy's configuration.

Run `python -m tests.edge_proxy.envoy.golden_config` to update the files.
"""

import json
import os
import re
import tempfile
from pathlib import Path
from unittest import mock

import certifi
import yaml

from devmesh.secrets.certificates import make_certificates
from edge_proxy.envoy.bootstrap import bootstrap, secrets
from edge_proxy.json_types import Json
from edge_proxy.settings.edge import EdgeSettings
from tests.meshkit.identity.certificates import Authority

FOLDER = Path(__file__).parent / "golden"
ROOT = Path(__file__).parents[3]
PLAIN = {
    **{f"LENSFEED_{name}_ADDR": f"127.0.0.1:{port}" for port, name in enumerate(("USER", "FOLLOW", "POST"), 50051)},
    "LENSFEED_MEDIA_ADDR": "127.0.0.1:50054",
    "LENSFEED_FEED_ADDR": "127.0.0.1:50055",
    "LENSFEED_S3_ENDPOINT_URL": "http://127.0.0.1:8333",
    "LENSFEED_EDGE_S3_ACCESS_KEY": "never-rendered",
    "LENSFEED_EDGE_S3_SECRET_KEY": "never-rendered",
    "LENSFEED_TOKEN_JWKS_FILE": "/etc/lensfeed/jwks.json",
    "LENSFEED_EDGE_DIR": "/var/lib/lensfeed/edge",
}
PRODUCTION = PLAIN | {
    **{
        f"LENSFEED_{name}_ADDR": f"{name.lower()}.internal:50051"
        for name in ("USER", "FOLLOW", "POST", "MEDIA", "FEED")
    },
    "LENSFEED_EDGE_ADDR": "0.0.0.0:8443",
    "LENSFEED_EDGE_ACCESS_LOG": "all",
    "LENSFEED_EDGE_TRUSTED_HOPS": "1",
    "LENSFEED_CORS_ORIGINS": "https://app.example",
    "LENSFEED_S3_ENDPOINT_URL": "https://s3.example",
    "LENSFEED_S3_REGION": "eu-central-1",
    "LENSFEED_EDGE_TLS_CERT_FILE": "TLS/edge.crt",
    "LENSFEED_EDGE_TLS_KEY_FILE": "TLS/edge.key",
    "LENSFEED_MEDIA_URL_KEYS_FILE": "/etc/lensfeed/media-url-keys.json",
    "LENSFEED_MESH_TLS": "TLS/mesh",
}
CASES = {"plain": PLAIN, "production": PRODUCTION}


def rendered(environment: dict[str, str]) -> str:
    """Render the configuration for an environment, with the same paths on all machines."""
    with tempfile.TemporaryDirectory() as folder:
        Authority(Path(folder), "root").issue("edge", "127.0.0.1")
        make_certificates(Path(folder) / "mesh")
        here = {name: value.replace("TLS", folder) for name, value in environment.items()}
        with mock.patch.dict(os.environ, {**here, "SSL_CERT_FILE": certifi.where()}, clear=True):
            settings = EdgeSettings.load()
            config: Json = {"config": bootstrap(settings), "secrets": secrets(settings)}
    # Through JSON, because YAML would write shared objects as references.
    text = yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=False, width=160)
    # The content of documents is not part of the configuration.
    text = re.sub(r'"[0-9a-f]{16}"', '"DIGEST"', text)
    return (
        text.replace(folder, "/etc/lensfeed/tls").replace(certifi.where(), "/etc/ssl/roots.pem").replace(f"{ROOT}/", "")
    )


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name, environment in CASES.items():
        (FOLDER / f"{name}.yaml").write_text(rendered(environment))


if __name__ == "__main__":
    main()
