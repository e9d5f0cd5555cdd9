"""Lists where the processes of a mesh serve their metrics, for Prometheus and `lensfeed top`."""

import json

from devmesh.layout import Layout
from devmesh.ports import address
from devmesh.private_files import write_private


def write_targets(layout: Layout) -> None:
    """Write the list, in the form of Prometheus's `file_sd_configs`. `part` names the process."""
    groups = [
        {"targets": [address(port)], "labels": {"part": name, "namespace": "lensfeed"}}
        for name, port in layout.ports.metrics.items()
    ]
    write_private(layout.targets, json.dumps(groups, indent=1))
