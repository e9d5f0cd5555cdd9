"""Renders the chart by Helm, and reads the objects."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
SAMPLES: dict[str | None, Path | None] = {
    None: None,
    **{path.stem: path for path in sorted((CHART / "samples").glob("*.yaml"))},
}
"""The value sets: the defaults (None) and each sample."""
OLDEST, NEWEST = "1.30.0", "1.37.0"
"""The versions of Kubernetes that the chart is for: what Chart.yaml requires, and the newest with schemas here."""
CUSTOM = Path(__file__).parent / "schemas"
_TOOLS = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lensfeed" / "tools"
# The package has them. It is not imported, which takes four seconds.
_SCHEMAS = Path(str(distribution("kubernetes-validate").locate_file("kubernetes_validate"))) / "kubernetes-json-schema"
_DEFINITIONS = "/api/_definitions.json#/$defs/"

Object = dict[str, Any]


@cache
def render(sample: str | None = None, *options: str) -> str:
    """Return the chart's objects as YAML, with the values of a sample."""
    values = SAMPLES[sample]
    files = ("--values", str(values)) if values else ()
    return run("helm", "template", "photos", str(CHART), "--kube-version", NEWEST, *files, *options)


def objects(sample: str | None = None, kind: str | None = None, *options: str) -> list[Object]:
    """Return the objects of a kind, or all."""
    return [each for each in _objects(sample, *options) if kind in {None, each["kind"]}]


def by_name(sample: str | None, kind: str) -> dict[str, Object]:
    """Return the objects of a kind by their names, without the release's."""
    return {each["metadata"]["name"].removeprefix("photos-"): each for each in objects(sample, kind)}


def pods(sample: str | None) -> Iterator[tuple[str, Object]]:
    """Return the pod spec of each Deployment, Job and CronJob, with its name."""
    for kind, path in (("Deployment", ()), ("Job", ()), ("CronJob", ("jobTemplate", "spec"))):
        for name, each in by_name(sample, kind).items():
            spec = each["spec"]
            for step in path:
                spec = spec[step]
            yield name, spec["template"]["spec"]


def environment(pod: Object) -> dict[str, Object]:
    """Return the variables of a pod's only container, by name."""
    [container] = pod["containers"]
    return {each["name"]: each for each in container["env"]}


def run(program: str, *arguments: str, text: str | None = None) -> str:
    """Run Helm or another tool, from PATH or from where tests/need_helm.sh puts it. Fails with what it says."""
    found = shutil.which(program, path=f"{_TOOLS}:{os.environ['PATH']}")
    assert found, f"{program} is missing: run `sh tests/need_helm.sh`"
    done = subprocess.run([found, *arguments], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def write_schemas(folder: Path, version: str) -> None:
    """Write the schema of each kind of one version of Kubernetes as a file that needs no other, as kubeconform reads it."""
    source = _SCHEMAS / f"v{version}-local-strict"
    definitions = json.loads((source / "_definitions.json").read_text())["$defs"]
    for kind in {file_name(each) for sample in SAMPLES for each in objects(sample)}:
        file = source / kind
        if file.exists():
            schema = json.loads(file.read_text())
            schema.pop("$id")
            schema["$defs"] = _needed(schema, definitions)
            (folder / kind).write_text(json.dumps(schema).replace(_DEFINITIONS, "#/$defs/"))


def file_name(found: Object) -> str:
    """Return the file of an object's schema."""
    group, _, version = found["apiVersion"].rpartition("/")
    middle = f"{group.partition('.')[0]}-" if group else ""
    return f"{found['kind'].lower()}-{middle}{version}.json"


@cache
def _objects(sample: str | None, *options: str) -> list[Object]:
    return [each for each in yaml.safe_load_all(render(sample, *options)) if each]


def _needed(schema: object, definitions: Mapping[str, Object]) -> dict[str, Object]:
    needed: dict[str, Object] = {}
    names = list(_references(schema))
    while names:
        if (name := names.pop()) not in needed:
            needed[name] = {key: value for key, value in definitions[name].items() if key != "$id"}
            names += _references(needed[name])
    return needed


def _references(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in schema.items():
            if key == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for each in schema:
            yield from _references(each)
