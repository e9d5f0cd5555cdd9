"""The shapes that a configuration is made of."""

from typing import Any

# Envoy's configuration is its own protos as JSON: Envoy checks it (`validate`), not Python's types.
Json = dict[str, Any]


def typed(kind: str, **fields: Any) -> Json:
    """Render a `google.protobuf.Any` of an Envoy proto, `kind` being its name below `envoy.`."""
    return {"@type": f"type.googleapis.com/envoy.{kind}", **fields}


def extension(name: str, kind: str, **fields: Any) -> Json:
    """Render a named extension with its typed configuration."""
    return {"name": name, "typed_config": typed(kind, **fields)}
