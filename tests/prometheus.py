"""A real Prometheus, which scrapes a mesh and evaluates lensfeed's rules."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from devmesh.ports import reserved_ports
from devmesh.supervise.process import Command
from devmesh.supervise.readiness import http_status
from devmesh.supervise.running import running

RULES = Path(__file__).parents[1] / "deploy" / "prometheus" / "rules.yaml"
# In production it is half a minute. A test need not wait for it.
INTERVAL = "500ms"
_TOOLS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lensfeed" / "tools"


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    http: httpx.AsyncClient

    async def ask(self, path: str, **parameters: str) -> Any:
        """Return the data of an answer. Fails with the error that Prometheus names."""
        answer = (await self.http.get(f"/api/v1/{path}", params=parameters)).json()
        assert answer["status"] == "success", f"{parameters}: {answer}"
        return answer["data"]

    async def query(self, expression: str) -> Sequence[dict[str, Any]]:
        """Return the series of an expression as it is now."""
        series: Sequence[dict[str, Any]] = (await self.ask("query", query=expression))["result"]
        return series

    async def rules(self) -> Sequence[dict[str, Any]]:
        """Return every rule with what its last evaluation came to."""
        return [rule for group in (await self.ask("rules"))["groups"] for rule in group["rules"]]


def program(name: str) -> str:
    """Return the path of `prometheus` or `promtool`, from PATH or from where tests/need_prometheus.sh puts it."""
    found = shutil.which(name, path=f"{_TOOLS}:{os.environ['PATH']}")
    assert found, f"{name} is missing: run `sh tests/need_prometheus.sh`"
    return found


@contextlib.asynccontextmanager
async def running_prometheus(folder: Path, targets: Path) -> AsyncIterator[Prometheus]:
    """Run a Prometheus with lensfeed's rules, which scrapes the targets that a file lists."""
    rules = yaml.safe_load(RULES.read_text())
    (folder / "rules.yaml").write_text(
        yaml.safe_dump({"groups": [{**each, "interval": INTERVAL} for each in rules["groups"]]})
    )
    scrape = {"job_name": "lensfeed", "scrape_timeout": INTERVAL, "file_sd_configs": [{"files": [str(targets)]}]}
    config = folder / "prometheus.yaml"
    config.write_text(
        yaml.safe_dump(
            {"global": {"scrape_interval": INTERVAL}, "rule_files": ["rules.yaml"], "scrape_configs": [scrape]}
        )
    )
    with reserved_ports(1) as [port]:
        options = (f"--config.file={config}", f"--storage.tsdb.path={folder}", f"--web.listen-address=127.0.0.1:{port}")
        command = Command((program("prometheus"), *options), os.environ, folder, folder / "prometheus.log")

        async def is_ready() -> bool:
            return await http_status(port, "/-/ready") == httpx.codes.OK

        async with (
            running("Prometheus", command, is_ready),
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            yield Prometheus(http)
