"""Whether the edge serves its own documentation."""

from meshkit.settings import Settings


class DocsSettings(Settings):
    """The setting of `/openapi.json` and `/docs`."""

    edge_docs: bool = True
    """Whether the edge serves `/openapi.json`, and the page `/docs` to try it on."""
