"""docs/api.md: the public methods, from the contracts."""

from pathlib import Path

from edge_proxy.answers.openapi.document import document
from edge_proxy.answers.openapi.markdown import markdown
from edge_proxy.contracts import read_descriptors
from edge_proxy.json_types import Json

PACKAGED = Path(__file__).parents[2] / "edge_proxy" / "lensfeed.binpb"


def api_page() -> str:
    """Write the page."""
    return markdown(read_document())


def read_document() -> Json:
    """Return the OpenAPI document of the contracts that `make protos` last wrote."""
    return document(read_descriptors(PACKAGED))
