"""Write the bill of materials (CycloneDX) of an image: its Python packages and those of Debian, as installed in it."""

import json
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

Component = dict[str, Any]


def write_bill(root: Path, file: Path) -> int:
    """Write the bill of the image with these files. Returns the number of packages."""
    components = [*python_packages(root), *debian_packages(root)]
    file.parent.mkdir(parents=True, exist_ok=True)
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": components}
    file.write_text(json.dumps(bill, indent=2))
    return len(components)


def python_packages(root: Path) -> list[Component]:
    """Return a component for each package of the image's environment."""
    [site] = (root / "opt" / "lensfeed" / "lib").glob("python3*/site-packages")
    found = [_python_package(each.metadata) for each in distributions(path=[str(site)])]
    return sorted(found, key=lambda component: str(component["name"]))


def debian_packages(root: Path) -> Iterator[Component]:
    """Yield a component for each package of the base."""
    status = (root / "var" / "lib" / "dpkg" / "status").read_text()
    for paragraph in status.strip().split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Architecture): (.*)$", paragraph, flags=re.MULTILINE))
        name, version = fields["Package"], fields["Version"]
        yield _component(name, version, f"pkg:deb/debian/{name}@{version}?arch={fields['Architecture']}")


def _python_package(metadata: PackageMetadata) -> Component:
    name, version = str(canonicalize_name(metadata["Name"])), metadata["Version"]
    return {**_component(name, version, f"pkg:pypi/{name}@{version}"), "licenses": _licences(metadata)}


def _licences(metadata: PackageMetadata) -> list[Mapping[str, Any]]:
    if "License-Expression" in metadata:
        return [{"expression": metadata["License-Expression"]}]
    classifiers = [each for each in metadata.get_all("Classifier", []) if each.startswith("License ::")]
    # Some packages have the whole text in the field License.
    named = [metadata["License"].partition("\n")[0]] if "License" in metadata else []
    names = [each.rpartition(":: ")[2] for each in classifiers] or named
    return [{"license": {"name": name}} for name in names if name]


def _component(name: str, version: str, url: str) -> Component:
    return {"type": "library", "bom-ref": url, "name": name, "version": version, "purl": url}
