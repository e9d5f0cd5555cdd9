"""docs/metrics.md: every OpenTelemetry instrument, as the code creates it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from docs.generate.table import table

ROOT = Path(__file__).parents[2]
ROOMS = ("meshkit", "user_svc", "follow_svc", "post_svc", "media_svc", "feed_svc", "edge_proxy")
HEAD = """\
# Metrics

<!-- Written by `make reference` from the calls that create instruments. Edit their descriptions, not this page. -->

Services and workers export metrics and spans by OTLP if the standard variable `OTEL_EXPORTER_OTLP_ENDPOINT` is set. The resource
attribute `service.name` says which process a figure comes from (`feed_svc`, `post_svc work`).

The edge is Envoy: its administration (`admin.sock` in `LENSFEED_EDGE_DIR`) serves its statistics at `/stats/prometheus`.

"""
CREATE = "create_"


def metrics_page() -> str:
    """Write the page."""
    return HEAD + table(("name", "kind", "unit", "meaning", "created in"), sorted(_instruments()))


def _instruments() -> Iterator[tuple[str, ...]]:
    for room in ROOMS:
        for file in sorted((ROOT / room).rglob("*.py")):
            text = file.read_text()
            if CREATE in text:
                yield from _in_module(ast.parse(text), str(file.relative_to(ROOT)))


def _in_module(module: ast.Module, file: str) -> Iterator[tuple[str, ...]]:
    constants = {
        node.targets[0].id: node.value
        for node in module.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_instrument(node.func.attr):
            named = {keyword.arg: keyword.value for keyword in node.keywords}
            name, unit, description = (
                _text(each, constants, file)
                for each in (node.args[0] if node.args else None, named.get("unit"), named.get("description"))
            )
            yield f"`{name}`", node.func.attr.removeprefix(CREATE).replace("_", " "), unit, description, f"`{file}`"


def _is_instrument(method: str) -> bool:
    return method.startswith(CREATE) and method.rpartition("_")[2] in {"counter", "histogram", "gauge"}


def _text(node: ast.expr | None, constants: dict[str, ast.expr], file: str) -> str:
    """Return a text that is written in the module. An instrument without one could not be documented."""
    node = constants.get(node.id) if isinstance(node, ast.Name) else node
    if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
        raise TypeError(f"{file}: an instrument needs a name, a unit and a description as plain texts")
    return node.value
