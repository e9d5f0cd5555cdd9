"""Whether the edge tells what it is."""

from meshkit.settings import Settings


class DocsSettings(Settings):
    """The setting of `/openapi.json` and `/docs`."""

    edge_docs: bool = True
    """Whether the edge serves its OpenAPI document and the page that shows it."""
