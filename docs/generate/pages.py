"""The generated pages, and what writes each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from docs.generate.api import api_page
from docs.generate.errors import errors_page
from docs.generate.metrics import metrics_page
from docs.generate.settings import settings_page
from docs.generate.statements import statements_page

DOCS = Path(__file__).parents[1]
PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "api.md": api_page,
    DOCS / "settings.md": settings_page,
    DOCS / "metrics.md": metrics_page,
    DOCS / "errors.md": errors_page,
    DOCS / "cassandra-statements.md": statements_page,
}
