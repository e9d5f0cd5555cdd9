"""The dashboards as the JSON that Grafana loads, by file name."""

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from tools.imports import SERVICES
from tools.monitoring.promises import promises
from tools.monitoring.services import service_dashboard
from tools.requirements import ROOT

FOLDER = ROOT / "deploy" / "dashboards"


def texts() -> dict[str, str]:
    """Return the text of each file."""
    boards = {"promises": promises(), **{service: service_dashboard(service) for service in SERVICES}}
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{name}.json": f"{encoder.encode(board.build())}\n" for name, board in boards.items()}
