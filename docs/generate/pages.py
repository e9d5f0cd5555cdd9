"""The generated pages, and what writes each."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.capacity.page.plots import day_plot, outage_plot, threshold_plot
from bench.capacity.page.whole import capacity_page
from docs.generate.api import api_page
from docs.generate.errors import errors_page
from docs.generate.metrics import metrics_page
from docs.generate.repeats import go_table, java_table, python_table, repeats_page, typescript_table
from docs.generate.settings import settings_page
from docs.generate.statements import statements_page

DOCS = Path(__file__).parents[1]
CLIENTS = DOCS.parent / "clients"
PAGES: Mapping[Path, Callable[[], str]] = {
    DOCS / "api.md": api_page,
    DOCS / "settings.md": settings_page,
    DOCS / "metrics.md": metrics_page,
    DOCS / "errors.md": errors_page,
    DOCS / "cassandra-statements.md": statements_page,
    DOCS / "repeating.md": repeats_page,
    DOCS / "capacity.md": capacity_page,
    DOCS / "capacity-threshold.svg": threshold_plot,
    DOCS / "capacity-day.svg": day_plot,
    DOCS / "capacity-outage.svg": outage_plot,
    CLIENTS / "python" / "lensfeed_client" / "repeats.py": python_table,
    CLIENTS / "typescript" / "src" / "repeats.ts": typescript_table,
    CLIENTS / "go" / "repeats.go": go_table,
    CLIENTS / "java" / "src" / "main" / "java" / "lensfeed" / "tour" / "Repeats.java": java_table,
}
