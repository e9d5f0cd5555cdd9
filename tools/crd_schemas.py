"""Write the schemas of custom resources that the chart creates, for kubeconform: `python -m tools.crd_schemas CRD.yaml…`.

The files are those that KEDA, cert-manager and the Gateway API publish. Descriptions are left out, unknown fields are refused.
"""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

from tools.requirements import ROOT

FOLDER = ROOT / "tests" / "deploy" / "schemas"


def main() -> None:
    """Write a schema for each served version of the given definitions."""
    for file in sys.argv[1:]:
        for definition in yaml.safe_load_all(Path(file).read_text()):
            write_schemas(definition["spec"])


def write_schemas(spec: dict[str, Any]) -> None:
    """Write the schemas of one kind, named as kubeconform looks for them: kind-group-version."""
    kind, group = spec["names"]["kind"].lower(), spec["group"].partition(".")[0]
    for version in spec["versions"]:
        if version["served"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            text = json.dumps(schema, separators=(",", ":"), sort_keys=True)
            (FOLDER / f"{kind}-{group}-{version['name']}.json").write_text(f"{text}\n")


def strict(schema: Any, *, are_names: bool = False) -> Any:
    """Return a schema without descriptions and Kubernetes' own keywords that refuses fields it does not know."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if are_names:
        return {name: strict(each) for name, each in schema.items()}
    kept = {
        key: strict(value, are_names=key == "properties")
        for key, value in schema.items()
        if key != "description" and not key.startswith("x-kubernetes-")
    }
    if "properties" in kept and not schema.get("x-kubernetes-preserve-unknown-fields"):
        kept.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        kept.pop("type", None)
    return kept


if __name__ == "__main__":
    main()
