"""The Compose file is valid by its specification, complete, and as safe as the chart."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from docs.generate.settings_classes import PROCESSES
from meshkit.settings import PREFIX
from tests.deploy.chart import CHART, ROOT, run
from tests.deploy.test_chart import JOBS
from tools.requirements import version
from tools.roles import ROLES

pytestmark = pytest.mark.slow  # it needs the loader of the specification

FOLDER = ROOT / "deploy" / "compose"
PARTS: Mapping[str, Any] = yaml.safe_load((CHART / "files" / "parts.yaml").read_text())
Service = dict[str, Any]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Give the file as the reference implementation loads it, by the published schema, with the variables of .env.example."""
    file = tmp_path_factory.mktemp("compose") / "compose.yaml"
    file.write_text(interpolated((FOLDER / "compose.yaml").read_text()))
    loaded: dict[str, Any] = json.loads(run("compose-spec", "-format", "json", str(file)))
    return loaded


def interpolated(text: str) -> str:
    """Put in the variables of .env.example: the loader's own command reads none. Fails if a required one is missing."""
    lines = (FOLDER / ".env.example").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    def value(found: re.Match[str]) -> str:
        name, default = found.groups()
        return variables[name] if default is None else variables.get(name, default)

    return re.sub(r"\$\{(\w+)(?::-([^}]*)|:\?[^}]*)?\}", value, text)


@pytest.fixture(scope="module")
def ours(project: dict[str, Any]) -> dict[str, Service]:
    """Give the services that run an image of ours, by name."""
    return {name: each for name, each in project["services"].items() if "/lensfeed-" in each["image"]}


def test_every_part_runs_as_in_the_chart(ours: dict[str, Service]) -> None:
    """Each part of the chart is a service with the same command, image and port, and knows the same others."""
    for name, part in PARTS.items():
        service = ours[name]
        assert service["command"] == ["python", "-m", *part["command"]]
        assert service["image"] == f"localhost/lensfeed-{part['role']}:{version()}"
        address = "EDGE_ADDR" if part.get("edge") else "LISTEN_ADDR"
        assert service["environment"][PREFIX + address].endswith(f":{part['port']}")
        for other in part["calls"]:
            known = service["environment"][f"{PREFIX}{other.upper()}_ADDR"]
            assert known == f"dns:///{other}:{PARTS[other]['port']}", name


def test_each_variable_is_a_setting_of_its_process(ours: dict[str, Service]) -> None:
    """A service gets only settings that its process reads, and all that the process requires."""
    for name, service in ours.items():
        package, command = service["command"][2:4]
        process = f"{package.removesuffix('_svc').removesuffix('_proxy')} {command}"
        if process == "user keys":
            assert "environment" not in service
            continue
        fields = {**PROCESSES, **JOBS}[process].model_fields
        given = {each.removeprefix(PREFIX).lower() for each in service["environment"] if each.startswith(PREFIX)}
        assert given <= fields.keys(), name
        assert {field for field, info in fields.items() if info.is_required()} <= given, name


def test_every_process_is_confined(ours: dict[str, Service]) -> None:
    """No process of ours writes to its image, keeps a capability or gains privileges, and only the edge is outside."""
    for name, service in ours.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["image"].partition("lensfeed-")[2].partition(":")[0] in ROLES
        assert ("ports" in service) == (name == "edge")
        assert service["networks"].keys() == ({"mesh", "outside"} if name == "edge" else {"mesh"})


def test_nothing_starts_before_what_it_needs(project: dict[str, Any], ours: dict[str, Service]) -> None:
    """Only servers and jobs are waited for; a job is waited for to its end."""
    jobs = {name for name, service in project["services"].items() if service["restart"] == "on-failure"}
    for name, service in ours.items():
        for other, how in service.get("depends_on", {}).items():
            assert (how["condition"] == "service_completed_successfully") == (other in jobs), (
                f"{name} waits for {other}"
            )


def test_three_nodes_are_a_profile(project: dict[str, Any]) -> None:
    """One Cassandra node runs always, two more by a profile; each has data of its own."""
    nodes = {name: each for name, each in project["services"].items() if name.startswith("cassandra")}
    assert [each.get("profiles") for each in nodes.values()] == [None, ["three-nodes"], ["three-nodes"]]
    assert len({each["volumes"][0]["source"] for each in nodes.values()}) == len(nodes)


def test_prometheus_scrapes_every_process() -> None:
    """Each part that serves metrics is scraped, in every replica."""
    [job] = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
    [found] = job["dns_sd_configs"]
    assert set(found["names"]) == {name for name, part in PARTS.items() if not part.get("noMetrics")}
