"""docs/metrics.md: every metric, from the catalogue."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from docs.generate.table import table
from meshkit.telemetry import catalog
from meshkit.telemetry.instruments import HistogramMetric, Metric

ROOT = Path(__file__).parents[2]
ROOMS = ("meshkit", "user_svc", "follow_svc", "post_svc", "media_svc", "feed_svc", "edge_proxy")
HEAD = """\
# Metrics

<!-- Written by `make reference` from meshkit/telemetry/catalog.py. Edit the descriptions there, not this page. -->

Each service and worker serves its metrics to Prometheus, at `/metrics` of `LENSFEED_METRICS_ADDR`, and sends metrics and spans by
OTLP if the standard variable `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Both are off unless set. `lensfeed dev` gives each process a
port, shows its URL, and lists all of them in `metrics.json` of the data folder, for Prometheus's `file_sd_configs`. On a loopback
address, requests of web pages and for other host names are refused. In both ways, the resource (`target_info` in Prometheus)
says which process a figure comes from: `service.name` (`feed_svc`, `feed_svc work`), `service.version` and `service.instance.id`.

Names, attributes and buckets of calls and statements are those of OpenTelemetry's stable semantic conventions. An SQLite store's
`db.query.summary` is the method of the store, because a transaction has several statements.

In Prometheus, dots of attributes become underscores (`rpc_method`), and a histogram has `_bucket`, `_count` and `_sum`. The
99th percentile of GetFeed over five minutes, for example:

```
histogram_quantile(0.99, sum by (le) (rate(
  rpc_server_call_duration_seconds_bucket{rpc_method="lensfeed.feed.v1.FeedService/GetFeed"}[5m])))
```

The edge is Envoy: its administration (`admin.sock` in `LENSFEED_EDGE_DIR`) serves its statistics at `/stats/prometheus`.

"""
BOUNDS_HEAD = """
## Buckets

The upper bounds of each histogram's buckets, in its unit.

"""
COLUMNS = ("name", "in Prometheus", "kind", "unit", "attributes", "meaning", "recorded in")


def metrics_page() -> str:
    """Write the page."""
    users = _users()
    metrics = sorted(_named(), key=lambda named: named[1].name)
    rows = [_row(metric, users.get(name, ())) for name, metric in metrics]
    bounds = [(f"`{each.name}`", _bounds(each)) for _, each in metrics if isinstance(each, HistogramMetric)]
    return HEAD + table(COLUMNS, rows) + BOUNDS_HEAD + table(("name", "bounds"), bounds)


def _named() -> Iterator[tuple[str, Metric]]:
    """Yield each metric with the name of its constant."""
    yield from ((name, value) for name, value in vars(catalog).items() if isinstance(value, Metric))


def _row(metric: Metric, files: Sequence[str]) -> tuple[str, ...]:
    if not files:
        raise ValueError(f"nothing records {metric.name}: remove it from meshkit/telemetry/catalog.py")
    attributes = ", ".join(f"`{each}`" for each in metric.attributes)
    where = ", ".join(f"`{file}`" for file in files)
    return (
        f"`{metric.name}`",
        f"`{metric.prometheus_name}`",
        metric.kind,
        metric.unit,
        attributes,
        metric.description,
        where,
    )


def _bounds(metric: HistogramMetric) -> str:
    return ", ".join(f"{bound:g}" for bound in metric.bounds)


def _users() -> Mapping[str, list[str]]:
    """Return, for each constant of the catalogue, the files that import it."""
    found: dict[str, list[str]] = {}
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text()
            if catalog.__name__ in text:
                for name in _imported(ast.parse(text)):
                    found.setdefault(name, []).append(str(file.relative_to(ROOT)))
    return found


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == catalog.__name__:
            yield from (alias.name for alias in node.names)
