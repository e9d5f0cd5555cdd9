"""Signs the edge's requests to the store, which answers nobody without a key.

It signs next to the store: a rewrite after the signature would break it, and each attempt of a conditional request has
another method (media_conditions.lua).
"""

from collections.abc import Mapping

from edge_proxy.json_types import Json, extension
from edge_proxy.settings.edge import EdgeSettings
from meshkit.settings import PREFIX

KIND = "extensions.filters.http.aws_request_signing.v3.AwsRequestSigning"
# Envoy takes the key from its environment only: a key in the configuration would be in a file and in Envoy's administration,
# and Envoy would otherwise ask the network for one.
KEY_FROM_ENVIRONMENT = {"custom_credential_provider_chain": True, "environment_credential_provider": {}}


def signing_filter(settings: EdgeSettings) -> Json:
    """Render the filter. It signs only the host and S3's own headers: proxies may change the others."""
    return extension(
        "envoy.filters.http.aws_request_signing",
        KIND,
        service_name="s3",
        region=settings.s3_region,
        # Otherwise a request with a body would be buffered. The store ignores bodies of reads.
        use_unsigned_payload=True,
        match_included_headers=[{"exact": "host"}],
        credential_provider=KEY_FROM_ENVIRONMENT,
    )


def envoy_environment(settings: EdgeSettings, outer: Mapping[str, str]) -> dict[str, str]:
    """Return Envoy's environment: the outer one with the key of `/m/…`, and no other secrets of the mesh."""
    kept = {name: value for name, value in outer.items() if not name.startswith((PREFIX, "AWS_"))}
    return kept | {
        "AWS_ACCESS_KEY_ID": settings.edge_s3_access_key.get_secret_value(),
        "AWS_SECRET_ACCESS_KEY": settings.edge_s3_secret_key.get_secret_value(),
    }
