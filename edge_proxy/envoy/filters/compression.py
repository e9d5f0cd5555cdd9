"""Smaller answers for apps that ask for them."""

from edge_proxy.json_types import Json, extension

# Text only. Media are compressed already, and gRPC compresses its own messages.
CONTENT_TYPES = (
    "application/json",
    "application/javascript",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
)
# Below this, it costs more than it spares.
MIN_BYTES = 512
# The cheap ends of their scales: a page of a feed shrinks to a sixth at a tenth of the time that the best levels take.
LIBRARIES: dict[str, Json] = {
    "zstd": {"compression_level": 3},
    "brotli": {"quality": 3},
    "gzip": {"compression_level": "COMPRESSION_LEVEL_3", "memory_level": 8},
}


def compression_filters() -> list[Json]:
    """Render a filter for each way to compress; by `accept-encoding` at most one of them acts on an answer."""
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
                # With a charset or without it.
                "content_type_matcher": [{"prefix": content_type} for content_type in CONTENT_TYPES],
            }
        },
    )
