"""The kinds of panels and rows that lensfeed's dashboards are made of."""

from collections.abc import Iterable, Sequence
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models.common import GraphTresholdsStyleMode, LegendDisplayMode, LegendPlacement
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    Threshold,
    ThresholdsMode,
)

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""What the viewer chooses, as the name of a Prometheus differs between installations."""
SECONDS, PER_SECOND, SHARE, BYTES, NUMBER = "s", "ops", "percentunit", "bytes", "short"
_TAG = "lensfeed"
_WIDTH, _HEIGHT = 8, 8

Panel = timeseries.Panel | stat.Panel
Query = tuple[str, str]
"""PromQL, and the legend of its series."""


def board(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """Return an empty dashboard, which links to the others and asks which Prometheus to read."""
    others = dashboard.DashboardLink("lensfeed").type(DashboardLinkType.DASHBOARDS).tags([_TAG]).as_dropdown(True)
    return (
        dashboard.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags([_TAG])
        .time("now-6h", "now")
        .refresh("1m")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(others.include_vars(True).keep_time(True))
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )


def add_row(onto: dashboard.Dashboard, title: str, panels: Iterable[Panel]) -> None:
    """Add panels below a heading."""
    onto.with_row(dashboard.Row(title))
    for panel in panels:
        onto.with_panel(panel)


def lines(title: str, unit: str, *queries: Query, description: str = "", limits: Sequence[float] = ()) -> Panel:
    """Return a graph over time. A value above a limit is in the red area."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.TABLE).placement(LegendPlacement.BOTTOM)
    panel = timeseries.Panel().legend(legend.show_legend(True).calcs(["lastNotNull", "max"])).fill_opacity(8)
    if limits:
        steps = [("green", None), *(("red", limit) for limit in limits)]
        style = common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED)
        panel.thresholds(_thresholds(steps)).thresholds_style(style)
    return _filled(panel.min(0), title, unit, queries, description)


def number(
    title: str, unit: str, query: Query, *, steps: Sequence[tuple[str, float | None]], description: str
) -> Panel:
    """Return the latest value, in the colour of the step that it reaches."""
    panel = (
        stat.Panel().thresholds(_thresholds(steps)).reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    )
    return _filled(panel.decimals(2), title, unit, [query], description)


def _filled(panel: Any, title: str, unit: str, queries: Sequence[Query], description: str) -> Panel:
    panel.title(title).unit(unit).datasource(SOURCE).span(_WIDTH).height(_HEIGHT)
    if description:
        panel.description(description)
    for ref, (expression, legend) in zip("ABCDEFGH", queries, strict=False):
        target = prometheus.Dataquery().expr(expression).legend_format(legend).range().ref_id(ref).datasource(SOURCE)
        panel.with_target(target)
    filled: Panel = panel
    return filled


def _thresholds(steps: Sequence[tuple[str, float | None]]) -> dashboard.ThresholdsConfig:
    made = [Threshold(value, colour) for colour, value in steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)
