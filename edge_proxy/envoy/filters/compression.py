"""Response compression."""

from edge_proxy.json_types import Json, extension

# Text only. Media are already compressed, and gRPC compresses its own messages.
CONTENT_TYPES = (
    "application/json",
    "application/javascript",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
)
# Below this, compression costs more than it saves.
MIN_BYTES = 512
# Low levels: a feed page shrinks to a sixth, in a tenth of the time of the best levels.
LIBRARIES: dict[str, Json] = {
    "zstd": {"compression_level": 3},
    "brotli": {"quality": 3},
    "gzip": {"compression_level": "COMPRESSION_LEVEL_3", "memory_level": 8},
}


def compression_filters() -> list[Json]:
    """Render a filter for each algorithm. `accept-encoding` selects at most one of them."""
    return [_filter(library, options) for library, options in LIBRARIES.items()]


def _filter(library: str, options: Json) -> Json:
    kind = f"extensions.compression.{library}.compressor.v3.{library.capitalize()}"
    return extension(
        f"envoy.filters.http.compressor.{library}",
        "extensions.filters.http.compressor.v3.Compressor",
        compressor_library=extension(f"envoy.compression.{library}.compressor", kind, **options),
        response_direction_config={
            "common_config": {
                "min_content_length": MIN_BYTES,
                # With or without a charset.
                "content_type_matcher": [{"prefix": content_type} for content_type in CONTENT_TYPES],
            }
        },
    )
