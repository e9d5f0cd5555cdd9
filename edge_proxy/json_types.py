"""JSON types and helpers for Envoy's configuration."""

from typing import Any

# Envoy's configuration is JSON of its own protos. Envoy validates it, not Python's types.
Json = dict[str, Any]


def typed(kind: str, **fields: Any) -> Json:
    """Render a `google.protobuf.Any` of the Envoy proto `envoy.{kind}`."""
    return {"@type": f"type.googleapis.com/envoy.{kind}", **fields}


def extension(name: str, kind: str, **fields: Any) -> Json:
    """Render a named extension with its typed configuration."""
    return {"name": name, "typed_config": typed(kind, **fields)}
